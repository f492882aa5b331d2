package models

import "time"

// UserIdentity is who a provider of OpenID Connect says that a user is: by
// issuer and subject alone. Email is what it said last, for people to read.
type UserIdentity struct {
	Issuer     string `gorm:"primaryKey"`
	Subject    string `gorm:"primaryKey"`
	UserID     string
	Email      string
	CreatedAt  time.Time
	LastUsedAt time.Time
}
