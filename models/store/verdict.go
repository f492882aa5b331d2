package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/pipeline"
)

const (
	// deletedShown is for how long after its deletion an endpoint is still
	// listed with new events: somebody may look for what it no longer gets.
	deletedShown = 30 * 24 * time.Hour
	// settling is how far a change of settings and an event's acceptance may
	// overlap: both take their time before they commit.
	settling = pipeline.CommitLimit + 10*time.Second
	// idSkew is by how much the clocks of two processes may differ where ids
	// of one bound a search for ids of the other.
	idSkew = 24 * time.Hour
)

// Verdicts returns what became of an event at each of the organization's endpoints:
// those that exist now, those that existed then, and those deleted in the 30 days
// before. Endpoints that it was sent to come first, each group by the endpoints'
// age. The reasons come from the history of the endpoints' settings, in a fixed
// number of queries. Another organization's event is NotFound.
func (t *Tenant) Verdicts(ctx context.Context, event *models.Event) ([]models.Verdict, error) {
	if event.OrganizationID != t.org.ID {
		return nil, models.NewNotFound("event")
	}
	verdicts, err := t.verdicts(ctx, event)
	if err != nil {
		return nil, fmt.Errorf("reading verdicts: %w", err)
	}
	return verdicts, nil
}

func (t *Tenant) verdicts(ctx context.Context, event *models.Event) ([]models.Verdict, error) {
	var endpoints []models.Endpoint
	err := t.rows(ctx).Omit("headers").Where("deleted_at IS NULL OR deleted_at > ?", event.CreatedAt.Add(-deletedShown)).Order("id").Find(&endpoints).Error
	if err != nil {
		return nil, err
	}
	var rows []models.Delivery
	since := database.LowestID(models.PrefixDelivery, event.CreatedAt.Add(-idSkew))
	if err := t.rows(ctx).Where("event_id = ? AND id >= ?", event.ID, since).Order("id").Find(&rows).Error; err != nil {
		return nil, err
	}
	byID := make(map[string]*models.Endpoint, len(endpoints))
	for i := range endpoints {
		byID[endpoints[i].ID] = &endpoints[i]
	}
	if err := t.completeWork(ctx, rows, byID); err != nil {
		return nil, err
	}
	deliveries := make(map[string]*models.Delivery, len(rows))
	for i := range rows {
		deliveries[rows[i].EndpointID] = &rows[i]
	}
	states, err := t.states(ctx)
	if err != nil {
		return nil, err
	}
	history, err := t.settingsAround(ctx, event.CreatedAt)
	if err != nil {
		return nil, err
	}
	var sent, unsent []models.Verdict
	for i := range endpoints {
		e := &endpoints[i]
		if d := deliveries[e.ID]; d != nil {
			d.EndpointTitle = e.Title()
			sent = append(sent, models.Verdict{Endpoint: e, Delivery: d, Reason: d.Explain(e, states[e.ID], t.store.clock.Now())})
			continue
		}
		reason := history[e.ID].reason(event)
		if reason == models.ReasonNotCreated && e.DeletedAt != nil {
			continue // came and went since
		}
		unsent = append(unsent, models.Verdict{Endpoint: e, Reason: reason})
	}
	return append(sent, unsent...), nil
}

func (t *Tenant) states(ctx context.Context) (map[string]models.EndpointState, error) {
	var list []models.EndpointState
	own := t.rows(ctx).Model(&models.Endpoint{}).Select("id").Where("deleted_at IS NULL")
	if err := t.store.db.WithContext(ctx).Where("endpoint_id IN (?)", own).Find(&list).Error; err != nil {
		return nil, err
	}
	states := make(map[string]models.EndpointState, len(list))
	for _, state := range list {
		states[state.EndpointID] = state
	}
	return states, nil
}

// around are the lines of an endpoint's history next to a time: what held, what
// held before that, and what came after. Each may be nil.
type around struct {
	at                      time.Time
	previous, current, next *models.EndpointHistory
}

// aroundQuery reads the last two lines until a time and the first after it.
var aroundQuery = "SELECT " + database.ColumnsOf[models.EndpointHistory]("held") + ` FROM (
		SELECT ` + database.HistoryColumns + `, row_number() OVER (PARTITION BY endpoint_id ORDER BY since DESC) AS place
		FROM endpoint_settings WHERE organization_id = ? AND since <= ?) held WHERE place <= 2
	UNION ALL SELECT ` + database.ColumnsOf[models.EndpointHistory]("came") + ` FROM (
		SELECT ` + database.HistoryColumns + `, row_number() OVER (PARTITION BY endpoint_id ORDER BY since) AS place
		FROM endpoint_settings WHERE organization_id = ? AND since > ?) came WHERE place = 1`

// settingsAround reads, for every endpoint, the lines of its history next to a
// time. A change in the same microsecond counts as made before.
func (t *Tenant) settingsAround(ctx context.Context, at time.Time) (map[string]around, error) {
	var lines []models.EndpointHistory
	if err := t.store.db.WithContext(ctx).Raw(aroundQuery, t.org.ID, at, t.org.ID, at).Scan(&lines).Error; err != nil {
		return nil, err
	}
	slices.SortFunc(lines, func(a, b models.EndpointHistory) int { return a.Since.Compare(b.Since) })
	history := map[string]around{}
	for i := range lines {
		h := history[lines[i].EndpointID]
		h.at = at
		if lines[i].Since.After(at) {
			h.next = &lines[i]
		} else {
			h.previous, h.current = h.current, &lines[i]
		}
		history[lines[i].EndpointID] = h
	}
	return history, nil
}

// reason says why an event without a delivery was not sent. Where the line
// that held then gives none, the event was accepted while its settings were
// being changed: the line on the other side of that change decided.
func (h around) reason(event *models.Event) models.Reason {
	if event.Test {
		return models.ReasonOtherTest
	}
	if reason := h.current.KeepsOut(event); reason != "" {
		return reason
	}
	if h.current.Since.Add(settling).After(h.at) {
		if reason := h.previous.KeepsOut(event); reason != "" {
			return reason
		}
	}
	if h.next != nil && h.next.Since.Before(h.at.Add(settling)) {
		if reason := h.next.KeepsOut(event); reason != "" {
			return reason
		}
	}
	return models.ReasonUnknown
}
