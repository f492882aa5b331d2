package store

import (
	"context"
	"crypto/rand"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hookwell/models"
	"hookwell/models/database"
)

// linkPurpose is what a link that goes out by mail does.
type linkPurpose string

const (
	linkReset  linkPurpose = "reset"   // sets a new password
	linkEmail  linkPurpose = "email"   // makes the address it went to the account's, or proves it
	linkSignUp linkPurpose = "sign_up" // makes the account
)

// How long a link works.
const (
	resetLife  = time.Hour
	verifyLife = 24 * time.Hour
)

// accountLink is a link of an account, or of one to be. It is known by the hash
// of its token and removed when it is used.
type accountLink struct {
	Hash         []byte `gorm:"primaryKey"`
	Purpose      linkPurpose
	UserID       *string // nil for a sign-up
	Email        string  // where it went
	Name         string  // of a sign-up
	PasswordHash string  // likewise
	InvitationID *string // that a sign-up accepts
	CreatedAt    time.Time
	ExpiresAt    time.Time
}

// newLink makes the row and its token: 260 random bits.
func (s *Store) newLink(purpose linkPurpose, life time.Duration) (accountLink, string) {
	token := rand.Text() + rand.Text()
	now := s.clock.Now()
	return accountLink{Hash: models.HashToken(token), Purpose: purpose, CreatedAt: now, ExpiresAt: now.Add(life)}, token
}

// link reads a link that still works. Unknown, used and expired are the same
// NotFound.
func (s *Store) link(db *gorm.DB, purpose linkPurpose, token string) (*accountLink, error) {
	link, err := database.Find[accountLink](db.Where("hash = ? AND purpose = ? AND expires_at > ?", models.HashToken(token), purpose, s.clock.Now()), "link")
	if models.IsKind(err, models.NotFound) {
		return nil, linkEnded()
	}
	return link, err
}

func linkEnded() error {
	return &models.Error{Kind: models.NotFound, Code: "link_ended", Message: "This link does not work any more: it was used already, it is too old, or a newer one was sent. Ask for another."}
}

// takeLink uses a link up: of several that try at once, one gets it.
func (s *Store) takeLink(tx *database.Tx, purpose linkPurpose, token string) (*accountLink, error) {
	link, err := s.link(tx.Clauses(clause.Locking{Strength: "UPDATE"}), purpose, token)
	if err != nil {
		return nil, err
	}
	return link, tx.Delete(link).Error
}

// PruneLinks deletes expired links. It fails if the database does.
func (s *Store) PruneLinks(ctx context.Context) error {
	return s.db.WithContext(ctx).Where("expires_at <= ?", s.clock.Now()).Delete(&accountLink{}).Error
}
