package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/pipeline"
	"hookwell/webhook"
)

// filterDeliveries narrows rows of deliveries to a filter.
func filterDeliveries(f models.DeliveryFilter, query *gorm.DB) *gorm.DB {
	if len(f.States) > 0 {
		query = query.Where("state IN ?", f.States)
	}
	if f.EndpointID != "" {
		query = query.Where("endpoint_id = ?", f.EndpointID)
	}
	if f.EventID != "" {
		query = query.Where("event_id = ?", f.EventID)
	}
	return matchTypes(filterCreated(f, query, "id"), "event_type", f.Types)
}

// matchTypes narrows a query to event types and prefixes of them. Not by LIKE,
// which on SQLite takes a capital letter for a small one.
func matchTypes(query *gorm.DB, column string, types []string) *gorm.DB {
	if len(types) == 0 || slices.Contains(types, "*") {
		return query
	}
	return query.Where(clause.Or(typeConditions(query, column, types)...))
}

// matchWanted narrows a query of events to those that subscriptions ask for. What
// sources relay has to be named.
func matchWanted(query *gorm.DB, wanted webhook.Subscriptions) *gorm.DB {
	if !slices.Contains(wanted, "*") {
		return matchTypes(query, "type", wanted)
	}
	named := slices.DeleteFunc(slices.Clone(wanted), func(pattern string) bool { return pattern == "*" })
	return query.Where(clause.Or(append(typeConditions(query, "type", named), clause.Neq{Column: "origin", Value: models.OriginRelayed})...))
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

// Deliveries lists the organization's deliveries, newest first, with the titles of
// their endpoints and the times of their next attempts. A limit out of range, or a
// cursor that is none of this list's, is Invalid.
func (t *Tenant) Deliveries(ctx context.Context, filter models.DeliveryFilter, page models.Page) ([]models.Delivery, string, error) {
	if filter.Sparse() {
		return t.sparseDeliveries(ctx, filter, page)
	}
	query, err := database.Paginate(page, filterDeliveries(filter, t.rows(ctx)), models.PrefixDelivery)
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
	rows, next, err := database.Merged(parts, page, func(d *models.Delivery) string { return d.ID })
	if err != nil {
		return nil, "", fmt.Errorf("listing deliveries: %w", err)
	}
	return rows, next, t.complete(ctx, rows)
}

// Delivery reads one delivery. An unknown one is NotFound.
func (t *Tenant) Delivery(ctx context.Context, id string) (*models.Delivery, error) {
	d, err := database.Find[models.Delivery](t.rows(ctx).Where("id = ?", id), "delivery")
	if err != nil {
		return nil, err
	}
	rows := []models.Delivery{*d}
	err = t.complete(ctx, rows)
	return &rows[0], err
}

// complete fills what deliveries show of other tables, in one query for each.
func (t *Tenant) complete(ctx context.Context, rows []models.Delivery) error {
	if len(rows) == 0 {
		return nil
	}
	endpointIDs := make([]string, len(rows))
	for i, d := range rows {
		endpointIDs[i] = d.EndpointID
	}
	var endpoints []models.Endpoint
	if err := t.rows(ctx).Select("id", "name", "url", "disabled_at", "deleted_at").Where("id IN ?", endpointIDs).Find(&endpoints).Error; err != nil {
		return err
	}
	byID := make(map[string]*models.Endpoint, len(endpoints))
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
func (t *Tenant) completeWork(ctx context.Context, rows []models.Delivery, endpoints map[string]*models.Endpoint) error {
	if len(rows) == 0 {
		return nil
	}
	byID, ids := make(map[string]*models.Delivery, len(rows)), make([]string, len(rows))
	for i := range rows {
		ids[i] = rows[i].ID
		byID[ids[i]] = &rows[i]
	}
	var work []models.Work
	if err := t.rows(ctx).Where("delivery_id IN ?", ids).Find(&work).Error; err != nil {
		return err
	}
	for i := range work {
		w, d := &work[i], byID[work[i].DeliveryID]
		e := endpoints[d.EndpointID]
		switch {
		case w.LeaseUntil != nil:
			d.InFlight = true
		case e != nil && e.DeletedAt == nil && (e.Enabled() || w.Trigger == models.TriggerPerson):
			d.NextAttemptAt = &w.DueAt
		}
	}
	return nil
}

// Attempts lists a delivery's attempts in order. An unknown delivery has none.
func (t *Tenant) Attempts(ctx context.Context, deliveryID string) ([]models.Attempt, error) {
	var attempts []models.Attempt
	err := t.rows(ctx).Where("delivery_id = ?", deliveryID).Order("number").Find(&attempts).Error
	if err == nil {
		err = t.attemptsForReader(ctx, deliveryID, attempts)
	}
	return attempts, err
}

// BeginTest accepts a test event for one endpoint and claims its only attempt at
// once. The attempt passes every limit and goes to a disabled endpoint too. The
// caller sends the job and records its result, unless the job is Sent. An unknown
// endpoint is NotFound; an unknown type, or data that doesn't fit it, is Invalid.
func (t *Tenant) BeginTest(ctx context.Context, endpointID, eventType string, data []byte) (*pipeline.Job, error) {
	d, err := t.draft(models.NewEvent{Type: eventType, Data: data}, models.OriginTest)
	if err != nil {
		return nil, err
	}
	var job *pipeline.Job
	err = t.store.transaction(once(ctx), func(tx *database.Tx) error {
		e, err := t.endpoint(t.within(tx.DB), endpointID)
		if err != nil {
			return err
		}
		if job, err = t.store.engine.AcceptTest(tx, d, e); err != nil {
			return err
		}
		makes(tx, job.DeliveryID, "")
		return t.audit(tx, "endpoint.tested", e.ID, e.Title(), eventType)
	})
	if before := earlier(err); before != nil {
		return &pipeline.Job{DeliveryID: before.made, EndpointID: endpointID, Sent: true}, nil
	}
	if err != nil {
		return nil, err
	}
	return job, nil
}

// Siblings lists the other deliveries of a delivery's event. It fails if the
// database does.
func (t *Tenant) Siblings(ctx context.Context, d *models.Delivery) ([]models.Delivery, error) {
	var rows []models.Delivery
	if err := t.rows(ctx).Where("event_id = ? AND id <> ?", d.EventID, d.ID).Order("id").Limit(models.MaxLimit).Find(&rows).Error; err != nil {
		return nil, err
	}
	return rows, t.complete(ctx, rows)
}
