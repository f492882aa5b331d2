package store

import (
	"context"
	"encoding/json"
	"fmt"

	"hookwell/models"
	"hookwell/webhook"
)

// EndpointChoices lists, by name, up to models.MostChoices endpoints whose name
// or URL contains a text. The chosen endpoint comes first if it matches too but
// wouldn't fit in the list. It is Invalid at the field search, as EndpointPage
// is.
func (t *Tenant) EndpointChoices(ctx context.Context, search, chosen string) (models.EndpointChoices, error) {
	query, err := t.searched(ctx, search)
	if err != nil {
		return models.EndpointChoices{}, err
	}
	var rows []models.EndpointChoice
	err = query.Select("e.id, e.name, e.url").Order(t.foldedTitle() + ", e.id").Limit(models.MostChoices + 1).Scan(&rows).Error
	if err != nil {
		return models.EndpointChoices{}, fmt.Errorf("listing endpoints to choose from: %w", err)
	}
	choices := models.EndpointChoices{Rows: rows, More: len(rows) > models.MostChoices}
	if !choices.More {
		return choices, nil
	}
	choices.Rows = rows[:models.MostChoices]
	if _, listed := choices.Find(chosen); listed || chosen == "" {
		return choices, nil
	}
	if query, err = t.searched(ctx, search); err != nil {
		return models.EndpointChoices{}, err
	}
	var one []models.EndpointChoice
	if err := query.Select("e.id, e.name, e.url").Where("e.id = ?", chosen).Scan(&one).Error; err != nil {
		return models.EndpointChoices{}, fmt.Errorf("reading the chosen endpoint: %w", err)
	}
	choices.Rows = append(one, choices.Rows...)
	return choices, nil
}

// subscribed is how many endpoints have the same subscriptions.
type subscribed struct {
	EventTypes    string // as they are stored
	N             int
	subscriptions webhook.Subscriptions
}

// subscribed counts the organization's endpoints by what they subscribe to.
func (t *Tenant) subscribed(ctx context.Context) ([]subscribed, error) {
	var rows []subscribed
	err := t.rows(ctx).Model(&models.Endpoint{}).Select("event_types, count(*) AS n").Where("deleted_at IS NULL").Group("event_types").Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("counting subscriptions: %w", err)
	}
	for i := range rows {
		if err := json.Unmarshal([]byte(rows[i].EventTypes), &rows[i].subscriptions); err != nil {
			return nil, fmt.Errorf("reading subscriptions: %w", err)
		}
	}
	return rows, nil
}

// CountSubscribers returns how many of the organization's endpoints subscribe to
// each type of the catalog, including disabled ones. It fails if the database does.
func (t *Tenant) CountSubscribers(ctx context.Context) (map[string]int, error) {
	rows, err := t.subscribed(ctx)
	if err != nil {
		return nil, err
	}
	counts := map[string]int{}
	for _, row := range rows {
		for _, eventType := range t.store.catalog.Types() {
			if row.subscriptions.Matches(eventType.Type) {
				counts[eventType.Type] += row.N
			}
		}
	}
	return counts, nil
}

// Subscribers lists, by name, the first models.MostChoices endpoints that subscribe
// to an event type. It fills in only names, URLs, subscriptions, and whether each is
// enabled. It fails if the database does.
func (t *Tenant) Subscribers(ctx context.Context, eventType string) ([]models.Endpoint, error) {
	rows, err := t.subscribed(ctx)
	if err != nil {
		return nil, err
	}
	var wanted []string
	for _, row := range rows {
		if row.subscriptions.Matches(eventType) {
			wanted = append(wanted, row.EventTypes)
		}
	}
	if len(wanted) == 0 {
		return nil, nil
	}
	query, err := t.searched(ctx, "")
	if err != nil {
		return nil, err
	}
	condition, parameter := t.store.db.Dialect.Among("e.event_types", wanted)
	var list []models.Endpoint
	err = query.Select("e.id, e.name, e.url, e.event_types, e.disabled_at").Where(condition, parameter).
		Order(t.foldedTitle() + ", e.id").Limit(models.MostChoices).Find(&list).Error
	if err != nil {
		return nil, fmt.Errorf("listing subscribers: %w", err)
	}
	return list, nil
}
