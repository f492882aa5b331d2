package pipeline

import (
	"context"
	"fmt"
	"time"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/webhook"
)

const (
	// WakeGrace is how long the due scan leaves a committed row to its own
	// wake-up.
	WakeGrace = 5 * time.Second
	// rewake is how long a row that the due scan woke is left alone.
	rewake = 30 * time.Second
	// leaseMargin is by how much a lease outlasts the endpoint's timeout, in seconds.
	leaseMargin = 60
	// WaitLimit is how long a delivery may wait beyond its schedule's span.
	WaitLimit = 24 * time.Hour
)

// Priorities, the lowest number first: deliveries that a person asked for, which
// pass a disabled endpoint and an open circuit; fresh events; retries;
// recoveries.
const (
	PriorityPerson   = -1
	priorityFresh    = 0
	PriorityRetry    = 1
	PriorityRecovery = 2
	lastPriority     = 9 // behind all of them
)

// NewWork returns a delivery's new work row, by the database's clock: due after
// the schedule's first delay, unclaimed, and expiring WaitLimit after the
// schedule's span.
func NewWork(d *models.Delivery, e *models.Endpoint, trigger models.Trigger, now time.Time) *models.Work {
	return &models.Work{DeliveryID: d.ID, OrganizationID: d.OrganizationID, EndpointID: d.EndpointID, EventID: d.EventID, EventType: d.EventType, Trigger: trigger,
		Priority: priorityFresh, DueAt: now.Add(firstDelay(e.Schedule)), WakeAt: now.Add(firstDelay(e.Schedule) + WakeGrace),
		ExpiresAt: now.Add(e.Schedule.Span() + WaitLimit)}
}

// firstDelay is before the first attempt: nothing, but in a custom schedule.
func firstDelay(s webhook.Schedule) time.Duration {
	if len(s.Delays) == 0 {
		return 0
	}
	return s.Delays[0]
}

// Job is a claimed attempt: the message to send, and the lease under which its
// outcome is recorded.
type Job struct {
	Message    webhook.Message
	DeliveryID string
	EndpointID string
	RequestID  string // of who reported the event
	// MaxInFlight is the endpoint's limit at the time of the claim.
	MaxInFlight int
	// Begun is when the job was handed on, if it was claimed as it was accepted.
	Begun time.Time
	// Sent reports that the same form began this job before, so that the caller
	// must not send it again. Only DeliveryID is set then.
	Sent bool

	work    models.Work
	retries retryPolicy
	grouped *models.Delivery // of an accepted group, whose row was not written when the job began
}

// Woken returns the job's delivery as the Waker takes it.
func (j *Job) Woken() models.Woken {
	return models.Woken{OrganizationID: j.work.OrganizationID, EndpointID: j.EndpointID, DeliveryID: j.DeliveryID}
}

// Lane asks for up to Slots of an endpoint's due deliveries.
type Lane struct {
	EndpointID  string
	DeliveryIDs []string
	Slots       int
	Claimed     int // deliveries that this process has claimed and not begun
}

// Outlook says when a lane may claim again with success.
type Outlook struct {
	// Wait is how long the endpoint's rate limit or circuit allows nothing more;
	// 0 if neither holds it.
	Wait time.Duration
	// Full reports that other processes hold the slots that the lane asked for.
	Full bool
}

// Claim takes deliveries that the lanes ask for and that may be sent now. Each
// attempt gets its number and a lease by the database's clock. Over all
// processes, no endpoint gets more in flight than its limit. Claim skips
// deliveries that another process has claimed, that are not due, or whose
// endpoint is disabled or held; while another process is the sole worker (see
// Attend), it skips everything.
//
// Claim returns the attempts to send, and an outlook for each lane in the same
// order. It fails if the database does; it has then claimed nothing, but still
// returns the outlooks that it found by then.
func (p *Engine) Claim(ctx context.Context, lanes []Lane) ([]*Job, []Outlook, error) {
	endpointIDs := make([]string, len(lanes))
	for i, lane := range lanes {
		endpointIDs[i] = lane.EndpointID
	}
	var jobs []*Job
	outlooks := make([]Outlook, len(lanes))
	err := p.db.Transaction(ctx, func(tx *database.Tx) error {
		clear(outlooks) // of a run that was rolled back
		gates, err := p.lockGates(tx, endpointIDs)
		if err != nil {
			return err
		}
		templates, err := p.currentTemplates(tx, endpointIDs, gates)
		if err != nil {
			return err
		}
		wanted, limits := laneParameters(lanes, outlooks, templates, gates)
		if len(wanted) == 0 {
			return nil
		}
		claimed, err := p.claimRows(tx, wanted, limits)
		if err != nil {
			return err
		}
		if err := p.findFull(tx, lanes, outlooks, templates, claimed); err != nil || len(claimed) == 0 {
			return err
		}
		if err := chargeRateLimits(tx, lanes, outlooks, templates, gates, claimed); err != nil {
			return err
		}
		jobs, err = p.load(tx, claimed, templates)
		return err
	})
	if err != nil {
		return nil, outlooks, fmt.Errorf("claiming: %w", err)
	}
	return jobs, outlooks, nil
}

// laneParameters leaves out the lanes that can't be served, and gives each of
// the others what its circuit and its rate limit let through.
func laneParameters(lanes []Lane, outlooks []Outlook, templates map[string]*template, gates map[string]*gate) (wanted []string, limits [][]any) {
	for i := range lanes {
		lane, outlook, t, g := &lanes[i], &outlooks[i], templates[lanes[i].EndpointID], gates[lanes[i].EndpointID]
		if lane.Slots <= 0 || len(lane.DeliveryIDs) == 0 || t == nil || g == nil {
			continue
		}
		outlook.Wait = g.circuitWait()
		slots := min(lane.Slots, g.allowance(t.rateLimit))
		if slots == 0 {
			outlook.Wait = max(outlook.Wait, g.wait(t.rateLimit))
			continue
		}
		wanted = append(wanted, lane.DeliveryIDs...)
		limits = append(limits, []any{lane.EndpointID, slots, g.most(), g.held(), lane.Claimed})
	}
	return wanted, limits
}

// claimRows returns the one statement that claims. A person's resend goes to a
// disabled or held endpoint too: the person asked for it.
func (p *Engine) claimRows(tx *database.Tx, wanted []string, limits [][]any) ([]models.Work, error) {
	now := p.db.Dialect.Now(p.clock)
	list, parameters := database.Values(p.db.Dialect, []database.ValueKind{database.TextValue, database.IntegerValue, database.IntegerValue, database.IntegerValue, database.IntegerValue}, limits)
	token := p.leaseToken()
	condition, asked := p.db.Dialect.Among("delivery_id", wanted)
	// Rows are found by their keys alone, each part once, whatever the planner
	// believes of a table that is empty at one moment and long at the next.
	statement := fmt.Sprintf(`WITH lanes(endpoint_id, slots, most, held, claimed) AS (%s),
	free AS MATERIALIZED (
		SELECT e.id AS endpoint_id, e.disabled_at, l.held, %s AS slots
		FROM lanes l JOIN endpoints e ON e.id = l.endpoint_id WHERE e.deleted_at IS NULL
			AND NOT EXISTS (SELECT 1 FROM installations WHERE sole_worker NOT IN ('', ?))
	),
	asked AS MATERIALIZED (SELECT delivery_id, endpoint_id, priority, due_at, lease_until FROM delivery_work WHERE %s),
	ranked AS (
		SELECT w.delivery_id, free.slots, row_number() OVER (PARTITION BY w.endpoint_id ORDER BY w.priority, w.due_at, w.delivery_id) AS place
		FROM asked w JOIN free ON free.endpoint_id = w.endpoint_id
		WHERE w.lease_until IS NULL AND w.due_at <= %s AND (free.disabled_at IS NULL AND free.held = 0 OR w.priority < 0)
	)
	UPDATE delivery_work SET attempt = attempt + 1, lease_token = ?, claimed_at = %s, lease_until = %s
	WHERE delivery_id %s
	RETURNING delivery_id, organization_id, endpoint_id, event_id, trigger, attempt, position, due_at, lease_token`,
		list,
		p.db.Dialect.Least("l.slots", p.db.Dialect.Least("l.most", "e.max_in_flight")+` + l.claimed -
			(SELECT count(*) FROM delivery_work f WHERE f.endpoint_id = e.id AND f.lease_until IS NOT NULL)`),
		condition, now, now,
		p.db.Dialect.SecondsAfter(now, fmt.Sprintf("(SELECT e.timeout_seconds FROM endpoints e WHERE e.id = endpoint_id) + %d", leaseMargin)),
		p.db.Dialect.In("SELECT delivery_id FROM ranked WHERE place <= slots"))
	var claimed []models.Work
	err := tx.Raw(statement, append(parameters, p.worker, asked, token)...).Find(&claimed).Error
	return claimed, err
}

// findFull marks the outlooks of lanes of which something could have been claimed, and was
// not: other processes had the endpoint's slots. What can't be sent to at all is
// none of them.
func (p *Engine) findFull(tx *database.Tx, lanes []Lane, outlooks []Outlook, templates map[string]*template, claimed []models.Work) error {
	got := make(map[string]bool, len(claimed))
	for _, w := range claimed {
		got[w.DeliveryID] = true
	}
	var left []string
	for i, lane := range lanes {
		if outlooks[i].Wait > 0 || lane.Slots <= 0 || templates[lane.EndpointID] == nil {
			continue
		}
		for _, id := range lane.DeliveryIDs {
			if !got[id] {
				left = append(left, id)
			}
		}
	}
	if len(left) == 0 {
		return nil
	}
	condition, parameter := p.db.Dialect.Among("delivery_id", left)
	var full []struct{ EndpointID string }
	err := tx.Raw("WITH asked AS MATERIALIZED (SELECT endpoint_id, lease_until, due_at FROM delivery_work WHERE "+condition+")"+
		" SELECT DISTINCT w.endpoint_id FROM asked w JOIN endpoints e ON e.id = w.endpoint_id"+
		" WHERE w.lease_until IS NULL AND w.due_at <= "+p.db.Dialect.Now(p.clock)+" AND e.disabled_at IS NULL AND e.deleted_at IS NULL", parameter).Find(&full).Error
	if err != nil {
		return fmt.Errorf("looking for what was not claimed: %w", err)
	}
	for _, f := range full {
		for i := range lanes {
			outlooks[i].Full = outlooks[i].Full || lanes[i].EndpointID == f.EndpointID
		}
	}
	return nil
}

// load reads the bytes of the claimed attempts' events. One without an event
// is left to its lease, and so ends as interrupted and holds up nobody else.
func (p *Engine) load(tx *database.Tx, claimed []models.Work, templates map[string]*template) ([]*Job, error) {
	byID := make(map[string]*models.Event, len(claimed))
	var missing []string
	for _, w := range claimed {
		if event := p.bodies.get(w.EventID); event != nil {
			byID[w.EventID] = event
		} else {
			missing = append(missing, w.EventID)
		}
	}
	if len(missing) > 0 {
		var events []models.Event
		condition, parameter := p.db.Dialect.Among("id", missing)
		if err := tx.Select("id", "type", "test", "body", "request_id", "relayed").Where(condition, parameter).Find(&events).Error; err != nil {
			return nil, err
		}
		for i := range events {
			byID[events[i].ID] = &events[i]
		}
	}
	jobs := make([]*Job, 0, len(claimed))
	for _, w := range claimed {
		event := byID[w.EventID]
		if event == nil {
			p.log.Error("a delivery has no event", "delivery", w.DeliveryID, "event", w.EventID)
			continue
		}
		jobs = append(jobs, templates[w.EndpointID].job(w, event))
	}
	return jobs, nil
}
