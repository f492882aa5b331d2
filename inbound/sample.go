package inbound

import "time"

// Sample is a request as the provider sends it, to try a source with.
type Sample struct {
	Type  string // the provider's type: "invoice.paid"
	Title string // for people: "An invoice was paid"
}

// SignSample returns a shipped sample as a request to url, signed with secret as
// of at. It fails with a sentence for people if the provider has no sample of the type,
// or if the provider signs with a private key, which nobody else has. "" is the first sample. Nothing but
// shipped samples is ever signed with a source's secret.
func (v *Verifier) SignSample(sampleType string, secret Secret, url string, at time.Time) (*Request, error) {
	return nil, nil
}
