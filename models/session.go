package models

import (
	"context"
	"crypto/sha256"
	"errors"
	"strconv"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// SessionIdle is how long a session lives without being used.
const SessionIdle = 7 * 24 * time.Hour

// maxUserAgent is how much of what a browser says of itself is kept.
const maxUserAgent = 512

// Session is a browser session: whose it is, and from where it is used.
// LastUsedAt is exact to some minutes.
type Session struct {
	TokenHash     []byte `gorm:"primaryKey"`
	ID            string
	UserID        *string // nil while nobody has signed in
	Data          []byte  // as scs writes it
	UserAgent     string
	RemoteAddress string
	CreatedAt     time.Time
	LastUsedAt    time.Time
	ExpiresAt     time.Time
}

// SessionUse is who uses a session, and how: what its row keeps beside scs's data.
type SessionUse struct {
	UserID        string // empty while nobody has signed in
	UserAgent     string
	RemoteAddress string
	Since         time.Time // the sign-in; zero is now
	// Held is for a session that was there when the request began: one that was
	// ended meanwhile is not brought back.
	Held bool
}

type sessionUseKey struct{}

// WithSessionUse tells CommitCtx who uses the session that it writes.
func WithSessionUse(ctx context.Context, use SessionUse) context.Context {
	return context.WithValue(ctx, sessionUseKey{}, use)
}

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

// alive narrows a query to the sessions that have neither expired nor been
// idle for too long.
func (s *Store) alive(db *gorm.DB) *gorm.DB {
	now := s.clock.Now()
	return db.Where("expires_at > ? AND last_used_at > ?", now, now.Add(-SessionIdle))
}

// FindCtx answers the session's data; false when there is none or it has ended.
func (ss *Sessions) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	var row Session
	err := ss.store.alive(ss.store.db.WithContext(ctx)).Where("token_hash = ?", hashToken(token)).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, false, nil
	}
	return row.Data, err == nil, err
}

// CommitCtx writes the session, with what WithSessionUse told of it.
func (ss *Sessions) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	use, _ := ctx.Value(sessionUseKey{}).(SessionUse)
	now := ss.store.clock.Now()
	row := Session{TokenHash: hashToken(token), ID: ss.store.clock.newID(PrefixSession, now), Data: data, UserAgent: storable(cut(use.UserAgent, maxUserAgent)),
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

// DeleteCtx ends the session.
func (ss *Sessions) DeleteCtx(ctx context.Context, token string) error {
	return ss.store.db.WithContext(ctx).Where("token_hash = ?", hashToken(token)).Delete(&Session{}).Error
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

// PruneSessions removes the sessions that have ended.
func (s *Store) PruneSessions(ctx context.Context) error {
	now := s.clock.Now()
	return s.db.WithContext(ctx).Where("expires_at <= ? OR last_used_at <= ?", now, now.Add(-SessionIdle)).Delete(&Session{}).Error
}

// Sessions lists the person's sessions, the last used first, without their data.
func (p *Person) Sessions(ctx context.Context) ([]Session, error) {
	var list []Session
	err := p.store.alive(p.store.db.WithContext(ctx)).Omit("data").Where("user_id = ?", p.user.ID).Order("last_used_at DESC, id DESC").Find(&list).Error
	return list, err
}

// Is tells whether the session is the one of a token.
func (s *Session) Is(token string) bool { return string(s.TokenHash) == string(hashToken(token)) }

// RevokeSession ends one of the person's sessions.
func (p *Person) RevokeSession(ctx context.Context, id string) error {
	return unlessTaken(p.store.transaction(once(ctx), func(tx *Tx) error {
		session, err := find[Session](tx.Where("id = ? AND user_id = ?", id, p.user.ID), "session")
		if err != nil {
			return err
		}
		if err := tx.Delete(session).Error; err != nil {
			return err
		}
		return p.auditOwn(tx, "session.revoked", session.ID)
	}))
}

// RevokeOtherSessions ends all of the person's sessions but the one of the
// token, and answers how many those were.
func (p *Person) RevokeOtherSessions(ctx context.Context, token string) (n int, err error) {
	err = p.store.transaction(ctx, func(tx *Tx) error {
		if n, err = p.store.endSessions(tx, p.user.ID, token); err != nil {
			return err
		}
		return p.auditOwn(tx, "session.others_revoked", strconv.Itoa(n))
	})
	return n, err
}

// endSessions ends a user's sessions but the one of the token, which may be
// empty to end them all.
func (s *Store) endSessions(tx *Tx, userID, token string) (int, error) {
	ended := tx.Where("user_id = ? AND token_hash <> ?", userID, hashToken(token)).Delete(&Session{})
	return int(ended.RowsAffected), ended.Error
}

// cut is the beginning of a text, whole characters of at most so many bytes.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && text[most]&0xc0 == 0x80 {
		most--
	}
	return text[:most]
}
