package models

import (
	"fmt"
	"slices"
	"strings"

	"hookwell/webhook"
)

// Why an endpoint is disabled.
const (
	DisabledByPerson = "person"  // somebody chose to
	DisabledGone     = "gone"    // the receiver answered 410
	DisabledFailing  = "failing" // by the rule of automatic disabling
)

// EndpointInput is what people set of an endpoint. NewEndpointInput gives the
// defaults. Headers are the endpoint's own, with their values; nil keeps those
// that it has, and HeaderEdit changes some of them. Secret is an existing one to
// import with a new endpoint; zero makes one, and an endpoint that is there refuses
// it. Unread are the faults of fields that nobody could read, told with those that
// are found in the others; such a field is left as it was.
type EndpointInput struct {
	URL         string
	Name        string
	Description string
	EventTypes  []string
	EndpointPolicy
	Headers    []webhook.Header
	HeaderEdit *HeaderEdit // nil changes none
	Secret     webhook.Secret
	Disabled   bool  // from the start; enabling later is EnableEndpoint
	Enabled    *bool // of an endpoint that is there, to be saved with the rest; nil leaves it
	Unread     webhook.Faults
}

// NewEndpointInput returns an endpoint's default policy.
func NewEndpointInput() EndpointInput { return EndpointInput{EndpointPolicy: defaultPolicy()} }

func (in *EndpointInput) checkHeaders() webhook.Faults {
	var faults webhook.Faults
	if len(in.Headers) > MaxOwnHeaders {
		faults = append(faults, webhook.Fault{Field: "headers", Message: fmt.Sprintf("Set at most %d headers.", MaxOwnHeaders)})
	}
	seen := map[string]bool{}
	for _, h := range in.Headers {
		field, name := "headers."+h.Name, strings.ToLower(h.Name)
		if err := webhook.CheckOwnHeader(h.Name, h.Value); err != nil {
			faults = append(faults, webhook.Fault{Field: field, Message: err.Error()})
		} else if seen[name] {
			faults = append(faults, webhook.Fault{Field: field, Message: "This header stands twice."})
		}
		seen[name] = true
	}
	return faults
}

// Moved is what an endpoint lost because its URL leads to another origin than
// before. Its own headers, such as an API key of the receiver's, and a secret
// that was imported are shared with whoever is behind the earlier URL: whoever
// may change the URL and can't read them doesn't get to send them elsewhere.
type Moved struct {
	Headers []string       // the names of own headers that were removed
	Secret  webhook.Secret // made in place of an imported one; zero if the endpoint kept its own
}

// Any reports whether anything was lost.
func (m Moved) Any() bool { return len(m.Headers) > 0 || !m.Secret.IsZero() }

// Words say in the audit what was lost.
func (m Moved) Words() string {
	words := ""
	if len(m.Headers) > 0 {
		words += "; another origin, so removed: " + strings.Join(m.Headers, ", ")
	}
	if !m.Secret.IsZero() {
		words += "; another origin, so the imported secret was replaced"
	}
	return words
}

// HeaderEdit changes some of an endpoint's own headers and leaves the others,
// whose values nobody but the store knows. Names compare without regard to case.
type HeaderEdit struct {
	Set    []webhook.Header // added, or given a new value
	Remove []string
}

// Apply returns the headers after the edit. A header that is set twice stands
// twice, which is refused where headers are checked.
func (h *HeaderEdit) Apply(kept []webhook.Header) []webhook.Header {
	headers := slices.DeleteFunc(slices.Clone(kept), func(k webhook.Header) bool {
		same := func(name string) bool { return strings.EqualFold(name, k.Name) }
		return slices.ContainsFunc(h.Remove, same)
	})
	had := len(headers)
	for _, set := range h.Set {
		at := slices.IndexFunc(headers[:had], func(k webhook.Header) bool { return strings.EqualFold(k.Name, set.Name) })
		if at >= 0 {
			headers[at] = set
			continue
		}
		headers = append(headers, set)
	}
	return append([]webhook.Header{}, headers...) // never nil, which would keep all
}
