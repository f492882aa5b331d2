package pipeline

import (
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

// maskHeaders returns a request's headers as they are kept: in order, with the
// values of credentials masked.
func maskHeaders(s *OpenSource, headers []inbound.Header) models.Headers {
	kept := make(models.Headers, len(headers))
	for i, h := range headers {
		kept[i] = webhook.Header{Name: plainText(h.Name), Value: plainText(h.Value)}
		if slices.Contains(s.hidden, strings.ToLower(h.Name)) {
			kept[i].Value = Masked
		}
	}
	return kept
}

// secretWords are parts of the names of query parameters whose values aren't kept.
var secretWords = []string{"token", "secret", "key", "password", "auth", "sig"}

// maskQuery masks the values of parameters that look like credentials.
func maskQuery(query string) string {
	if query == "" {
		return ""
	}
	parts := strings.Split(query, "&")
	for i, part := range parts {
		name, _, found := strings.Cut(part, "=")
		lower := strings.ToLower(name)
		if found && slices.ContainsFunc(secretWords, func(word string) bool { return strings.Contains(lower, word) }) {
			parts[i] = name + "=" + Masked
		}
	}
	return strings.Join(parts, "&")
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
