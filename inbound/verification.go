package inbound

import "time"

// State says what a request's verification proved. Its text is the API's value.
type State string

// The states of a request.
const (
	Verified      State = "verified"      // the provider signed these bytes
	Authenticated State = "authenticated" // the sender knew a credential, but the body isn't proven
	Unverified    State = "unverified"    // the source verifies nothing
	Refused       State = "refused"
)

// Cause says why a request was refused. Its text is the API's value.
type Cause string

// The causes, in the order in which they are checked. Verify returns those from
// CauseSignatureMissing on; the source's front door finds the others.
const (
	CauseSourceDisabled     Cause = "source_disabled"
	CauseMethod             Cause = "method"
	CauseAddress            Cause = "address"
	CauseRate               Cause = "rate"
	CauseTooLarge           Cause = "too_large"
	CauseLoop               Cause = "loop"
	CauseSignatureMissing   Cause = "signature_missing"
	CauseSignatureMalformed Cause = "signature_malformed"
	CauseSignature          Cause = "signature"
	CauseTooOld             Cause = "too_old"
	CauseTooNew             Cause = "too_new"
)

// Causes lists every cause in the order in which they are checked.
func Causes() []Cause {
	return []Cause{CauseSourceDisabled, CauseMethod, CauseAddress, CauseRate, CauseTooLarge, CauseLoop,
		CauseSignatureMissing, CauseSignatureMalformed, CauseSignature, CauseTooOld, CauseTooNew}
}

// OfVerification reports whether Verify refuses for the cause, so that a Diagnosis can
// say more of it.
func (c Cause) OfVerification() bool {
	switch c {
	case CauseSignatureMissing, CauseSignatureMalformed, CauseSignature, CauseTooOld, CauseTooNew:
		return true
	}
	return false
}

// Verification is the result of checking one request.
type Verification struct {
	State State
	Cause Cause // "" unless the state is Refused

	// Secret is the index of the secret that matched, or -1. It is set too if the
	// signature matched and its time did not.
	Secret int

	SignedAt time.Time // the time that the signature covers; zero if there is none

	// Method says what was checked, for people: "HMAC-SHA256 of the timestamp and
	// the body, in Stripe-Signature".
	Method string
}
