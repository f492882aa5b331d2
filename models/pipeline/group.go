package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"hookwell/models"
	"hookwell/models/database"
)

// An accepted group is deliveries that the sole worker claimed as it accepted them.
// They are one row until their outcomes are recorded, each with its delivery's only
// row then. Whoever asks for an organization's deliveries expands its groups first,
// into the pending deliveries and the leased work that they stand for; so does the
// sole worker where an outcome is late or a failure, and who takes over from it.

// acceptedGroup is the row.
type acceptedGroup struct {
	Token           string `gorm:"primaryKey"` // of the leases
	OrganizationIDs string // each between commas
	AcceptedAt      time.Time
	Deliveries      string // groupedEvents, as JSON
}

// groupedEvent is an event's part of a group.
type groupedEvent struct {
	ID             string            `json:"e"`
	OrganizationID string            `json:"o"`
	Type           string            `json:"t"`
	Test           bool              `json:"x,omitempty"`
	Deliveries     []groupedDelivery `json:"d"`
}

// groupedDelivery is what of a delivery does not follow from its event.
type groupedDelivery struct {
	ID         string `json:"i"`
	EndpointID string `json:"p"`
	Planned    int    `json:"n"`
	CreatedAt  int64  `json:"c"` // Unix microseconds
	Lease      int64  `json:"l"` // seconds from the acceptance
	Expires    int64  `json:"s"` // likewise
}

// groupLife is how long a group waits for outcomes until it is expanded.
const groupLife = 3 * time.Second

// strayAge is the age of a group that no living process knows: its own would have
// expanded it long ago.
const strayAge = 30 * time.Second

// group returns the row of what of a fan-out is claimed at once. Its time is left
// to who writes it.
func (a *atOnce) group(f *fanOut) *acceptedGroup {
	var list []groupedEvent
	ids := ","
	last := -1
	for i, d := range f.deliveries {
		t := a.templates[i]
		if t == nil {
			continue
		}
		if event := f.events[f.eventOf[i]]; f.eventOf[i] != last {
			last = f.eventOf[i]
			list = append(list, groupedEvent{ID: event.ID, OrganizationID: event.OrganizationID, Type: event.Type, Test: event.Test})
			if !strings.Contains(ids, ","+event.OrganizationID+",") {
				ids += event.OrganizationID + ","
			}
		}
		e := &list[len(list)-1]
		e.Deliveries = append(e.Deliveries, groupedDelivery{ID: d.ID, EndpointID: d.EndpointID, Planned: d.PlannedAttempts, CreatedAt: d.CreatedAt.UnixMicro(),
			Lease: int64(t.leaseTime().Seconds()), Expires: int64((f.endpoints[i].Schedule.Span() + WaitLimit).Seconds())})
	}
	content, err := json.Marshal(list)
	if err != nil {
		panic(err) // texts and numbers can be written
	}
	return &acceptedGroup{Token: a.token, OrganizationIDs: ids, Deliveries: string(content)}
}

// rows returns the deliveries and the leased work that a group stands for.
func (g *acceptedGroup) rows() (deliveries []*models.Delivery, work []*models.Work, err error) {
	var list []groupedEvent
	if err := json.Unmarshal([]byte(g.Deliveries), &list); err != nil {
		return nil, nil, fmt.Errorf("reading the accepted group %s: %w", g.Token, err)
	}
	at := g.AcceptedAt.UTC()
	for _, e := range list {
		for _, d := range e.Deliveries {
			until := at.Add(time.Duration(d.Lease) * time.Second)
			deliveries = append(deliveries, &models.Delivery{ID: d.ID, OrganizationID: e.OrganizationID, EventID: e.ID, EventType: e.Type, EndpointID: d.EndpointID,
				State: models.Pending, Test: e.Test, PlannedAttempts: d.Planned, CreatedAt: time.UnixMicro(d.CreatedAt).UTC()})
			work = append(work, &models.Work{DeliveryID: d.ID, OrganizationID: e.OrganizationID, EndpointID: d.EndpointID, EventID: e.ID, EventType: e.Type,
				Trigger: models.TriggerSchedule, Priority: priorityFresh, Attempt: 1, DueAt: at, WakeAt: at.Add(WakeGrace), ExpiresAt: at.Add(time.Duration(d.Expires) * time.Second),
				LeaseToken: g.Token, ClaimedAt: &at, LeaseUntil: &until})
		}
	}
	return deliveries, work, nil
}

// expand writes what the groups of a condition stand for, as far as it is not
// recorded, and removes them.
func (p *Engine) expand(tx *database.Tx, condition string, parameters ...any) error {
	var groups []acceptedGroup
	query := "SELECT token, accepted_at, deliveries FROM accepted_groups WHERE " + condition + " ORDER BY token " + p.db.Dialect.ForUpdate(false)
	if err := tx.Raw(query, parameters...).Scan(&groups).Error; err != nil {
		return fmt.Errorf("locking accepted groups: %w", err)
	}
	if len(groups) == 0 {
		return nil
	}
	var deliveries []*models.Delivery
	var work []*models.Work
	tokens := make([]string, len(groups))
	for i := range groups {
		tokens[i] = groups[i].Token
		d, w, err := groups[i].rows()
		if err != nil {
			return err
		}
		deliveries, work = append(deliveries, d...), append(work, w...)
	}
	left, err := p.unrecorded(tx, deliveries)
	if err != nil {
		return err
	}
	isLeft := func(id string) bool { return left[id] }
	deliveries = slices.DeleteFunc(deliveries, func(d *models.Delivery) bool { return !isLeft(d.ID) })
	work = slices.DeleteFunc(work, func(w *models.Work) bool { return !isLeft(w.DeliveryID) })
	if err := database.InsertAll(p.db.Dialect, tx.DB, deliveries, database.RefuseTaken); err != nil {
		return fmt.Errorf("inserting deliveries of accepted groups: %w", err)
	}
	if err := database.InsertAll(p.db.Dialect, tx.DB, work, database.RefuseTaken); err != nil {
		return fmt.Errorf("inserting work of accepted groups: %w", err)
	}
	mine, parameter := p.db.Dialect.Among("token", tokens)
	if err := tx.Exec("DELETE FROM accepted_groups WHERE "+mine, parameter).Error; err != nil {
		return fmt.Errorf("deleting accepted groups: %w", err)
	}
	*database.NoteIn(tx, func(expanded *expandedGroups) { p.groups.remove(*expanded...) }) = tokens
	return nil
}

// expandedGroups are the tokens of groups that a transaction expands.
type expandedGroups []string

// unrecorded returns which deliveries of a group have no row. Those whose events
// have none were not accepted: their idempotency key was taken.
func (p *Engine) unrecorded(tx *database.Tx, deliveries []*models.Delivery) (map[string]bool, error) {
	if len(deliveries) == 0 {
		return nil, nil
	}
	ids, eventIDs := make([]string, len(deliveries)), make([]string, len(deliveries))
	for i, d := range deliveries {
		ids[i], eventIDs[i] = d.ID, d.EventID
	}
	var recorded, accepted []string
	condition, parameter := p.db.Dialect.Among("id", ids)
	if err := tx.Raw("SELECT id FROM deliveries WHERE "+condition, parameter).Scan(&recorded).Error; err != nil {
		return nil, err
	}
	condition, parameter = p.db.Dialect.Among("id", slices.Compact(eventIDs))
	if err := tx.Raw("SELECT id FROM events WHERE "+condition, parameter).Scan(&accepted).Error; err != nil {
		return nil, err
	}
	is := make(map[string]bool, len(accepted))
	for _, id := range accepted {
		is[id] = true
	}
	left := make(map[string]bool, len(deliveries))
	for _, d := range deliveries {
		left[d.ID] = is[d.EventID]
	}
	for _, id := range recorded {
		left[id] = false
	}
	return left, nil
}

// expandTokens expands groups by the tokens of their leases.
func (p *Engine) expandTokens(tx *database.Tx, tokens []string) error {
	if len(tokens) == 0 {
		return nil
	}
	condition, parameter := p.db.Dialect.Among("token", tokens)
	return p.expand(tx, condition, parameter)
}

// ExpandIn gives the deliveries of an organization that were accepted before now
// rows of their own, in the transaction of what is done to them. It fails if the
// database does.
func (p *Engine) ExpandIn(tx *database.Tx, organizationID string) error {
	return p.expand(tx, "organization_ids LIKE ?", "%,"+organizationID+",%")
}

// Expand is ExpandIn for who reads: what was answered before the call is seen
// after it. Where no group is about the organization it costs a look at most.
func (p *Engine) Expand(ctx context.Context, organizationID string) error {
	if p.sole.Load() && !p.groups.has(organizationID) {
		return nil // nobody else has any
	}
	var found []string
	err := p.db.WithContext(ctx).Raw("SELECT token FROM accepted_groups WHERE organization_ids LIKE ? LIMIT 1", "%,"+organizationID+",%").Scan(&found).Error
	if err == nil && len(found) > 0 {
		err = p.db.Transaction(ctx, func(tx *database.Tx) error { return p.ExpandIn(tx, organizationID) })
	}
	if err != nil {
		return fmt.Errorf("expanding what was accepted: %w", err)
	}
	return nil
}

// ExpandLate expands this process's groups that still wait for outcomes after
// groupLife. It fails if the database does.
func (p *Engine) ExpandLate(ctx context.Context) error {
	return p.expandOlder(ctx, time.Now().Add(-groupLife))
}

func (p *Engine) expandOlder(ctx context.Context, than time.Time) error {
	late := p.groups.before(than)
	if len(late) == 0 {
		return nil
	}
	err := p.db.Transaction(ctx, func(tx *database.Tx) error { return p.expandTokens(tx, late) })
	if err != nil {
		return fmt.Errorf("expanding what waits for outcomes: %w", err)
	}
	p.groups.remove(late...) // also one that somebody else expanded
	return nil
}

// expandStrays expands groups that no living process knows.
func (p *Engine) expandStrays(tx *database.Tx) error {
	return p.expand(tx, p.db.Dialect.SecondsAfter("accepted_at", strconv.Itoa(int(strayAge.Seconds())))+" < "+p.db.Dialect.Now(p.clock))
}
