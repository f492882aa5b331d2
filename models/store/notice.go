package store

import (
	"context"
	"time"

	"gorm.io/gorm/clause"

	"hookwell/models"
	"hookwell/models/database"
)

const (
	// goodNews is how long a recovery is told of.
	goodNews = 3 * 24 * time.Hour
	// keepNotices is how long notices are on record that stand no more.
	keepNotices = 30 * 24 * time.Hour
)

// Notices lists open notices that nobody has dismissed, newest first. It fails if
// the database does.
func (t *Tenant) Notices(ctx context.Context) ([]models.Notice, error) {
	var list []models.Notice
	err := t.rows(ctx).Where("ended_at IS NULL AND dismissed_at IS NULL AND (kind <> ? OR created_at > ?)", models.NoticeRecovered, t.store.clock.Now().Add(-goodNews)).
		Order("id DESC").Limit(models.MaxLimit).Find(&list).Error
	if err != nil || len(list) == 0 {
		return nil, err
	}
	ids := make([]string, len(list))
	for i, n := range list {
		ids[i] = n.EndpointID
	}
	var endpoints []models.Endpoint
	if err := t.rows(ctx).Select("id", "name", "url").Where("id IN ? AND deleted_at IS NULL", ids).Find(&endpoints).Error; err != nil {
		return nil, err
	}
	byID := make(map[string]*models.Endpoint, len(endpoints))
	for i := range endpoints {
		byID[endpoints[i].ID] = &endpoints[i]
	}
	shown := list[:0]
	for _, n := range list {
		if n.Endpoint = byID[n.EndpointID]; n.Endpoint != nil {
			shown = append(shown, n)
		}
	}
	return shown, nil
}

// DismissNotice hides a notice from everybody in the organization. A notice that
// has ended is NotFound.
func (t *Tenant) DismissNotice(ctx context.Context, id string) error {
	return unlessTaken(t.store.transaction(once(ctx), func(tx *database.Tx) error {
		standing := t.within(tx.DB).Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ? AND ended_at IS NULL AND dismissed_at IS NULL", id)
		n, err := database.Find[models.Notice](standing, "notice")
		if err != nil {
			return err
		}
		e, err := t.endpoint(t.within(tx.DB), n.EndpointID)
		if err != nil {
			return err
		}
		change := map[string]any{"dismissed_at": t.store.clock.Now(), "dismissed_by": t.actor.Name}
		if err := tx.Model(&models.Notice{}).Where("id = ?", n.ID).Updates(change).Error; err != nil {
			return err
		}
		return t.audit(tx, "notice.dismissed", n.ID, e.Title(), string(n.Kind))
	}))
}

// PruneNotices deletes notices that have ended. It fails if the database does.
func (s *Store) PruneNotices(ctx context.Context) error {
	old := s.clock.Now().Add(-keepNotices)
	return s.db.WithContext(ctx).Where("ended_at < ? OR kind = ? AND created_at < ?", old, models.NoticeRecovered, old).Delete(&models.Notice{}).Error
}
