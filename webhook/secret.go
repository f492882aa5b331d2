package webhook

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	secretPrefix   = "whsec_"
	newSecretBytes = 32
	hiddenSecret   = "[secret]"
)

// The lengths that Standard Webhooks 1.0.0 asks of a key, in bytes, and those
// that an imported text may have, in characters.
const (
	minSecretBytes, maxSecretBytes = 24, 64
	MinSecretText, MaxSecretText   = 16, 256
)

// Secret is the key of an endpoint's signatures. Printing, logging or marshalling
// it shows nothing; only Reveal returns its text.
type Secret struct {
	// Behind a function, because fmt prints what another struct holds in an
	// unexported field without asking its methods, and for some verbs follows
	// pointers too.
	held func() secretMaterial
}

type secretMaterial struct {
	text string // as shown to people, and the key of x-webhook-signature
	key  []byte // of webhook-signature
}

func secretOf(text string, key []byte) Secret {
	material := secretMaterial{text, key}
	return Secret{func() secretMaterial { return material }}
}

// NewSecret returns a secret of 32 random bytes.
func NewSecret() Secret {
	key := make([]byte, newSecretBytes)
	rand.Read(key) // never fails since Go 1.24
	return secretOf(secretPrefix+base64.StdEncoding.EncodeToString(key), key)
}

// ParseSecret parses an existing secret: "whsec_" and the base64 of 24 to 64
// bytes, or any other text of 16 to 256 characters, whose bytes are then the key
// of every scheme. Its errors are sentences for people and never contain the
// text.
func ParseSecret(text string) (Secret, error) {
	if encoded, ok := strings.CutPrefix(text, secretPrefix); ok {
		key, err := base64.StdEncoding.Strict().DecodeString(encoded)
		if err != nil || len(key) < minSecretBytes || len(key) > maxSecretBytes || strings.ContainsAny(encoded, "\r\n") {
			return Secret{}, sentence(fmt.Sprintf("A secret that begins with whsec_ goes on with the base64 of %d to %d bytes.", minSecretBytes, maxSecretBytes))
		}
		return secretOf(text, key), nil
	}
	switch n := utf8.RuneCountInString(text); {
	case n < MinSecretText || n > MaxSecretText:
		return Secret{}, sentence(fmt.Sprintf("A secret has %d to %d characters.", MinSecretText, MaxSecretText))
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl):
		return Secret{}, sentence("A secret has no line breaks or other control characters.")
	case strings.TrimSpace(text) != text:
		return Secret{}, sentence("A secret neither begins nor ends with a space.")
	}
	return secretOf(text, []byte(text)), nil
}

// Reveal returns the secret's text as people see it; "" for the zero Secret.
func (s Secret) Reveal() string {
	if s.held == nil {
		return ""
	}
	return s.held().text
}

// StandardForm returns the text that the Standard Webhooks libraries accept:
// "whsec_" and the base64 of the key. Only for imported texts does it differ from
// Reveal.
func (s Secret) StandardForm() string {
	if s.held == nil {
		return ""
	}
	return secretPrefix + base64.StdEncoding.EncodeToString(s.held().key)
}

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.held == nil }

// Equal compares two secrets in constant time.
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(other.Reveal())) == 1
}

// String hides the secret.
func (s Secret) String() string { return hiddenSecret }

// GoString hides the secret from %#v.
func (s Secret) GoString() string { return hiddenSecret }

// Format hides the secret from every other verb of fmt.
func (s Secret) Format(to fmt.State, _ rune) { io.WriteString(to, hiddenSecret) }

// LogValue hides the secret from logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(hiddenSecret) }

// MarshalJSON hides the secret from JSON.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + hiddenSecret + `"`), nil }

// MarshalText hides the secret from every other encoding that asks for text.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hiddenSecret), nil }
