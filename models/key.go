package models

import (
	"slices"
	"strings"
	"time"
)

// Key is an API key. OrganizationID is nil for a platform key, CreatedByUser
// for one that no signed-in person made, ExpiresAt for one that is good until
// it is revoked. The key's text is shown once, when it is made; Hint is its
// last four characters.
type Key struct {
	ID             string
	OrganizationID *string
	Name           string
	Hash           []byte
	Hint           string
	Scopes         []Scope `gorm:"serializer:json"`
	CreatedBy      string
	CreatedByUser  *string
	CreatedAt      time.Time
	ExpiresAt      *time.Time
	LastUsedAt     *time.Time
	RevokedAt      *time.Time
}

// KeyPrefix marks a key in logs and scanners of leaked secrets.
const KeyPrefix = "hwk_"

// May reports whether the key has the scope. A platform key has every one.
func (k *Key) May(scope Scope) bool {
	return k.OrganizationID == nil || slices.Contains(k.Scopes, scope)
}

// Masked shows which key it is without showing the key.
func (k *Key) Masked() string { return KeyPrefix + "…" + k.Hint }

// Platform reports whether the key acts for any organization.
func (k *Key) Platform() bool { return k.OrganizationID == nil }

// NewKey is a key to be made. Scopes are names; a platform key has all of them
// and takes none. Without ExpiresAt it is good until it is revoked.
type NewKey struct {
	Name      string
	Scopes    []string
	ExpiresAt *time.Time
}

// Describe is what the audit log keeps of a new key.
func (k *Key) Describe() string {
	text := ScopeNames(k.Scopes)
	if k.Platform() {
		text = ""
	}
	if k.ExpiresAt != nil {
		text = strings.TrimSpace(text + " until " + k.ExpiresAt.Format(time.RFC3339))
	}
	return text
}

// Expired reports whether the key's time was over at that moment.
func (k *Key) Expired(now time.Time) bool { return k.ExpiresAt != nil && !now.Before(*k.ExpiresAt) }

// TableName returns the keys' table; "keys" alone says too little in SQL.
func (Key) TableName() string { return "api_keys" }
