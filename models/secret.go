package models

import (
	"fmt"
	"time"

	"hookwell/webhook"
)

// EndpointSecret is one signing secret, sealed. It signs until ExpiresAt, which
// the newest alone does not have. Once SwitchedAt is set, x-webhook-signature is
// a newer one's.
type EndpointSecret struct {
	ID             string
	EndpointID     string
	OrganizationID string
	Sealed         []byte
	Imported       bool   // its text was brought along and not made here
	CreatedBy      string // the name of who made it
	CreatedAt      time.Time
	ExpiresAt      *time.Time
	SwitchedAt     *time.Time

	// SignsOlder reports whether it is the one that signs x-webhook-signature; the
	// tenant's queries fill it.
	SignsOlder bool `gorm:"-"`
}

// OlderSigner returns the index of the secret that signs x-webhook-signature, of
// an endpoint's secrets in force, newest first: the oldest that was not switched
// away from.
func OlderSigner(secrets []EndpointSecret) int {
	for i := len(secrets) - 1; i > 0; i-- {
		if secrets[i].SwitchedAt == nil {
			return i
		}
	}
	return 0
}

// MaxOverlapHours is how many hours a secret may go on signing at most.
const MaxOverlapHours = 7 * 24

// Rotation is how an endpoint gets its next secret.
type Rotation struct {
	// OverlapHours is how long the present secret goes on signing beside the new
	// one. 0 ends every earlier one at once.
	OverlapHours int
	Secret       webhook.Secret // an existing one to import; zero makes a new one
}

// Faults are what is wrong with it; none is empty.
func (r Rotation) Faults() webhook.Faults {
	if r.OverlapHours < 0 || r.OverlapHours > MaxOverlapHours {
		return webhook.Faults{{Field: "overlapHours", Message: fmt.Sprintf("Choose 0 to %d hours.", MaxOverlapHours)}}
	}
	return nil
}

// RevealedSecret is a secret in force with its text.
type RevealedSecret struct {
	EndpointSecret
	Secret webhook.Secret
}

// Words say in the audit what kind of rotation it was.
func (r Rotation) Words() string {
	words := fmt.Sprintf("overlap %d h", r.OverlapHours)
	if !r.Secret.IsZero() {
		words += ", imported"
	}
	return words
}

// UnusableSecret returns the Conflict, "endpoint_unusable", for an endpoint whose
// secret or headers can't be opened with the keys that are set.
func UnusableSecret() error {
	return NewConflict("endpoint_unusable", "The endpoint’s secret can’t be opened. Look at HOOKWELL_SECRET_KEY.")
}

// FirstEnd returns when the first of some secrets ends, nil if none does.
func FirstEnd(rows []EndpointSecret) (first *time.Time) {
	for i := range rows {
		if end := rows[i].ExpiresAt; end != nil && (first == nil || end.Before(*first)) {
			first = end
		}
	}
	return first
}
