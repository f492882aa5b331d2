package pipeline

import (
	"net/url"
	"slices"
	"strings"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/webhook"
)

// Masked stands for a value that isn't kept.
const Masked = "••••"

// credentials are headers that are never kept, whoever sends them.
var credentials = []string{"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"}

// headerWords are parts of the names of headers whose values aren't kept, unless the
// source's scheme or identity reads the header. notSecret are names that have one of
// them and are none.
var (
	headerWords = []string{"token", "secret", "password", "auth", "key"}
	notSecret   = []string{"idempotency-key", "x-idempotency-key", "sec-websocket-key", "authority"}
)

// hides reports whether the values of a header, by its name in lower case, are not kept.
func (s *OpenSource) hides(name string) bool {
	if slices.Contains(s.hidden, name) {
		return true
	}
	return hasWord(name, headerWords) && !slices.Contains(notSecret, name) && !slices.Contains(s.carriers, name)
}

// hasWord reports whether text in lower case contains one of some words.
func hasWord(text string, words []string) bool {
	return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(text, word) })
}

// maskHeaders returns a request's headers as they are kept: in order, with the
// values of credentials masked.
func maskHeaders(s *OpenSource, headers []inbound.Header) models.Headers {
	kept := make(models.Headers, len(headers))
	for i, h := range headers {
		kept[i] = webhook.Header{Name: plainText(h.Name), Value: plainText(h.Value)}
		if s.hides(strings.ToLower(h.Name)) {
			kept[i].Value = Masked
		}
	}
	return kept
}

// secretWords are parts of the names of query parameters whose values aren't kept.
var secretWords = []string{"token", "secret", "key", "password", "auth", "sig"}

// maskQuery masks the values of parameters that look like credentials. All else stays
// byte by byte. A semicolon separates too, as some servers read it.
func maskQuery(query string) string {
	var masked strings.Builder
	for query != "" {
		end := strings.IndexAny(query, "&;")
		if end < 0 {
			end = len(query)
		}
		part := query[:end]
		if name, _, found := strings.Cut(part, "="); found && namesSecret(name) {
			part = name + "=" + Masked
		}
		masked.WriteString(part)
		if end < len(query) {
			masked.WriteByte(query[end])
			end++
		}
		query = query[end:]
	}
	return masked.String()
}

// namesSecret reports whether a parameter's name speaks of a secret, however often it
// is percent-encoded. A name that can't be decoded may say anything.
func namesSecret(name string) bool {
	for range 4 {
		decoded, err := url.QueryUnescape(name)
		switch {
		case err != nil || hasWord(strings.ToLower(name), secretWords):
			return true
		case decoded == name:
			return false
		}
		name = decoded
	}
	return true
}

// keptRequest is a kept request as Verify and Apply take it. Masked values are
// what they are: what relied on them verifies no more.
func keptRequest(row *models.Request, url string) *inbound.Request {
	r := &inbound.Request{Method: row.Method, URL: url, Body: row.Body, ReceivedAt: row.ReceivedAt, Headers: make([]inbound.Header, len(row.Headers))}
	for i, h := range row.Headers {
		r.Headers[i] = inbound.Header{Name: h.Name, Value: h.Value}
	}
	return r
}
