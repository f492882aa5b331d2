package store

import (
	"context"
	"fmt"

	"hookwell/models"
	"hookwell/models/database"
)

// healthQuery reads the states of endpoints with what waits for each, counted
// only so far. The order is that of an index, which a plan would otherwise pass
// over where one endpoint has most of the rows.
var healthQuery = "SELECT " + database.ColumnsOf[models.EndpointState]("s") + `, w.waiting, w.oldest FROM (
		SELECT e.id, (SELECT count(*) FROM (SELECT 1 FROM delivery_work d WHERE d.endpoint_id = e.id AND d.lease_until IS NULL LIMIT %[1]d) part)
				+ (SELECT count(*) FROM delivery_work d WHERE d.endpoint_id = e.id AND d.lease_until IS NOT NULL) AS waiting,
			(SELECT min(part.delivery_id) FROM (SELECT d.delivery_id FROM delivery_work d WHERE d.endpoint_id = e.id AND d.lease_until IS NULL ORDER BY d.priority, d.wake_at LIMIT %[1]d) part) AS oldest
		FROM endpoints e WHERE e.organization_id = ? AND e.deleted_at IS NULL
	) w JOIN endpoint_states s ON s.endpoint_id = w.id`

// Health answers the health of the organization's endpoints by id.
func (t *Tenant) Health(ctx context.Context) (map[string]models.Health, error) {
	return t.health(ctx, fmt.Sprintf(healthQuery, countLimit+1), t.org.ID)
}

// EndpointHealth is Health of one endpoint; one that is not there has none.
func (t *Tenant) EndpointHealth(ctx context.Context, id string) (models.Health, error) {
	health, err := t.health(ctx, fmt.Sprintf(healthQuery, countLimit+1)+" WHERE w.id = ?", t.org.ID, id)
	return health[id], err
}

func (t *Tenant) health(ctx context.Context, query string, parameters ...any) (map[string]models.Health, error) {
	var rows []struct {
		models.EndpointState
		Waiting int
		Oldest  *string
	}
	if err := t.store.db.WithContext(ctx).Raw(query, parameters...).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("reading the health of endpoints: %w", err)
	}
	health := make(map[string]models.Health, len(rows))
	for _, row := range rows {
		h := models.Health{EndpointState: row.EndpointState, Waiting: tallied(row.Waiting)}
		if row.Oldest != nil && !h.Waiting.More {
			oldest := database.IDTime(*row.Oldest)
			h.OldestWaiting = &oldest
		}
		health[row.EndpointID] = h
	}
	return health, nil
}
