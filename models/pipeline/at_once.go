package pipeline

import (
	"context"
	"fmt"
	"slices"
	"time"

	"hookwell/models"
	"hookwell/models/database"
)

// The sole worker claims deliveries in the transaction that accepts them, as far as
// their endpoints have slots in this process, and sends them after the commit: they
// need neither a task in Redis nor a claim, and are one row together (group.go). It
// wakes the others, as any process does.

// Slots asks for slots of one endpoint in this process.
type Slots struct {
	OrganizationID string
	EndpointID     string
	MaxInFlight    int // the endpoint's limit
	Count          int // asked for, and then granted
	Free           int // of Count, those that are free; the others will be in a moment
	Size           int // bytes of the largest of the events
}

// mostAtOnce is the most deliveries of one event that are claimed as it is
// accepted. One with more takes its turn among the claims.
const mostAtOnce = 32

// atOnce is what of a fan-out may be claimed with its acceptance.
type atOnce struct {
	slots     []Slots
	templates []*template // of each delivery; nil for one that is woken
	token     string      // of the leases
	row       *acceptedGroup
}

// reserve finds which deliveries of a fan-out this process may send at once, and
// takes slots for them. begin gives the slots back.
func (p *Engine) reserve(f *fanOut, found map[string]*acceptRules) {
	if !p.sole.Load() || p.waker == nil || len(f.deliveries) == 0 {
		return
	}
	a := &atOnce{templates: make([]*template, len(f.deliveries))}
	index := make(map[string]int, len(f.deliveries))
	for i, d := range f.deliveries {
		t := p.templateAtOnce(f.events[f.eventOf[i]], f.endpoints[i], found[d.OrganizationID])
		if t == nil {
			continue
		}
		a.templates[i] = t
		at, ok := index[d.EndpointID]
		if !ok {
			at = len(a.slots)
			index[d.EndpointID] = at
			a.slots = append(a.slots, Slots{OrganizationID: d.OrganizationID, EndpointID: d.EndpointID, MaxInFlight: t.maxInFlight})
		}
		a.slots[at].Count++
		a.slots[at].Size = max(a.slots[at].Size, len(f.events[f.eventOf[i]].Body))
	}
	if len(a.slots) == 0 {
		return
	}
	p.waker.Reserve(a.slots)
	left := make(map[string]int, len(a.slots))
	granted := 0
	for _, s := range a.slots {
		left[s.EndpointID] = s.Count
		granted += s.Count
	}
	if granted == 0 {
		return
	}
	for i, d := range f.deliveries {
		if left[d.EndpointID] == 0 {
			a.templates[i] = nil
		} else if a.templates[i] != nil {
			left[d.EndpointID]--
		}
	}
	a.token, f.atOnce = p.leaseToken(), a
	a.row = a.group(f)
}

// templateAtOnce returns an endpoint's template where a delivery of the event may
// go out now by all that is in memory, and nil otherwise.
func (p *Engine) templateAtOnce(event *models.Event, e *models.Endpoint, o *acceptRules) *template {
	kept, ok := p.messages.Get(e.ID)
	switch {
	case !ok || o == nil || kept.version != o.version || event.Deliveries > mostAtOnce || firstDelay(e.Schedule) > 0:
		return nil
	case kept.template.rateLimit > 0 || kept.template.until != nil && !p.clock.Now().Before(*kept.template.until):
		return nil
	}
	return kept.template
}

// giveUp gives back the slots of a fan-out that was not committed, as far as this
// process knows.
func (p *Engine) giveUp(f *fanOut, unsure bool) {
	if unsure && f != nil && f.atOnce != nil {
		p.unsure.add(f.atOnce.token)
	}
	p.begin(f, nil)
}

// begin gives back the slots of a fan-out, after its commit or where it failed, and
// has those deliveries sent that were claimed: of events that were written; nil is
// none of them. It returns their ids.
func (p *Engine) begin(f *fanOut, wrote func(eventID string) bool) map[string]bool {
	if f == nil || f.atOnce == nil {
		return nil
	}
	a := f.atOnce
	f.atOnce = nil
	jobs := make([]*Job, 0, len(f.deliveries))
	begun, now := map[string]bool{}, time.Now()
	for i, d := range f.deliveries {
		if t := a.templates[i]; t != nil && wrote != nil && wrote(d.EventID) {
			job := t.job(models.Work{DeliveryID: d.ID, OrganizationID: d.OrganizationID, EndpointID: d.EndpointID, EventID: d.EventID,
				Trigger: models.TriggerSchedule, Attempt: 1, LeaseToken: a.token}, f.events[f.eventOf[i]])
			job.grouped, job.Begun = d, now
			jobs = append(jobs, job)
			begun[d.ID] = true
		}
	}
	if wrote != nil {
		p.groups.add(a.row, len(jobs))
	}
	p.waker.Begin(a.slots, jobs)
	return begun
}

// mayClaim reports whether this process is the sole worker, which it then stays
// until the transaction ends, and none of the slots' endpoints is held.
func (p *Engine) mayClaim(tx *database.Tx, slots []Slots) (bool, error) {
	var sole []string
	query := "SELECT id FROM installations WHERE sole_worker = ? " + p.db.Dialect.ForShare()
	if err := tx.Raw(query, p.worker).Scan(&sole).Error; err != nil || len(sole) == 0 {
		return false, err
	}
	condition, parameter := p.db.Dialect.Among("endpoint_id", endpointsOf(slots))
	var open int64
	err := tx.Model(&models.EndpointState{}).Where(condition, parameter).Where(notHeld(p.db.Dialect.Now(p.clock))).Count(&open).Error
	return int(open) == len(slots), err
}

func endpointsOf(slots []Slots) []string {
	ids := make([]string, len(slots))
	for i := range slots {
		ids[i] = slots[i].EndpointID
	}
	return ids
}

// notHeld is the condition on an endpoint's state under which it may be sent to.
func notHeld(now string) string {
	return fmt.Sprintf("held_because = '' AND (held_until IS NULL OR held_until <= %s)", now)
}

// Release gives back jobs that were claimed and not begun: their deliveries are due
// as before. One that a person cancelled meanwhile ends. It fails if the database
// does, and then the leases stand.
func (p *Engine) Release(ctx context.Context, jobs []*Job) error {
	ids, tokens := make([]string, len(jobs)), make([]string, len(jobs))
	for i := range jobs {
		ids[i], tokens[i] = jobs[i].DeliveryID, jobs[i].work.LeaseToken
	}
	slices.Sort(tokens)
	tokens = slices.Compact(tokens)
	err := p.db.Transaction(ctx, func(tx *database.Tx) error {
		if err := p.expandTokens(tx, tokens); err != nil {
			return err
		}
		ours, parameter := p.db.Dialect.Among("delivery_id", ids)
		held, token := p.db.Dialect.Among("lease_token", tokens)
		var rows []models.Work
		query := "SELECT delivery_id, cancelled FROM delivery_work WHERE " + ours + " AND " + held + " ORDER BY delivery_id " + p.db.Dialect.ForUpdate(false)
		if err := tx.Raw(query, parameter, token).Find(&rows).Error; err != nil {
			return err
		}
		var released, cancelled []string
		for _, row := range rows {
			released = append(released, row.DeliveryID)
			if row.Cancelled {
				cancelled = append(cancelled, row.DeliveryID)
			}
		}
		if len(released) == 0 {
			return nil
		}
		condition, parameter := p.db.Dialect.Among("delivery_id", released)
		err := tx.Exec("UPDATE delivery_work SET attempt = attempt - 1, claimed_at = NULL, lease_until = NULL, lease_token = '' WHERE "+condition, parameter).Error
		if err != nil || len(cancelled) == 0 {
			return err
		}
		return p.EndDeliveries(tx, cancelled, models.Cancelled, "")
	})
	if err != nil {
		return fmt.Errorf("giving back what was claimed: %w", err)
	}
	return nil
}
