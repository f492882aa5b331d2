package webhook

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Timings are the durations of the parts of an exchange. A part is zero if the
// exchange didn't get that far or if a kept connection made it unnecessary.
type Timings struct {
	DNS       time.Duration
	Connect   time.Duration
	TLS       time.Duration
	FirstByte time.Duration // from having a connection to the first byte of the answer
}

// Exchange is the result of one attempt. It never contains a secret, a value of
// the endpoint's own headers, or the address of a blocked host.
type Exchange struct {
	StartedAt       time.Time
	Duration        time.Duration // to the end of the body
	StatusCode      int           // 0 when no response came
	Cause           Cause         // "" for success
	Error           string        // the cause as a sentence for people; "" for success
	Note            string        // what was wrong with the body, whatever the status
	Requests        int           // begun: 0 without a connection, 2 if the first one's was gone before a byte was written
	RemoteAddress   string        // address and port; "" when no connection was made
	TLSVersion      string        // "TLS 1.3"; "" without TLS
	Timings         Timings
	RequestHeaders  []Header      // as sent, or as they would have been when nothing was
	ResponseHeaders []Header      // sorted by name
	ResponseBody    []byte        // decompressed, at most 16 KiB; text as UTF-8, and otherwise any bytes
	Truncated       bool          // the body had more than ResponseBody holds
	RetryAfter      time.Duration // what a 429 or 5xx asked to wait, at most 24 h
}

// response is what came back, by whichever protocol.
type response struct {
	status  int
	headers []Header // names in canonical form
	body    io.Reader
}

// take records a response, and reads its body.
func (e *Exchange) take(ctx context.Context, a *attempt, r *response) {
	a.report(e)
	mask := newMask(a.message)
	e.takeResponse(r, a.now(), mask)
	e.takeBody(ctx, r, mask)
}

// takeResponse fills in what a response's status line and headers say.
func (e *Exchange) takeResponse(r *response, now time.Time, mask *mask) {
	e.StatusCode = r.status
	e.Cause, e.Error = statusFailure(r.status)
	e.ResponseHeaders = recordedHeaders(r.headers, mask)
	if r.status == http.StatusTooManyRequests || r.status >= 500 {
		e.RetryAfter, _ = ParseRetryAfter(get(r.headers, "Retry-After"), now)
	}
}

func statusFailure(code int) (Cause, string) {
	cause := CauseStatus
	switch code {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		cause = CauseRedirect
	}
	if code >= 200 && code <= 299 {
		return "", ""
	}
	what, _ := cause.Advice(code)
	return cause, what
}

// recordedHeaders is what the log keeps: text that any database and page takes.
func recordedHeaders(came []Header, mask *mask) []Header {
	if len(came) == 0 {
		return nil
	}
	headers := make([]Header, len(came))
	for i, h := range came {
		headers[i] = Header{mask.name(clean(h.Name)), mask.text(clean(h.Value))}
	}
	slices.SortStableFunc(headers, func(a, b Header) int { return strings.Compare(a.Name, b.Name) })
	return headers
}

func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\t' {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
