package inbound

import (
	"net/netip"
	"strings"
	"time"
)

// Header is one field of a request.
type Header struct {
	Name, Value string
}

// Request is one HTTP request that came to a source.
type Request struct {
	Method string

	// URL is the source's public URL as it is configured, followed by the query as
	// it came. It never has the Host header in it: some providers sign the URL.
	URL string

	Headers       []Header // in the order in which they came
	Body          []byte   // the bytes as they came
	RemoteAddress netip.Addr
	ReceivedAt    time.Time // Verify judges the age of a signature as of this time
}

// header returns the value of a header and how often the request has it. Only
// the first value is returned.
func (r *Request) header(name string) (value string, count int) {
	for i := range r.Headers {
		if len(r.Headers[i].Name) == len(name) && strings.EqualFold(r.Headers[i].Name, name) {
			if count == 0 {
				value = r.Headers[i].Value
			}
			count++
		}
	}
	return value, count
}

// isForm reports whether the body is a URL-encoded form by its media type.
func (r *Request) isForm() bool {
	value, _ := r.header("Content-Type")
	media, _, _ := strings.Cut(value, ";")
	return strings.EqualFold(strings.TrimSpace(media), "application/x-www-form-urlencoded")
}

// sentence is an error to be shown to people as it is.
type sentence string

func (s sentence) Error() string { return string(s) }
