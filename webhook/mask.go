package webhook

import (
	"cmp"
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
// receiver may well show x alone, their credentials, and what those of Basic say.
func headerValues(m *Message) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, header := range m.Headers {
			scheme, credentials, ok := strings.Cut(header.Value, " ")
			if !yield(header.Value) || ok && !yield(credentials) {
				return
			}
			if !strings.EqualFold(scheme, "Basic") {
				continue
			}
			for _, text := range basicTexts(credentials) {
				if !yield(text) {
					return
				}
			}
		}
	}
}

// basicTexts are the user and password of Basic credentials (RFC 7617), and the
// password alone. Of an empty password it is the user: many services take a key so.
func basicTexts(credentials string) []string {
	decoded, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.TrimSpace(credentials), "="))
	if err != nil {
		return nil
	}
	user, password, _ := strings.Cut(string(decoded), ":")
	return slices.DeleteFunc([]string{string(decoded), cmp.Or(password, user)}, func(text string) bool { return len(text) < minMasked })
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

// name is text for the name of a header, whose capitals are not as they were
// sent: HTTP/2 has none, and we set our own. It is ASCII.
func (m *mask) name(name string) string {
	for _, hidden := range m.within(len(name)) {
		if len(hidden) > len(name) {
			continue // nearly all are
		}
		hidden = strings.ToLower(hidden)
		for at := strings.Index(strings.ToLower(name), hidden); at >= 0; at = strings.Index(strings.ToLower(name), hidden) {
			name = name[:at] + masked + name[at+len(hidden):]
		}
	}
	return name
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

// cutBytes is bytes for a text that was cut somewhere. If it ends with the
// beginning of what is hidden, that is masked too: the rest is added, so that the
// longest is masked first here as well.
func (m *mask) cutBytes(text []byte) []byte {
	most, rest := minMasked-1, ""
	for _, hidden := range m.within(max(len(text), m.shortest)) {
		if n := beginning(text, hidden); n > most {
			most, rest = n, hidden[n:]
		}
	}
	if rest == "" {
		return m.bytes(text)
	}
	if whole := m.text(string(text) + rest); strings.HasSuffix(whole, masked) {
		return []byte(whole)
	}
	// Another text overlapped it, and a part of the rest stayed.
	return []byte(m.text(string(text[:len(text)-most])) + masked)
}

// beginning returns how many bytes of hidden, from its first one, the text ends
// with. It takes linear time (Knuth, Morris and Pratt), since receivers and the
// endpoint's headers may be made to fit.
func beginning(text []byte, hidden string) int {
	shorter := make([]int, len(hidden)+1) // by a length, the next one that ends the same
	for i, n := 1, 0; i < len(hidden); i++ {
		for n > 0 && hidden[n] != hidden[i] {
			n = shorter[n]
		}
		if hidden[n] == hidden[i] {
			n++
		}
		shorter[i+1] = n
	}
	n := 0
	for _, b := range text[max(len(text)-len(hidden), 0):] {
		for n > 0 && (n == len(hidden) || hidden[n] != b) {
			n = shorter[n]
		}
		if hidden[n] == b {
			n++
		}
	}
	return n
}
