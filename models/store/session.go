package store

import (
	"context"
	"errors"
	"strconv"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/pipeline"
)

// SessionIdle is how long an unused session lives.
const SessionIdle = 7 * 24 * time.Hour

// maxUserAgent is how much of what a browser says of itself is kept.
const maxUserAgent = 512

type sessionUseKey struct{}

// WithSessionUse returns a context that gives CommitCtx the user of the session
// that it writes.
func WithSessionUse(ctx context.Context, use models.SessionUse) context.Context {
	return context.WithValue(ctx, sessionUseKey{}, use)
}

// Sessions keeps browser sessions in the database for scs: it is an
// scs.CtxStore. Only a hash of each token is stored.
type Sessions struct{ store *Store }

// Sessions returns the store for scs.
func (s *Store) Sessions() *Sessions { return &Sessions{s} }

// alive narrows a query to the sessions that have neither expired nor been
// idle for too long.
func (s *Store) alive(db *gorm.DB) *gorm.DB {
	now := s.clock.Now()
	return db.Where("expires_at > ? AND last_used_at > ?", now, now.Add(-SessionIdle))
}

// FindCtx returns the session's data; false if there is none or it has ended. It
// fails if the database does.
func (ss *Sessions) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	var row models.Session
	err := ss.store.alive(ss.store.db.WithContext(ctx)).Where("token_hash = ?", models.HashToken(token)).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, false, nil
	}
	return row.Data, err == nil, err
}

// CommitCtx writes the session, with its user from WithSessionUse. It fails if the
// database does.
func (ss *Sessions) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	use, _ := ctx.Value(sessionUseKey{}).(models.SessionUse)
	now := ss.store.clock.Now()
	row := models.Session{TokenHash: models.HashToken(token), ID: ss.store.clock.NewID(models.PrefixSession, now), Data: data, UserAgent: pipeline.Storable(cut(use.UserAgent, maxUserAgent)),
		RemoteAddress: use.RemoteAddress, CreatedAt: now, LastUsedAt: now, ExpiresAt: expiry.UTC()}
	if use.UserID != "" {
		row.UserID = &use.UserID
	}
	if !use.Since.IsZero() {
		row.CreatedAt = use.Since
	}
	changes := []string{"user_id", "data", "user_agent", "remote_address", "last_used_at", "expires_at"}
	if use.Held {
		return ss.store.db.WithContext(ctx).Model(&row).Select(changes).Updates(&row).Error
	}
	onConflict := clause.OnConflict{Columns: []clause.Column{{Name: "token_hash"}}, DoUpdates: clause.AssignmentColumns(changes)}
	return ss.store.db.WithContext(ctx).Clauses(onConflict).Create(&row).Error
}

// DeleteCtx ends the session. It fails if the database does.
func (ss *Sessions) DeleteCtx(ctx context.Context, token string) error {
	return ss.store.db.WithContext(ctx).Where("token_hash = ?", models.HashToken(token)).Delete(&models.Session{}).Error
}

// Find, Commit and Delete are for calls of scs that have no context. They fail if
// the database does.
func (ss *Sessions) Find(token string) ([]byte, bool, error) {
	return ss.FindCtx(context.Background(), token)
}

// Commit writes the session. It fails if the database does.
func (ss *Sessions) Commit(token string, data []byte, expiry time.Time) error {
	return ss.CommitCtx(context.Background(), token, data, expiry)
}

// Delete ends the session. It fails if the database does.
func (ss *Sessions) Delete(token string) error { return ss.DeleteCtx(context.Background(), token) }

// PruneSessions deletes ended sessions. It fails if the database does.
func (s *Store) PruneSessions(ctx context.Context) error {
	now := s.clock.Now()
	return s.db.WithContext(ctx).Where("expires_at <= ? OR last_used_at <= ?", now, now.Add(-SessionIdle)).Delete(&models.Session{}).Error
}

// Sessions lists the person's sessions, last used first, without their data. It
// fails if the database does.
func (p *Person) Sessions(ctx context.Context) ([]models.Session, error) {
	var list []models.Session
	err := p.store.alive(p.store.db.WithContext(ctx)).Omit("data").Where("user_id = ?", p.user.ID).Order("last_used_at DESC, id DESC").Find(&list).Error
	return list, err
}

// RevokeSession ends one of the person's sessions. An unknown one is NotFound.
func (p *Person) RevokeSession(ctx context.Context, id string) error {
	return unlessTaken(p.store.transaction(once(ctx), func(tx *database.Tx) error {
		session, err := database.Find[models.Session](tx.Where("id = ? AND user_id = ?", id, p.user.ID), "session")
		if err != nil {
			return err
		}
		if err := tx.Delete(session).Error; err != nil {
			return err
		}
		return p.auditOwn(tx, "session.revoked", session.ID)
	}))
}

// RevokeOtherSessions ends all of the person's sessions but the one with the token,
// and returns how many it ended. It fails if the database does.
func (p *Person) RevokeOtherSessions(ctx context.Context, token string) (n int, err error) {
	err = p.store.transaction(ctx, func(tx *database.Tx) error {
		if n, err = p.store.endSessions(tx, p.user.ID, token); err != nil {
			return err
		}
		return p.auditOwn(tx, "session.others_revoked", strconv.Itoa(n))
	})
	return n, err
}

// endSessions ends a user's sessions but the one of the token, which may be
// empty to end them all.
func (s *Store) endSessions(tx *database.Tx, userID, token string) (int, error) {
	ended := tx.Where("user_id = ? AND token_hash <> ?", userID, models.HashToken(token)).Delete(&models.Session{})
	return int(ended.RowsAffected), ended.Error
}

// cut returns the beginning of a text, whole characters of at most so many bytes.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && text[most]&0xc0 == 0x80 {
		most--
	}
	return text[:most]
}
