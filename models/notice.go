package models

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm/clause"
)

// NoticeKind says what a notice tells of an endpoint.
type NoticeKind string

// The kinds of notice.
const (
	NoticeFailing   NoticeKind = "failing"   // nothing has succeeded for a while
	NoticeDisabling NoticeKind = "disabling" // it is disabled at DueAt if nothing changes
	NoticeDisabled  NoticeKind = "disabled"  // it was, by the rule
	NoticeGone      NoticeKind = "gone"      // it was, because its receiver answered 410
	NoticeRecovered NoticeKind = "recovered" // after one of the others
)

// Notice is what an organization is to know of one of its endpoints. It stands
// until what it tells of is over or a person dismisses it; the next one of the
// same endpoint takes its place.
type Notice struct {
	ID             string
	OrganizationID string
	EndpointID     string
	Kind           NoticeKind
	Since          *time.Time // when the endpoint began to fail
	DueAt          *time.Time // when it is disabled if nothing changes
	CreatedAt      time.Time
	EndedAt        *time.Time
	DismissedAt    *time.Time
	DismissedBy    string

	Endpoint *Endpoint `gorm:"-"` // the tenant's queries fill it
}

const (
	// goodNews is how long a recovery is told of.
	goodNews = 3 * 24 * time.Hour
	// keepNotices is how long notices are on record that stand no more.
	keepNotices = 30 * 24 * time.Hour
)

// Notices lists what stands and nobody has dismissed, the newest first.
func (t *Tenant) Notices(ctx context.Context) ([]Notice, error) {
	var list []Notice
	err := t.rows(ctx).Where("ended_at IS NULL AND dismissed_at IS NULL AND (kind <> ? OR created_at > ?)", NoticeRecovered, t.store.clock.Now().Add(-goodNews)).
		Order("id DESC").Limit(MaxLimit).Find(&list).Error
	if err != nil || len(list) == 0 {
		return nil, err
	}
	endpoints, err := t.Endpoints(ctx)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]*Endpoint, len(endpoints))
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

// DismissNotice takes a notice away, for everybody in the organization. One that
// stands no more is NotFound.
func (t *Tenant) DismissNotice(ctx context.Context, id string) error {
	return unlessTaken(t.store.transaction(once(ctx), func(tx *Tx) error {
		standing := t.within(tx.DB).Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ? AND ended_at IS NULL AND dismissed_at IS NULL", id)
		n, err := find[Notice](standing, "notice")
		if err != nil {
			return err
		}
		e, err := t.endpoint(t.within(tx.DB), n.EndpointID)
		if err != nil {
			return err
		}
		change := map[string]any{"dismissed_at": t.store.clock.Now(), "dismissed_by": t.actor.Name}
		if err := tx.Model(&Notice{}).Where("id = ?", n.ID).Updates(change).Error; err != nil {
			return err
		}
		return t.audit(tx, "notice.dismissed", n.ID, e.Title(), string(n.Kind))
	}))
}

// notify opens a notice in the place of the endpoint's last.
func (s *Store) notify(tx *Tx, n Notice) error {
	if err := s.endNotices(tx, n.EndpointID); err != nil {
		return err
	}
	n.CreatedAt = s.clock.Now()
	n.ID = s.clock.newID(PrefixNotice, n.CreatedAt)
	if err := tx.Create(&n).Error; err != nil {
		return fmt.Errorf("opening a notice: %w", err)
	}
	return nil
}

// endNotices ends what stands of an endpoint.
func (s *Store) endNotices(tx *Tx, endpointID string) error {
	return tx.Model(&Notice{}).Where("endpoint_id = ? AND ended_at IS NULL", endpointID).Update("ended_at", s.clock.Now()).Error
}

// PruneNotices removes notices that stand no more.
func (s *Store) PruneNotices(ctx context.Context) error {
	old := s.clock.Now().Add(-keepNotices)
	return s.db.WithContext(ctx).Where("ended_at < ? OR kind = ? AND created_at < ?", old, NoticeRecovered, old).Delete(&Notice{}).Error
}
