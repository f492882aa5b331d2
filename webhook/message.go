package webhook

import (
	"fmt"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
)

// Header is one header field. Name keeps its spelling.
type Header struct{ Name, Value string }

// Message is one attempt to send: everything that Send needs to know about the
// delivery and its endpoint.
type Message struct {
	EventID    string
	EventType  string
	DeliveryID string
	URL        string
	Body       []byte          // Envelope.Bytes, the same in every attempt
	Secrets    []Secret        // all in force, newest first; each signs webhook-signature
	Legacy     Secret          // signs x-webhook-signature
	Format     SignatureFormat // of x-webhook-signature
	Headers    []Header        // the endpoint's own; what CheckHeader refuses is not sent
	Number     int             // of the attempt, from 1
	Test       bool
	Timeout    time.Duration // of the whole exchange; 15 s when it is 0
	MediaType  string        // of the body; JSON when it is empty
	Along      []Header      // Hookwell's own headers that belong to this event alone
	// Provider are the headers by which a provider signed Body. With any of them the
	// message has none of Hookwell's signatures.
	Provider []Header
	// Unsigned leaves out every signature: nobody has shown where Body comes from.
	Unsigned bool

	// Nil without Prepare. Behind a function for the reason that a Secret is.
	prepared func() *prepared
}

const (
	userAgent       = "Hookwell-Webhooks/1.0"
	maxHeaderName   = 128
	maxHeaderValue  = 1 << 10
	masked          = "••••"
	standardHeaders = "Webhook-" // the name space of Standard Webhooks
)

// reserved are the header names, in canonical form, that are Hookwell's or
// HTTP's own. The idempotency keys are among them because net/http repeats a
// request that carries one by itself, which would be an attempt on no record.
var reserved = map[string]bool{
	"Accept-Encoding": true, "Connection": true, "Content-Encoding": true, "Content-Length": true,
	"Content-Type": true, "Cookie": true, "Cookie2": true, "Expect": true, "Host": true,
	"Http2-Settings": true, "Idempotency-Key": true, "Keep-Alive": true, "Proxy-Authenticate": true,
	"Proxy-Authorization": true, "Proxy-Connection": true, "Te": true, "Trailer": true,
	"Transfer-Encoding": true, "Upgrade": true, "User-Agent": true, "X-Idempotency-Key": true,
	"X-Webhook-Delivery-Id": true, "X-Webhook-Event": true, "X-Webhook-Hop": true, "X-Webhook-Occurred-At": true,
	"X-Webhook-Organization": true, "X-Webhook-Retry": true,
	"X-Webhook-Signature": true, "X-Webhook-Test": true, "X-Webhook-Timestamp": true,
}

// reservedHeader reports whether a name, in any case, is one that an endpoint's
// own header cannot have: those that Hookwell sends itself, Host,
// Content-Length, Cookie and what concerns the connection alone (RFC 9110,
// section 7.6.1).
func reservedHeader(name string) bool {
	name = textproto.CanonicalMIMEHeaderKey(name)
	return reserved[name] || strings.HasPrefix(name, standardHeaders)
}

// CheckHeader returns an error if an endpoint may not have this header of its
// own. The error is a sentence for people and never contains the value.
func CheckHeader(name, value string) error {
	switch {
	case name == "":
		return sentence("A header has no name.")
	case len(name) > maxHeaderName || !httpguts.ValidHeaderFieldName(name):
		return sentence(fmt.Sprintf("%s is no header name. Use letters, digits and hyphens.", printable(name)))
	case reservedHeader(name):
		return sentence(fmt.Sprintf("%s cannot be set: Hookwell or HTTP itself uses it.", name))
	case value == "":
		return sentence(fmt.Sprintf("%s has no value.", name))
	case len(value) > maxHeaderValue:
		return sentence(fmt.Sprintf("The value of %s has more than %d bytes.", name, maxHeaderValue))
	case !httpguts.ValidHeaderFieldValue(value):
		return sentence(fmt.Sprintf("The value of %s has a line break or another control character.", name))
	case strings.TrimSpace(value) != value:
		return sentence(fmt.Sprintf("The value of %s begins or ends with a space.", name))
	}
	return nil
}

// ownHeaders returns the endpoint's headers that may be sent. They were checked
// when they were saved; checked here again, nothing in the database can replace
// a signature. Nor can they stand beside a provider's header of the same name.
func (m *Message) ownHeaders(sent []Header) []Header {
	return slices.DeleteFunc(slices.Clone(m.Headers), func(h Header) bool {
		return CheckHeader(h.Name, h.Value) != nil || len(m.Provider) > 0 && named(sent, h.Name)
	})
}

// signedHeaders are Hookwell's own, in the order in which people read them, and a
// provider's in place of Hookwell's signatures.
func (m *Message) signedHeaders(at time.Time) []Header {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	headers := make([]Header, 0, 14+len(m.Headers)) // with room for those that are recorded behind them
	mediaType := "application/json"
	if m.MediaType != "" {
		mediaType = m.MediaType
	}
	headers = append(headers, Header{"content-type", mediaType}, Header{"user-agent", userAgent})
	provider := m.providerHeaders()
	signs := !m.Unsigned && len(provider) == 0
	if len(provider) == 0 {
		headers = append(headers, Header{"webhook-id", m.EventID}, Header{"webhook-timestamp", timestamp})
	}
	if signs {
		headers = append(headers, Header{"webhook-signature", m.signatures(at)})
	}
	headers = append(headers, Header{"x-webhook-event", m.EventType}, Header{"x-webhook-delivery-id", m.DeliveryID})
	if len(provider) == 0 {
		headers = append(headers, Header{"x-webhook-timestamp", timestamp})
	}
	if signs {
		headers = append(headers, Header{"x-webhook-signature", m.Format.Sign(m.Legacy, at, m.Body)})
	}
	headers = append(headers, Header{"x-webhook-retry", strconv.Itoa(max(m.Number-1, 0))})
	if m.Test {
		headers = append(headers, Header{"x-webhook-test", "true"})
	}
	return append(append(headers, provider...), m.Along...)
}

// signatures is the value of webhook-signature.
func (m *Message) signatures(at time.Time) string {
	signatures := make([]string, len(m.Secrets))
	for i, secret := range m.Secrets {
		signatures[i] = secret.Sign(m.EventID, at, m.Body)
	}
	return strings.Join(signatures, " ")
}

// setHeaders puts everything into a request over HTTP/2 and returns it as the log
// shows it.
func (m *Message) setHeaders(request *http.Request, at time.Time) []Header {
	signed := m.signedHeaders(at)
	own := m.ownHeaders(signed)
	for _, headers := range [][]Header{signed, own, {{"accept-encoding", "gzip"}}} {
		for _, h := range headers {
			setHeader(request.Header, h)
		}
	}
	return m.recorded(signed, own, request.Host)
}

// setHeader keeps the name as it is written, but for User-Agent: net/http looks
// for that one in its canonical form and else adds its own.
func setHeader(to http.Header, h Header) {
	if h.Name == "user-agent" {
		to.Set(h.Name, h.Value)
		return
	}
	to[h.Name] = []string{h.Value}
}

// appendHead appends the head of a request by HTTP/1.1, and returns its headers
// as the log shows them too.
func (m *Message) appendHead(out []byte, to *target, at time.Time) ([]byte, []Header) {
	signed := m.signedHeaders(at)
	own := m.ownHeaders(signed)
	out = append(append(append(out, "POST "...), to.path...), " HTTP/1.1\r\n"...)
	out = appendHeader(out, Header{"Host", to.url.Host})
	for _, h := range signed {
		out = appendHeader(out, h)
	}
	for _, h := range own {
		out = appendHeader(out, h)
	}
	out = append(out, "accept-encoding: gzip\r\ncontent-length: "...)
	out = append(strconv.AppendInt(out, int64(len(m.Body)), 10), "\r\n\r\n"...)
	return out, m.recorded(signed, own, to.url.Host)
}

// appendHeader writes a space for what would end the line or the header: nothing
// that reaches this far has it, and nothing is to depend on that.
func appendHeader(out []byte, h Header) []byte {
	out = append(append(out, h.Name...), ": "...)
	from := len(out)
	out = append(out, h.Value...)
	for i, b := range out[from:] {
		if b < ' ' && b != '\t' || b == 0x7f {
			out[from+i] = ' '
		}
	}
	return append(out, "\r\n"...)
}

// recorded returns all headers of a request as the log shows them: the endpoint's own
// values masked, and with what concerns the connection.
func (m *Message) recorded(signed, own []Header, host string) []Header {
	for _, h := range own {
		signed = append(signed, Header{h.Name, masked})
	}
	return append(signed, Header{"accept-encoding", "gzip"}, Header{"host", host}, Header{"content-length", strconv.Itoa(len(m.Body))})
}
