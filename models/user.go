package models

import (
	_ "embed"
	"encoding/hex"
	"strings"
	"time"
	"unicode/utf8"

	"hookwell/webhook"
)

// User is a person with an account. Email is lower-case and unique;
// EmailVerifiedAt is nil until the person has shown that it is theirs.
type User struct {
	ID              string
	Email           string
	EmailVerifiedAt *time.Time
	Name            string
	PasswordHash    string
	CreatedAt       time.Time
	UpdatedAt       time.Time `gorm:"autoUpdateTime:false"`
}

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

// Claims are what a provider says of who signed in with it, its signature
// checked. Name and Email may be empty.
type Claims struct {
	Issuer        string
	Subject       string
	Name          string
	Email         string
	EmailVerified bool
	SignedInAt    time.Time // at the provider; zero when it doesn't say
}

// MinPassword is how many characters a password has at least: NIST SP 800-63B-4,
// section 3.1.1.2, asks for 15 where a password is the only factor.
const MinPassword = 15

// MaxName is how many characters a person's name may have.
const MaxName = 100

// TextFaults returns a fault at a field, or none if the message is empty.
func TextFaults(field, message string) webhook.Faults {
	if message == "" {
		return nil
	}
	return webhook.Faults{{Field: field, Message: message}}
}

// PasswordChange is a new password and, to prove who asks, the present one,
// which is left out by who has none yet, and a code of the second factor, where
// one is on. Unlink takes every provider from the account.
type PasswordChange struct {
	Present string
	Code    string
	New     string
	Unlink  bool
}

// EmailVerified reports whether the account's address was proved.
func (u *User) EmailVerified() bool { return u.EmailVerifiedAt != nil }

// HasPassword reports whether the account has a password, and not only a provider
// that it signs in with.
func (u *User) HasPassword() bool { return u.PasswordHash != "" }

// Credentials are what somebody signs in with. Device is what DeviceToken gave
// this browser after an earlier sign-in; it may be empty.
type Credentials struct {
	Email    string
	Password string
	Device   string
}

// SignedIn is who the credentials are of. While SecondFactor is set, a code is
// still to be asked for.
type SignedIn struct {
	User         *User
	SecondFactor bool
}

// As returns the actor once it is known who it is.
func (a Actor) As(user *User) Actor {
	a.Kind, a.ID, a.Name, a.Email = ActorUser, user.ID, user.Name, user.Email
	return a
}

// TwoFactor is how a person's second factor stands. EnabledAt is nil when there
// is none.
type TwoFactor struct {
	EnabledAt     *time.Time
	RecoveryCodes int // that are left
}

// TwoFactorKey is what an authenticator app is given. URL is what its QR code holds.
type TwoFactorKey struct {
	Secret string // in base 32
	URL    string
}

// SignupPolicy is HOOKWELL_SIGNUP.
type SignupPolicy string

// The policies.
const (
	SignupFirst  SignupPolicy = "first" // one account, then invitations
	SignupOpen   SignupPolicy = "open"
	SignupClosed SignupPolicy = "closed"
)

// Account is what a new account is made of.
type Account struct {
	Name     string
	Email    string
	Password string
}

// HasControl reports whether text has what no line of text may have, and what
// Postgres does not store: control characters, or bytes that are not UTF-8.
func HasControl(text string) bool {
	return !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return r < 0x20 || r == 0x7f })
}

// Stamp changes whenever the password does: a session made before is refused.
func (u *User) Stamp() string { return hex.EncodeToString(HashToken(u.PasswordHash)[:8]) }

// NameVersion returns the person's name as it is, which has a form of its own.
func (u *User) NameVersion() Version { return Version{ID: u.ID, Form: textVersion(u.Name)} }
