package client

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Error is a refusal by the server: the problem (RFC 9457) in its response. Get
// it by errors.As, or compare [Code].
type Error struct {
	Method     string        `json:"-"`
	Path       string        `json:"-"` // below /api/v1
	Status     int           `json:"status"`
	Type       string        `json:"type"` // about:blank: see Code
	Title      string        `json:"title"`
	Code       string        `json:"code"`   // for programs; its meaning never changes. "" if the answer was none of Hookwell's
	Detail     string        `json:"detail"` // for people
	Fields     []FieldError  `json:"errors"` // what needs a change
	RequestID  string        `json:"requestId"`
	RetryAfter time.Duration `json:"-"` // when to come again; zero if the server did not say
}

// FieldError is an error in one field of the body, in a parameter of the query,
// or in Idempotency-Key. If the list was cut, the last one has no field and says
// how many more there are.
type FieldError struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// Error returns what was called, and the server's reason.
func (e *Error) Error() string {
	var text strings.Builder
	if e.Method != "" {
		fmt.Fprintf(&text, "%s %s: ", e.Method, e.Path)
	}
	fmt.Fprintf(&text, "%d %s", e.Status, cmp.Or(e.Code, e.Title))
	if e.Detail != "" {
		text.WriteString(": " + e.Detail)
	}
	for i, field := range e.Fields {
		text.WriteString([]string{" (", "; "}[min(i, 1)])
		if field.Field != "" {
			text.WriteString(field.Field + ": ")
		}
		text.WriteString(field.Message)
	}
	if len(e.Fields) > 0 {
		text.WriteString(")")
	}
	if e.RequestID != "" {
		text.WriteString(" [request " + e.RequestID + "]")
	}
	return text.String()
}

// Code returns the code of an *Error, such as "not_found", and "" for any other
// error.
func Code(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// maxText is how much is shown of an answer that is no problem.
const maxText = 200

// readError makes the error of an answer. One that is no problem, as proxies send
// them, keeps its first words.
func readError(r *call, response *http.Response, body []byte) *Error {
	e := &Error{}
	kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if kind != "application/problem+json" || json.Unmarshal(body, e) != nil {
		*e = Error{Detail: "The answer is none of Hookwell's"}
		switch location := response.Header.Get("Location"); {
		case location != "" && response.StatusCode < 400:
			e.Detail += ": it sends elsewhere. Give the client the server's own address"
		case strings.HasPrefix(kind, "text/plain"):
			if text := plain(body); text != "" {
				e.Detail += ": " + text
			}
		}
		e.Detail += "."
	}
	e.Method, e.Path, e.Status, e.RetryAfter = r.method, r.path, response.StatusCode, retryAfter(response.Header)
	e.Title = cmp.Or(e.Title, http.StatusText(e.Status))
	return e
}

// plain returns the beginning of a text on one line, without control characters.
func plain(body []byte) string {
	text := strings.Join(strings.FieldsFunc(strings.ToValidUTF8(string(body[:min(len(body), maxText)]), ""), func(c rune) bool { return c <= ' ' || c == 0x7f }), " ")
	if len(body) > maxText {
		text += "…"
	}
	return text
}

// retryAfter reads the header in either of its forms (RFC 9110, section 10.2.3).
func retryAfter(header http.Header) time.Duration {
	text := header.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil {
		const day = 24 * 60 * 60 // which is as good as never
		return time.Duration(min(max(seconds, 0), day)) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(time.Until(at), 0)
	}
	return 0
}

// networkError is a request that brought no whole answer: what became of it at the
// server nobody knows.
type networkError struct{ error }

func (e *networkError) Unwrap() error { return e.error }
