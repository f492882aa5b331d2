package webhook

import (
	"fmt"
	"net/textproto"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// SourceSignature says whose signature goes along with what a source received. Its
// text is the API's value.
type SourceSignature string

// The choices of SourceSignature.
const (
	SignedByHookwell SourceSignature = "hookwell" // the default
	SignedByProvider SourceSignature = "provider"
)

// SourceSignatures lists the choices, the default first.
func SourceSignatures() []SourceSignature {
	return []SourceSignature{SignedByHookwell, SignedByProvider}
}

// ParseSourceSignature parses the API's value; "" is the default. Its error is a
// sentence that lists the values.
func ParseSourceSignature(text string) (SourceSignature, error) {
	switch choice := SourceSignature(text); {
	case text == "":
		return SignedByHookwell, nil
	case slices.Contains(SourceSignatures(), choice):
		return choice, nil
	}
	return "", sentence(fmt.Sprintf("The signature of what sources receive is %s or %s.", SignedByHookwell, SignedByProvider))
}

// Title returns the choice in words for people.
func (s SourceSignature) Title() string {
	if s == SignedByProvider {
		return "the provider’s own"
	}
	return "Hookwell’s"
}

// withheld are the header names, in canonical form, that a provider's request can't
// hand on besides the names of credentials and of the connection in reserved:
// Hookwell writes them itself.
var withheld = []string{"Authorization", "Www-Authenticate", "Set-Cookie", "X-Webhook-Hop", "X-Webhook-Organization", "X-Webhook-Occurred-At",
	"X-Webhook-Event", "X-Webhook-Delivery-Id", "X-Webhook-Retry", "X-Webhook-Test"}

// mayPassOn reports whether a provider's header may go along with its body: its
// value can stand in a header, and it is none of HTTP's or Hookwell's own, nor a
// credential. The names of signatures may, Hookwell's too: providers use
// webhook-signature as well.
func mayPassOn(h Header) bool {
	name := textproto.CanonicalMIMEHeaderKey(h.Name)
	signature := strings.HasPrefix(name, standardHeaders) || name == "X-Webhook-Signature" || name == "X-Webhook-Timestamp"
	return (signature || !reserved[name]) && !slices.Contains(withheld, name) &&
		httpguts.ValidHeaderFieldName(h.Name) && httpguts.ValidHeaderFieldValue(h.Value)
}

// providerHeaders returns those of the provider's headers that are sent, each name
// once: the first counts.
func (m *Message) providerHeaders() []Header {
	var sent []Header
	for _, h := range m.Provider {
		if mayPassOn(h) && !named(sent, h.Name) {
			sent = append(sent, h)
		}
	}
	return sent
}

// named reports whether there is a header of this name, in any case.
func named(headers []Header, name string) bool {
	return slices.ContainsFunc(headers, func(h Header) bool { return strings.EqualFold(h.Name, name) })
}
