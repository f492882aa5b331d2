package models

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// DeliveryFilter narrows the log. Zero fields let everything pass. Types may
// be exact, a prefix such as "payment.*", or "*". Since and Until bound when
// the delivery was made, the first included.
type DeliveryFilter struct {
	States     []State
	EndpointID string
	EventID    string
	Types      []string
	Since      time.Time
	Until      time.Time
}

func (f DeliveryFilter) apply(query *gorm.DB) *gorm.DB {
	if len(f.States) > 0 {
		query = query.Where("state IN ?", f.States)
	}
	if f.EndpointID != "" {
		query = query.Where("endpoint_id = ?", f.EndpointID)
	}
	if f.EventID != "" {
		query = query.Where("event_id = ?", f.EventID)
	}
	return matchTypes(f.within(query, "id"), "event_type", f.Types)
}

// matchTypes narrows a query to event types and prefixes of them. Not by LIKE,
// which on SQLite takes a capital letter for a small one.
func matchTypes(query *gorm.DB, column string, types []string) *gorm.DB {
	if len(types) == 0 || slices.Contains(types, "*") {
		return query
	}
	return query.Where(clause.Or(typeConditions(query, column, types)...))
}

// typeConditions has one condition for each type or prefix.
func typeConditions(query *gorm.DB, column string, types []string) []clause.Expression {
	conditions := make([]clause.Expression, len(types))
	for i, t := range types {
		prefix, ok := strings.CutSuffix(t, "*")
		switch {
		case !ok:
			conditions[i] = clause.Eq{Column: column, Value: t}
		case query.Name() == "postgres": // which knows then how many rows there are of it
			conditions[i] = clause.Expr{SQL: column + " ^@ ?", Vars: []any{prefix}}
		default:
			conditions[i] = clause.Expr{SQL: "substr(" + column + ", 1, ?) = ?", Vars: []any{utf8.RuneCountInString(prefix), prefix}}
		}
	}
	return conditions
}

// Deliveries lists the organization's deliveries, the newest first, with the
// titles of their endpoints and the times of their next attempts.
func (t *Tenant) Deliveries(ctx context.Context, filter DeliveryFilter, page Page) ([]Delivery, string, error) {
	if filter.listed() {
		return t.listedDeliveries(ctx, filter, page)
	}
	query, err := page.apply(filter.apply(t.rows(ctx)), PrefixDelivery)
	if err != nil {
		return nil, "", err
	}
	if query, err = t.withoutForeignTypes(ctx, query, filter); err != nil {
		return nil, "", err
	}
	parts, err := t.withoutFailing(ctx, query, filter)
	if err != nil {
		return nil, "", err
	}
	rows, next, err := merged(parts, page, func(d *Delivery) string { return d.ID })
	if err != nil {
		return nil, "", fmt.Errorf("listing deliveries: %w", err)
	}
	return rows, next, t.complete(ctx, rows)
}

// Delivery reads one delivery.
func (t *Tenant) Delivery(ctx context.Context, id string) (*Delivery, error) {
	d, err := find[Delivery](t.rows(ctx).Where("id = ?", id), "delivery")
	if err != nil {
		return nil, err
	}
	rows := []Delivery{*d}
	err = t.complete(ctx, rows)
	return &rows[0], err
}

// complete fills what deliveries show of other tables, in one query for each.
func (t *Tenant) complete(ctx context.Context, rows []Delivery) error {
	if len(rows) == 0 {
		return nil
	}
	endpointIDs := make([]string, len(rows))
	for i, d := range rows {
		endpointIDs[i] = d.EndpointID
	}
	var endpoints []Endpoint
	if err := t.rows(ctx).Select("id", "name", "url", "disabled_at", "deleted_at").Where("id IN ?", endpointIDs).Find(&endpoints).Error; err != nil {
		return err
	}
	byID := make(map[string]*Endpoint, len(endpoints))
	for i := range endpoints {
		byID[endpoints[i].ID] = &endpoints[i]
	}
	for i := range rows {
		if e := byID[rows[i].EndpointID]; e != nil {
			rows[i].EndpointTitle = e.Title()
		}
	}
	return t.completeWork(ctx, rows, byID)
}

// completeWork fills what is left to do for deliveries to some endpoints. What
// waits for a disabled endpoint has no time, unless a person asked for it, and
// what waits for a deleted one is about to be cancelled.
func (t *Tenant) completeWork(ctx context.Context, rows []Delivery, endpoints map[string]*Endpoint) error {
	if len(rows) == 0 {
		return nil
	}
	byID, ids := make(map[string]*Delivery, len(rows)), make([]string, len(rows))
	for i := range rows {
		ids[i] = rows[i].ID
		byID[ids[i]] = &rows[i]
	}
	var work []Work
	if err := t.rows(ctx).Where("delivery_id IN ?", ids).Find(&work).Error; err != nil {
		return err
	}
	for i := range work {
		w, d := &work[i], byID[work[i].DeliveryID]
		e := endpoints[d.EndpointID]
		switch {
		case w.LeaseUntil != nil:
			d.InFlight = true
		case e != nil && e.DeletedAt == nil && (e.Enabled() || w.Trigger == TriggerPerson):
			d.NextAttemptAt = &w.DueAt
		}
	}
	return nil
}

// Attempts lists a delivery's attempts in order.
func (t *Tenant) Attempts(ctx context.Context, deliveryID string) ([]Attempt, error) {
	var attempts []Attempt
	err := t.rows(ctx).Where("delivery_id = ?", deliveryID).Order("number").Find(&attempts).Error
	if err == nil {
		err = t.attemptsForReader(ctx, deliveryID, attempts)
	}
	return attempts, err
}

// BeginTest accepts a test event for one endpoint and claims its only attempt
// at once: it passes every limit and goes to a disabled endpoint too. The
// caller sends the job and records what comes of it, unless it is Sent.
func (t *Tenant) BeginTest(ctx context.Context, endpointID, eventType string, data []byte) (*Job, error) {
	d, err := t.draft(NewEvent{Type: eventType, Data: data}, OriginTest)
	if err != nil {
		return nil, err
	}
	var job Job
	err = t.store.transaction(once(ctx), func(tx *Tx) error {
		e, err := t.endpoint(t.within(tx.DB), endpointID)
		if err != nil {
			return err
		}
		templates, err := t.store.templates(tx, []string{e.ID})
		if err != nil {
			return err
		}
		if templates[e.ID] == nil {
			return unusable()
		}
		now, err := tx.Now()
		if err != nil {
			return err
		}
		d.event.Deliveries = 1
		delivery := t.store.newDelivery(&d.event, e)
		delivery.PlannedAttempts = 1
		w := newWork(delivery, e, TriggerTest, now)
		lease := now.Add(time.Duration(e.TimeoutSeconds+leaseMargin) * time.Second)
		w.Attempt, w.ClaimedAt, w.LeaseUntil, w.LeaseToken = 1, &now, &lease, delivery.ID
		for _, row := range []any{&d.event, delivery, w} {
			if err := tx.Create(row).Error; err != nil {
				return err
			}
		}
		t.store.noted(tx).acceptAll([]*Event{&d.event})
		job = templates[e.ID].job(*w, &d.event)
		makes(tx, job.DeliveryID, "")
		return t.audit(tx, "endpoint.tested", e.ID, e.Title(), eventType)
	})
	if before := earlier(err); before != nil {
		return &Job{DeliveryID: before.made, EndpointID: endpointID, Sent: true}, nil
	}
	if err != nil {
		return nil, err
	}
	return &job, nil
}

// Siblings lists the other deliveries of a delivery's event.
func (t *Tenant) Siblings(ctx context.Context, d *Delivery) ([]Delivery, error) {
	var rows []Delivery
	if err := t.rows(ctx).Where("event_id = ? AND id <> ?", d.EventID, d.ID).Order("id").Limit(MaxLimit).Find(&rows).Error; err != nil {
		return nil, err
	}
	return rows, t.complete(ctx, rows)
}
