package webhook

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html/template"
	"net/url"
	"slices"
	"strings"
)

// minMasked is the length from which an echo is masked: a shorter value would
// tear holes into text that has nothing to do with it.
const minMasked = 4

// mask hides what a receiver echoes of the endpoint's header values and of its
// secrets, in the encodings in which an echo comes.
type mask struct{ hidden []string }

func newMask(m *Message) *mask {
	found := map[string]bool{}
	for _, header := range m.Headers {
		hideText(found, header.Value)
		// Of "Bearer x" and "Basic x" a receiver may well show x alone.
		if _, credentials, ok := strings.Cut(header.Value, " "); ok {
			hideText(found, credentials)
		}
	}
	for _, secret := range append(slices.Clone(m.Secrets), m.Legacy) {
		if !secret.IsZero() {
			hideSecret(found, secret)
		}
	}
	hidden := make([]string, 0, len(found))
	for text := range found {
		if len(text) >= minMasked {
			hidden = append(hidden, text)
		}
	}
	// The longest first, lest a part is masked and the rest of the whole stays.
	slices.SortFunc(hidden, func(a, b string) int { return len(b) - len(a) })
	return &mask{hidden}
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
	found[url.QueryEscape(text)] = true
	found[url.PathEscape(text)] = true
	found[template.HTMLEscapeString(text)] = true
	if quoted, err := json.Marshal(text); err == nil {
		inner := string(quoted[1 : len(quoted)-1])
		found[inner] = true
		found[strings.ReplaceAll(inner, "/", `\/`)] = true
	}
}

func (m *mask) text(text string) string {
	for _, hidden := range m.hidden {
		text = strings.ReplaceAll(text, hidden, masked)
	}
	return text
}

func (m *mask) bytes(text []byte) []byte {
	for _, hidden := range m.hidden {
		if len(hidden) <= len(text) && bytes.Contains(text, []byte(hidden)) {
			text = bytes.ReplaceAll(text, []byte(hidden), []byte(masked))
		}
	}
	return text
}
