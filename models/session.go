package models

import (
	"crypto/sha256"
	"time"
)

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

// HashToken is what is stored of a session's token or an API key. They are
// random: a slow hash would add nothing.
func HashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// Is reports whether the session is the one of a token.
func (s *Session) Is(token string) bool { return string(s.TokenHash) == string(HashToken(token)) }
