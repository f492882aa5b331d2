package webhook

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"iter"
	"maps"
	"math"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// minMasked is the length from which an echo is masked: a shorter value would
// tear holes into text that has nothing to do with it.
const minMasked = 4

// mask hides what a receiver echoes of the endpoint's header values and of its
// secrets, in the encodings in which an echo comes. Writing all of those out
// costs as much as half a send, so it waits for a text that is long enough to hold
// one, and is done once for an endpoint whose messages are prepared.
type mask struct {
	message  *Message
	shortest int      // of all that is hidden
	hidden   []string // nil until needed; the longest first
}

func newMask(m *Message) *mask {
	shortest := math.MaxInt
	for text := range headerValues(m) {
		shortest = min(shortest, max(len(text), minMasked))
	}
	for secret := range messageSecrets(m) {
		shortest = min(shortest, len(secret.held().key))
	}
	return &mask{message: m, shortest: shortest}
}

// headerValues returns the endpoint's own and, since of "Bearer x" and "Basic x" a
// receiver may well show x alone, their credentials.
func headerValues(m *Message) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, header := range m.Headers {
			_, credentials, ok := strings.Cut(header.Value, " ")
			if !yield(header.Value) || ok && !yield(credentials) {
				return
			}
		}
	}
}

func messageSecrets(m *Message) iter.Seq[Secret] {
	return func(yield func(Secret) bool) {
		for _, secret := range m.Secrets {
			if !secret.IsZero() && !yield(secret) {
				return
			}
		}
		if !m.Legacy.IsZero() && !slices.ContainsFunc(m.Secrets, m.Legacy.Equal) {
			yield(m.Legacy)
		}
	}
}

// within lists what is hidden, if a text of this length can hold any of it.
func (m *mask) within(length int) []string {
	if length < m.shortest || m.hidden != nil {
		return m.hidden
	}
	m.hidden = m.message.hiddenTexts()
	return m.hidden
}

// makeHidden writes out all that is masked, the longest first, lest a part is
// masked and the rest of the whole stays.
func (m *Message) makeHidden() []string {
	found := map[string]bool{}
	for text := range headerValues(m) {
		hideText(found, text)
		hideBytes(found, []byte(text))
		hideWithin(found, []byte(text))
	}
	for secret := range messageSecrets(m) {
		hideSecret(found, secret)
	}
	hidden := slices.DeleteFunc(slices.Collect(maps.Keys(found)), func(text string) bool { return len(text) < minMasked })
	slices.SortFunc(hidden, func(a, b string) int { return len(b) - len(a) })
	return hidden
}

func hideSecret(found map[string]bool, secret Secret) {
	for _, form := range []string{secret.Reveal(), secret.StandardForm()} {
		hideText(found, form)
		hideText(found, strings.TrimPrefix(form, secretPrefix))
		hideBytes(found, []byte(form))
	}
	key := secret.held().key
	hideBytes(found, key)
	found[string(key)] = true
}

func hideBytes(found map[string]bool, key []byte) {
	inHex := hex.EncodeToString(key)
	found[inHex] = true
	found[strings.ToUpper(inHex)] = true
	// Without padding, which also finds it with padding.
	found[base64.RawStdEncoding.EncodeToString(key)] = true
	found[base64.RawURLEncoding.EncodeToString(key)] = true
}

// minWithin is the length from which what is masked is found in the middle of
// base64: less of it would leave too few characters to know it by.
const minWithin = 8

// hideWithin adds what is sure of the base64 of a longer text around this one,
// such as all headers at once, wherever this one begins in it.
func hideWithin(found map[string]bool, inner []byte) {
	if len(inner) < minWithin {
		return
	}
	for before := range 3 {
		padded := append(make([]byte, before), inner...)
		from, to := (8*before+5)/6, 8*len(padded)/6 // the characters made of these bytes alone
		found[base64.RawStdEncoding.EncodeToString(padded)[from:to]] = true
		found[base64.RawURLEncoding.EncodeToString(padded)[from:to]] = true
	}
}

// hideText adds a text as it is and as JSON, a query or a page writes it.
func hideText(found map[string]bool, text string) {
	found[text] = true
	if !strings.ContainsFunc(text, escaped) {
		return
	}
	for _, escape := range []func(string) string{url.QueryEscape, url.PathEscape} {
		found[escape(text)] = true
		found[smallPercents(escape(text))] = true
	}
	page := html.EscapeString(text)
	found[page] = true
	found[namedQuotes.Replace(page)] = true
	for _, quoted := range jsonForms(text) {
		found[quoted] = true
		found[strings.ReplaceAll(quoted, "/", `\/`)] = true
	}
}

// namedQuotes writes quotes in a page as most languages but Go do.
var namedQuotes = strings.NewReplacer("&#34;", "&quot;", "&#39;", "&#x27;")

// smallPercents writes the hexadecimal digits of percent-encoding small.
func smallPercents(escaped string) string {
	parts := strings.Split(escaped, "%")
	for i, part := range parts[1:] {
		parts[i+1] = strings.ToLower(part[:2]) + part[2:]
	}
	return strings.Join(parts, "%")
}

// jsonForms are what a JSON string of the text has between its quotes: with
// <, > and & escaped, as Go does, and as they are, as all others do.
func jsonForms(text string) []string {
	var forms []string
	if quoted, err := json.Marshal(text); err == nil {
		forms = append(forms, string(quoted[1:len(quoted)-1]))
	}
	if quoted, err := jsontext.AppendQuote(nil, text); err == nil {
		forms = append(forms, string(quoted[1:len(quoted)-1]))
	}
	return forms
}

// escaped reports whether any encoding writes a character as something else.
func escaped(r rune) bool {
	return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && r != '-' && r != '_'
}

func (m *mask) text(text string) string {
	for _, hidden := range m.within(len(text)) {
		text = strings.ReplaceAll(text, hidden, masked)
	}
	return text
}

func (m *mask) bytes(text []byte) []byte {
	if len(m.within(len(text))) == 0 {
		return text
	}
	plain := string(text) // one copy, instead of one of each that is hidden
	if shown := m.text(plain); shown != plain {
		return []byte(shown)
	}
	return text
}
