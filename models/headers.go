package models

import (
	"database/sql/driver"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"

	"hookwell/webhook"
)

// Headers are header fields in the order in which they were sent. They are stored
// in bytes: headersVersion, and then each name and each value, as a number of
// knownTexts where it is one of them, and otherwise as 0, its length and itself.
// Of each attempt there are two such lists, and as JSON they are most of its row.
type Headers []webhook.Header

// headersVersion begins a list.
const headersVersion = 1

// knownTexts are the names and values that most attempts have. Rows hold their
// places, so that they stay where they are: new ones are added at the end.
var knownTexts = [...]string{
	1: "content-type", "user-agent", "webhook-id", "webhook-timestamp", "webhook-signature", "x-webhook-event", "x-webhook-delivery-id",
	"x-webhook-timestamp", "x-webhook-signature", "x-webhook-retry", "x-webhook-test", "accept-encoding", "host", "content-length",
	"application/json", "gzip", "0", "1", "2", "3", "true", "Hookwell-Webhooks/1.0",
	"Content-Type", "Content-Length", "Date", "Server", "Connection", "Cache-Control", "Vary", "Location", "Retry-After", "Set-Cookie", "X-Request-Id",
	"Transfer-Encoding", "Content-Encoding", "Strict-Transport-Security", "X-Content-Type-Options", "X-Powered-By", "Etag", "Keep-Alive", "Via", "Alt-Svc",
	"date", "server", "connection", "cache-control", "vary", "location", "retry-after", "set-cookie", "x-request-id",
	"transfer-encoding", "content-encoding", "strict-transport-security", "x-content-type-options", "x-powered-by", "etag", "keep-alive", "via", "alt-svc",
	"application/json; charset=utf-8", "text/plain; charset=utf-8", "text/html; charset=utf-8", "text/plain", "text/html", "text/html; charset=UTF-8",
	"close", "keep-alive, Upgrade", "nginx", "cloudflare", "no-store", "no-cache", "nosniff", "Accept-Encoding", "chunked", "Express", "timeout=5", "4", "5", "6", "13", "15", "16", "17",
}

// placeOf is the place of each known text.
var placeOf = func() map[string]byte {
	places := make(map[string]byte, len(knownTexts))
	for i, text := range knownTexts {
		if i > 0 {
			places[text] = byte(i)
		}
	}
	return places
}()

// Value writes the column; nil is an empty list. What is no UTF-8 is replaced, so
// that it can be shown.
func (h Headers) Value() (driver.Value, error) {
	size := 1
	for i := range h {
		size += len(h[i].Name) + len(h[i].Value) + 2*(1+binary.MaxVarintLen16)
	}
	b := append(make([]byte, 0, size), headersVersion)
	for i := range h {
		b = appendText(appendText(b, h[i].Name), h[i].Value)
	}
	return b, nil
}

func appendText(b []byte, text string) []byte {
	if place, ok := placeOf[text]; ok {
		return append(b, place)
	}
	text = strings.ToValidUTF8(text, "\uFFFD")
	return append(binary.AppendUvarint(append(b, 0), uint64(len(text))), text...)
}

// Scan reads the column. It fails where that is not what Value writes.
func (h *Headers) Scan(column any) error {
	stored, ok := column.([]byte)
	if ok && len(stored) > 0 && stored[0] == '[' { // as they were stored before
		return json.Unmarshal(stored, (*[]webhook.Header)(h))
	}
	if !ok || len(stored) == 0 || stored[0] != headersVersion {
		return fmt.Errorf("headers are stored as %d bytes of %T, not in a form that is known", len(stored), column)
	}
	list := Headers{}
	for rest := stored[1:]; len(rest) > 0; {
		var field webhook.Header
		for _, into := range []*string{&field.Name, &field.Value} {
			text, n := readText(rest)
			if n == 0 {
				return fmt.Errorf("headers are cut off after %d of %d bytes", len(stored)-len(rest), len(stored))
			}
			*into, rest = text, rest[n:]
		}
		list = append(list, field)
	}
	*h = list
	return nil
}

// readText returns the text that bytes begin with, and how many it takes; 0 is where
// there is none.
func readText(b []byte) (text string, n int) {
	if len(b) == 0 {
		return "", 0
	}
	if place := int(b[0]); place > 0 {
		if place >= len(knownTexts) {
			return "", 0
		}
		return knownTexts[place], 1
	}
	length, taken := binary.Uvarint(b[1:])
	from := 1 + taken
	if taken <= 0 || length > uint64(len(b)-from) {
		return "", 0
	}
	return string(b[from : from+int(length)]), from + int(length)
}
