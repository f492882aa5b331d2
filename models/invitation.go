package models

import "time"

// Invitation asks somebody, by their address, to become a member. Its link
// works until ExpiresAt, once, and is stored as a hash. ByMail means that the
// link went to the address alone, so that who has it has the address.
type Invitation struct {
	ID             string
	OrganizationID string
	Email          string
	Role           Role
	TokenHash      []byte
	ByMail         bool
	InvitedBy      string // the name of who did
	CreatedAt      time.Time
	SentAt         time.Time // the link that works
	ExpiresAt      time.Time
	AcceptedAt     *time.Time
	RevokedAt      *time.Time
}
