package models

import (
	"time"
)

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
	InvitedBy      string  // the name of who did
	InvitedByUser  *string // the member whose role it rests on: who sent it last
	CreatedAt      time.Time
	SentAt         time.Time // the link that works
	ExpiresAt      time.Time
	AcceptedAt     *time.Time
	RevokedAt      *time.Time

	// News is what became of its last message; the store's list fills it.
	News *MailNews `gorm:"-"`
	// MailStopped reports whether mail to the address is stopped now, so that the
	// invitation can only go by a link to copy; the store's list fills it.
	MailStopped bool `gorm:"-"`
}

// Over reports whether the invitation's time has run out.
func (i *Invitation) Over(now time.Time) bool { return !now.Before(i.ExpiresAt) }

// NewInvitation is whom to invite as what. ByMail sends the link to the address
// alone.
type NewInvitation struct {
	Email  string
	Role   Role
	ByMail bool
}

// Shown returns a token as far as it is for other eyes than the invited person's.
func (i *Invitation) Shown(token string) string {
	if i == nil || i.ByMail {
		return ""
	}
	return token
}

// Offer is an invitation as its link shows it. Whoever has the link learns
// nothing from it of whether the address has an account: it may be who invited.
type Offer struct {
	Invitation
	Organization Organization
}
