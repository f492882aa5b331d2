package pipeline

import (
	"context"
	"fmt"
	"time"

	"hookwell/models"
	"hookwell/models/database"
)

// WaitingRequests returns how many requests wait to be processed, and since when
// the oldest does; zero if none waits. It fails if the database does.
func (p *Engine) WaitingRequests(ctx context.Context) (waiting int, oldest time.Time, err error) {
	const most = 100_000
	var count int64
	db := p.db.WithContext(ctx)
	if err := db.Table("(?) AS few", db.Model(&requestWork{}).Select("request_id").Limit(most)).Count(&count).Error; err != nil || count == 0 {
		return 0, time.Time{}, err
	}
	var first []time.Time
	err = db.Model(&requestWork{}).Order("due_at").Limit(1).Pluck("due_at", &first).Error
	if len(first) == 1 {
		oldest = first[0]
	}
	return int(count), oldest, err
}

// QueueRequests has requests processed again that are not waiting already. It
// returns how many those are.
func (p *Engine) QueueRequests(tx *database.Tx, requests []models.Request, forced bool, replayID string) (int, error) {
	now, err := tx.Now()
	if err != nil || len(requests) == 0 {
		return 0, err
	}
	work, ids := make([]*requestWork, len(requests)), make([]string, len(requests))
	for i := range requests {
		r := &requests[i]
		work[i] = &requestWork{RequestID: r.ID, OrganizationID: r.OrganizationID, SourceID: r.SourceID, DueAt: now, Forced: forced, ReplayID: replayID}
		ids[i] = r.ID
	}
	if err := database.InsertAll(p.db.Dialect, tx.DB, work, database.LeaveTaken); err != nil {
		return 0, fmt.Errorf("queueing requests: %w", err)
	}
	condition, parameter := p.db.Dialect.Among("id", ids)
	err = tx.Model(&models.Request{}).Where(condition, parameter).UpdateColumns(map[string]any{"processing": models.ProcessingWaiting, "reason": "", "reason_mappings": "", "error": ""}).Error
	if err != nil {
		return 0, fmt.Errorf("queueing requests: %w", err)
	}
	database.NoteIn(tx, func(*queuedRequests) { p.callRequests() })
	return len(work), nil
}

// queuedRequests notes that a transaction queued some.
type queuedRequests struct{}
