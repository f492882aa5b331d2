package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hookwell/models"
	"hookwell/models/database"
)

// filterEvents narrows a query for events by every field of the filter. With
// MissedBy it also returns the times in which that endpoint missed something.
func (t *Tenant) filterEvents(ctx context.Context, f models.EventFilter, query *gorm.DB) (*gorm.DB, []gap, error) {
	if f.Origin != "" {
		query = query.Where("origin = ?", f.Origin)
	}
	query = matchTypes(database.CreatedBetween(query, "id", models.PrefixEvent, f.Since, f.Until), "type", f.Types)
	if f.MissedBy == "" {
		return query, nil, nil
	}
	missed, err := t.gaps(ctx, f.MissedBy)
	if err != nil {
		return nil, nil, fmt.Errorf("reading an endpoint's history: %w", err)
	}
	return inGaps(query, missed, f.MissedBy), missed, nil
}

// Events lists the organization's events without their bodies, newest first, and
// returns the cursor of the next page. With MissedBy, each event has the reason why
// it was not sent to that endpoint. An unknown cursor is an Invalid error.
func (t *Tenant) Events(ctx context.Context, filter models.EventFilter, page models.Page) ([]models.Event, string, error) {
	query, missed, err := t.filterEvents(ctx, filter, t.rows(ctx).Omit("body"))
	if err != nil {
		return nil, "", err
	}
	if query, err = database.Paginate(page, query, models.PrefixEvent); err != nil {
		return nil, "", err
	}
	events, next, err := database.Paged(query, page, func(e *models.Event) string { return e.ID })
	if err != nil {
		return nil, "", fmt.Errorf("listing events: %w", err)
	}
	for i := range events {
		for _, g := range missed {
			if g.holds(events[i].CreatedAt) {
				events[i].NotSent = g.line.KeepsOut(&events[i])
			}
		}
	}
	return events, next, nil
}

// gap is a time in which an endpoint did not get everything. Until zero is
// still now.
type gap struct {
	line  *models.EndpointHistory
	until time.Time
}

func (g gap) holds(at time.Time) bool {
	return !at.Before(g.line.Since) && (g.until.IsZero() || at.Before(g.until))
}

// maxGaps bounds the conditions of one query: the newest count.
const maxGaps = 100

// gaps reads an endpoint's history and returns the times in which it missed
// something, the newest first. Edits that changed neither subscriptions nor
// standing make no new one.
func (t *Tenant) gaps(ctx context.Context, endpointID string) ([]gap, error) {
	var lines []models.EndpointHistory
	if err := t.rows(ctx).Where("endpoint_id = ?", endpointID).Order("since").Find(&lines).Error; err != nil {
		return nil, err
	}
	lines = slices.CompactFunc(lines, func(a, b models.EndpointHistory) bool {
		return a.Enabled == b.Enabled && a.Deleted == b.Deleted && slices.Equal(a.EventTypes, b.EventTypes)
	})
	var list []gap
	var until time.Time
	for i := len(lines) - 1; i >= 0 && len(list) < maxGaps; i-- {
		line := &lines[i]
		if all := line.Enabled && slices.Contains(line.EventTypes, "*"); !all && !line.Deleted {
			list = append(list, gap{line, until})
		}
		until = line.Since
	}
	return list, nil
}

// inGaps narrows a query for events to those that fall into the gaps. Those
// that were sent all the same, by a recovery, are left out.
func inGaps(query *gorm.DB, gaps []gap, endpointID string) *gorm.DB {
	if len(gaps) == 0 {
		return query.Where("1 = 0")
	}
	conditions := make([]clause.Expression, len(gaps))
	for i, g := range gaps {
		conditions[i] = g.condition(query)
	}
	return neverSent(query.Where("test = ?", false).Where(clause.Or(conditions...)), endpointID)
}

// neverSent narrows a query for events to those without a delivery to an endpoint. One
// of an accepted group may have one.
func neverSent(query *gorm.DB, endpointID string) *gorm.DB {
	return query.Where("NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.event_id = events.id AND d.endpoint_id = ?)", endpointID).
		Where("NOT EXISTS (SELECT 1 FROM accepted_groups g WHERE g.deliveries LIKE '%' || events.id || '%')")
}

// condition returns the gap in SQL. Ids are to the millisecond and pass over whole
// partitions; the times are exact.
func (g gap) condition(query *gorm.DB) clause.Expression {
	all := []clause.Expression{
		clause.Expr{SQL: "id >= ? AND created_at >= ?", Vars: []any{database.LowestID(models.PrefixEvent, g.line.Since), g.line.Since}},
	}
	if !g.until.IsZero() {
		all = append(all, clause.Expr{SQL: "id < ? AND created_at < ?", Vars: []any{database.LowestID(models.PrefixEvent, g.until.Add(time.Millisecond)), g.until}})
	}
	if g.line.Enabled {
		all = append(all, clause.Not(typeConditions(query, "type", g.line.EventTypes)...))
	}
	return clause.And(all...)
}

// StateCountsOf returns how many deliveries each of these events has in each state,
// by the event's id. It fails if the database does.
func (t *Tenant) StateCountsOf(ctx context.Context, events []models.Event) (map[string]map[models.State]int, error) {
	if len(events) == 0 {
		return nil, nil
	}
	ids, oldest := make([]string, len(events)), events[0].CreatedAt
	for i, e := range events {
		ids[i] = e.ID
		if e.CreatedAt.Before(oldest) {
			oldest = e.CreatedAt
		}
	}
	var counts []struct {
		EventID string
		State   models.State
		Count   int
	}
	err := t.rows(ctx).Model(&models.Delivery{}).Select("event_id, state, count(*) AS count").
		Where("event_id IN ? AND id >= ?", ids, database.LowestID(models.PrefixDelivery, oldest.Add(-idSkew))).Group("event_id, state").Scan(&counts).Error
	if err != nil {
		return nil, fmt.Errorf("counting deliveries: %w", err)
	}
	byEvent := make(map[string]map[models.State]int, len(events))
	for _, c := range counts {
		if byEvent[c.EventID] == nil {
			byEvent[c.EventID] = map[models.State]int{}
		}
		byEvent[c.EventID][c.State] = c.Count
	}
	return byEvent, nil
}
