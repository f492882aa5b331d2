package views

import (
	"encoding/hex"
	"mime"
	"slices"
	"strings"
	"unicode/utf8"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/views/ui"
	"hookwell/webhook"
)

// BodyForm is how a request's body is shown.
type BodyForm string

// The forms of a body.
const (
	BodyPretty BodyForm = ""
	BodyRaw    BodyForm = "raw"
	BodyHex    BodyForm = "hex"
)

// BodyForms lists every form in the order in which the page offers them.
func BodyForms() []BodyForm { return []BodyForm{BodyPretty, BodyRaw, BodyHex} }

func (f BodyForm) word() string {
	switch f {
	case BodyRaw:
		return "Raw"
	case BodyHex:
		return "Bytes"
	}
	return "Pretty"
}

// shownBody prepares the body in the form that was chosen: text to maxShown, bytes to
// maxHex. Only a text that is shown whole can be copied; raw is empty for the others.
func (v RequestView) shownBody() body {
	content := v.Request.Body
	var b body
	switch text := utf8.Valid(content); {
	case len(content) == 0:
	case v.Form == BodyHex, !text:
		b.lines, b.note = hexLines(content), firstOf(content, maxHex)
		if v.Form != BodyHex {
			b.note = strings.TrimSpace("Not UTF-8, shown as bytes. " + b.note)
		}
	case v.Form == BodyRaw, len(content) > maxShown:
		b.lines, b.note = strings.Split(visible(cutText(content, maxShown)), "\n"), firstOf(content, maxShown)
	default:
		b = showBody(content, false)
	}
	if b.size = len(content); utf8.Valid(content) && b.size <= maxShown {
		b.raw = string(content)
	}
	if v.Request.Cut() && v.Request.BodyDroppedAt == nil {
		b.note = strings.TrimSpace(b.note + " " + cutWords(v.Request))
	}
	return b
}

// cutWords says how much came of a body of which not all is kept.
func cutWords(r *models.Request) string {
	kept := "the first " + ui.FormatSize(len(r.Body)) + " are kept."
	if len(r.Body) == 0 {
		kept = "nothing of it is kept."
	}
	exact := func(n int) string { return ui.FormatCount(n) + " bytes" }
	announced := slices.ContainsFunc(r.Headers, func(h webhook.Header) bool { return strings.EqualFold(h.Name, "Content-Length") })
	switch {
	case r.Cause == inbound.CauseTooLarge && announced:
		return exact(r.BodyBytes) + " were announced, more than the source took, and " + kept
	case r.Cause == inbound.CauseTooLarge:
		return "More than " + exact(r.BodyBytes-1) + " came, which is the source’s limit, and " + kept
	}
	return exact(r.BodyBytes) + " came, and " + kept
}

// bodySize says how long the body is, as far as it was received.
func bodySize(r *models.Request) string {
	if r.Cut() {
		return ui.FormatSize(len(r.Body)) + ", the beginning"
	}
	return ui.FormatSize(r.BodyBytes) + ", as received"
}

// maxShown bounds how much of a text a page shows.
const maxShown = 256 << 10

// firstOf says that less than all is shown; it is empty if all is.
func firstOf(content []byte, limit int) string {
	if len(content) <= limit {
		return ""
	}
	return "The first " + ui.FormatSize(limit) + ". Download it to see all."
}

// cutText returns a text's beginning up to a length, without half a character.
func cutText(content []byte, limit int) string {
	if len(content) <= limit {
		return string(content)
	}
	for limit > 0 && !utf8.RuneStart(content[limit]) {
		limit--
	}
	return string(content[:limit])
}

// maxHex bounds how many bytes a page shows one by one.
const maxHex = 16 << 10

// hexLines shows bytes 16 to a line: place, bytes, text.
func hexLines(content []byte) []string {
	return strings.Split(strings.TrimSuffix(hex.Dump(content[:min(len(content), maxHex)]), "\n"), "\n")
}

// maskedValue stands for a header's value that isn't kept.
const maskedValue = "••••"

// headText returns headers as a text to copy. What isn't kept says so.
func headText(headers []webhook.Header) string {
	var text strings.Builder
	for _, h := range headers {
		value := h.Value
		if value == maskedValue {
			value = "(hidden)"
		}
		text.WriteString(h.Name + ": " + value + "\n")
	}
	return text.String()
}

// BodyFile names the file that a request's body is saved as: its id, and an extension
// by its media type.
func BodyFile(r *models.Request) string {
	name := r.ID
	if r.Cut() {
		name += "-beginning"
	}
	at := slices.IndexFunc(r.Headers, func(h webhook.Header) bool { return strings.EqualFold(h.Name, "content-type") })
	if at < 0 {
		return name + ".bin"
	}
	switch kind, _, _ := mime.ParseMediaType(r.Headers[at].Value); {
	case kind == "application/json", strings.HasSuffix(kind, "+json"):
		return name + ".json"
	case kind == "application/xml", kind == "text/xml", strings.HasSuffix(kind, "+xml"):
		return name + ".xml"
	case strings.HasPrefix(kind, "text/"), kind == "application/x-www-form-urlencoded":
		return name + ".txt"
	}
	return name + ".bin"
}
