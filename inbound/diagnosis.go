package inbound

// Reason names what went wrong with a signature. Its text is the API's value.
type Reason string

// The reasons of a Diagnosis.
const (
	ReasonNoSecret      Reason = "no_secret"      // the source has no secret yet
	ReasonWrongSecret   Reason = "wrong_secret"   // no secret of the source fits, however the body is read
	ReasonEarlierSecret Reason = "earlier_secret" // a secret that was removed fits
	ReasonSecretForm    Reason = "secret_form"    // the secret fits if its text is read in another form
	ReasonBodyTrimmed   Reason = "body_trimmed"   // a line break or a space at the end was removed or added
	ReasonBodyReencoded Reason = "body_reencoded" // the body was parsed and written anew, or its charset changed
	ReasonURL           Reason = "url"            // the signature is of another form of the URL
	ReasonClock         Reason = "clock"          // the signature fits, but its time is off
	ReasonDowngrade     Reason = "downgrade"      // only a weaker, older signature came along
	ReasonMissing       Reason = "missing"        // the header isn't there
	ReasonMalformed     Reason = "malformed"      // the header can't be read
)

// Diagnosis says why a request was refused and what to do.
type Diagnosis struct {
	Reason Reason
	Text   string // what happened and what to do, for people
}

// Diagnose says why Verify refused a request. It tries many forms of body and
// secret and takes far longer than Verify; call it when a person looks, or once
// for a refused request that is kept. earlier are secrets that the source once
// had. It returns the zero Diagnosis if Verify doesn't refuse the request. It
// never returns an expected signature.
func (v *Verifier) Diagnose(request *Request, secrets, earlier []Secret) Diagnosis {
	return Diagnosis{}
}

// Check is one line of what was checked.
type Check struct {
	Name   string // "Signature", "Timestamp", "Body"
	Passed bool
	Text   string // for people
}

// Explain lists what Verify checks of a request and how each check went, for the
// page of one request.
func (v *Verifier) Explain(request *Request, secrets []Secret) []Check { return nil }
