package webhook

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html/template"
	"iter"
	"maps"
	"math"
	"net/url"
	"slices"
	"strings"
)

// minMasked is the length from which an echo is masked: a shorter value would
// tear holes into text that has nothing to do with it.
const minMasked = 4

// mask hides what a receiver echoes of the endpoint's header values and of its
// secrets, in the encodings in which an echo comes. Writing all of those out
// costs a third of a send, so it waits for a text that is long enough to hold one.
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

// headerValues are the endpoint's own and, since of "Bearer x" and "Basic x" a
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
	found := map[string]bool{}
	for text := range headerValues(m.message) {
		hideText(found, text)
	}
	for secret := range messageSecrets(m.message) {
		hideSecret(found, secret)
	}
	m.hidden = slices.DeleteFunc(slices.Collect(maps.Keys(found)), func(text string) bool { return len(text) < minMasked })
	// The longest first, lest a part is masked and the rest of the whole stays.
	slices.SortFunc(m.hidden, func(a, b string) int { return len(b) - len(a) })
	return m.hidden
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

// hideText adds a text as it is and as JSON, a query or a page writes it.
func hideText(found map[string]bool, text string) {
	found[text] = true
	if !strings.ContainsFunc(text, escaped) {
		return
	}
	found[url.QueryEscape(text)] = true
	found[url.PathEscape(text)] = true
	found[template.HTMLEscapeString(text)] = true
	if quoted, err := json.Marshal(text); err == nil {
		inner := string(quoted[1 : len(quoted)-1])
		found[inner] = true
		found[strings.ReplaceAll(inner, "/", `\/`)] = true
	}
}

// escaped tells whether any encoding writes a character as something else.
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
	for _, hidden := range m.within(len(text)) {
		if len(hidden) <= len(text) && bytes.Contains(text, []byte(hidden)) {
			text = bytes.ReplaceAll(text, []byte(hidden), []byte(masked))
		}
	}
	return text
}
