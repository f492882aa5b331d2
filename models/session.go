package models

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// sessionRow is a session as scs writes it.
type sessionRow struct {
	TokenHash []byte `gorm:"primaryKey"`
	Data      []byte
	ExpiresAt time.Time
}

func (sessionRow) TableName() string { return "sessions" }

// Sessions keeps browser sessions in the database for scs: it is an
// scs.CtxStore. Only a hash of each token is stored.
type Sessions struct{ store *Store }

// Sessions is the store's side of scs.
func (s *Store) Sessions() *Sessions { return &Sessions{s} }

// hashToken is what is stored of a session's token or an API key. They are
// random: a slow hash would add nothing.
func hashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// FindCtx answers the session's data; false when there is none or it expired.
func (ss *Sessions) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	var row sessionRow
	err := ss.store.db.WithContext(ctx).Where("token_hash = ? AND expires_at > ?", hashToken(token), ss.store.clock.Now()).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, false, nil
	}
	return row.Data, err == nil, err
}

// CommitCtx writes the session.
func (ss *Sessions) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	row := sessionRow{hashToken(token), data, expiry.UTC()}
	return ss.store.db.WithContext(ctx).Clauses(clause.OnConflict{UpdateAll: true, Columns: []clause.Column{{Name: "token_hash"}}}).Create(&row).Error
}

// DeleteCtx ends the session.
func (ss *Sessions) DeleteCtx(ctx context.Context, token string) error {
	return ss.store.db.WithContext(ctx).Where("token_hash = ?", hashToken(token)).Delete(&sessionRow{}).Error
}

// Find, Commit and Delete serve scs where it has no context.
func (ss *Sessions) Find(token string) ([]byte, bool, error) {
	return ss.FindCtx(context.Background(), token)
}

// Commit writes the session.
func (ss *Sessions) Commit(token string, data []byte, expiry time.Time) error {
	return ss.CommitCtx(context.Background(), token, data, expiry)
}

// Delete ends the session.
func (ss *Sessions) Delete(token string) error { return ss.DeleteCtx(context.Background(), token) }

// PruneSessions removes the sessions that have expired.
func (s *Store) PruneSessions(ctx context.Context) error {
	return s.db.WithContext(ctx).Where("expires_at <= ?", s.clock.Now()).Delete(&sessionRow{}).Error
}
