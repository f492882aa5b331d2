package inbound

import (
	"hookwell/webhook"
	"time"
)

// Verifier checks the requests of one source. It is safe for concurrent use; make
// it once and keep it.
type Verifier struct {
	provider  *Provider
	tolerance time.Duration
	dedupe    Dedupe
}

// Options are what a source may set besides its provider. The zero value keeps
// everything as the provider has it.
type Options struct {
	Scheme    *Scheme       // an own scheme; only where Provider.OwnScheme
	Tolerance time.Duration // how far a signature's time may be off to either side; 0 is the provider's
	Dedupe    Dedupe        // "" is the provider's
}

// Verifier returns a verifier of this provider's requests. The zero Options have
// no faults. Others have them at the fields "scheme.algorithm" and the like,
// "tolerance" and "dedupe".
func (p *Provider) Verifier(options Options) (*Verifier, webhook.Faults) {
	return &Verifier{provider: p}, nil
}

// Provider returns the template that the verifier was made from.
func (v *Verifier) Provider() *Provider { return v.provider }

// NeedsSecret reports whether nothing can be verified without a secret.
func (v *Verifier) NeedsSecret() bool { return true }

// ParseSecret trims a secret that a person pasted and checks its form. The
// error is a sentence for people that says what is wrong with it, such as an id
// that was pasted in place of the secret, and never contains the text. An empty
// secret is refused.
func (v *Verifier) ParseSecret(text string) (Secret, error) { return Secret{}, nil }

// Verify checks a request against every secret, and judges the age of its
// signature as of request.ReceivedAt. It refuses whatever it can't read. Without
// a secret a source that needs one refuses everything as CauseSignature.
func (v *Verifier) Verify(request *Request, secrets []Secret) Verification {
	return Verification{State: Refused, Secret: -1}
}

// Carriers lists the headers, in lower case, by which the provider proves itself.
// They are what an endpoint needs that verifies the provider's own signature.
func (v *Verifier) Carriers() []string { return nil }

// Credentials lists the headers, in lower case, whose values are secrets by
// themselves. Mask them before a request is stored, and never relay them.
func (v *Verifier) Credentials() []string { return nil }

// Relayable reports whether a receiver elsewhere can verify the provider's own
// signature: false if the scheme signs the URL or sends a credential.
func (v *Verifier) Relayable() bool { return false }
