package store

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"hookwell/models"
	"hookwell/models/database"
)

// backlogQuery reads the states of endpoints with what waits for each, counted
// only so far. The order is that of an index, which a plan would otherwise pass
// over where one endpoint has most of the rows.
var backlogQuery = "SELECT " + database.ColumnsOf[models.EndpointState]("s") + fmt.Sprintf(`, w.waiting, w.oldest FROM (
		SELECT e.id, (SELECT count(*) FROM (SELECT 1 FROM delivery_work d WHERE d.endpoint_id = e.id AND d.lease_until IS NULL LIMIT %[1]d) part)
				+ (SELECT count(*) FROM delivery_work d WHERE d.endpoint_id = e.id AND d.lease_until IS NOT NULL) AS waiting,
			(SELECT min(part.delivery_id) FROM (SELECT d.delivery_id FROM delivery_work d WHERE d.endpoint_id = e.id AND d.lease_until IS NULL ORDER BY d.priority, d.wake_at LIMIT %[1]d) part) AS oldest
		FROM (?) e
	) w JOIN endpoint_states s ON s.endpoint_id = w.id`, countLimit+1)

// Backlogs returns the states of the organization's endpoints, with the deliveries
// that wait for each, by endpoint id. It fails if the database does.
func (t *Tenant) Backlogs(ctx context.Context) (map[string]models.Backlog, error) {
	return t.backlogs(ctx, t.ownEndpoints(ctx, ""))
}

// BacklogsOf returns the Backlogs of some endpoints. An unknown endpoint has none.
// It fails if the database does.
func (t *Tenant) BacklogsOf(ctx context.Context, ids ...string) (map[string]models.Backlog, error) {
	if len(ids) == 0 {
		return map[string]models.Backlog{}, nil
	}
	return t.backlogs(ctx, t.ownEndpoints(ctx, "").Where("id IN ?", ids))
}

func (t *Tenant) backlogs(ctx context.Context, of *gorm.DB) (map[string]models.Backlog, error) {
	var rows []struct {
		models.EndpointState
		Waiting int
		Oldest  *string
	}
	if err := t.store.db.WithContext(ctx).Raw(backlogQuery, of.Where("deleted_at IS NULL")).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("reading the backlogs of endpoints: %w", err)
	}
	backlogs := make(map[string]models.Backlog, len(rows))
	for _, row := range rows {
		b := models.Backlog{EndpointState: row.EndpointState, Waiting: countSoFar(row.Waiting)}
		if row.Oldest != nil && !b.Waiting.More {
			oldest := database.IDTime(*row.Oldest)
			b.OldestWaiting = &oldest
		}
		backlogs[row.EndpointID] = b
	}
	return backlogs, nil
}
