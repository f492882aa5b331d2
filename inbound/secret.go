package inbound

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"
)

const hiddenSecret = "[secret]"

// Secret is what a source checks signatures with. Printing, logging or marshalling
// it shows nothing; only Reveal returns its text. Verifier.ParseSecret makes one
// for its own scheme; keep it as long as the source is in memory.
type Secret struct{ held func() *secretMaterial }

// secretMaterial is a secret as its scheme uses it.
type secretMaterial struct {
	text    string
	key     []byte // of an HMAC, or the token or password to compare
	macs    sync.Pool
	ed25519 ed25519.PublicKey
	ecdsa   *ecdsa.PublicKey
}

// mac is an HMAC with its scratch memory, kept for the next request.
type mac struct {
	hash hash.Hash
	text []byte
	sum  []byte
	got  [maxSignatureBytes]byte
}

func (s Secret) material() *secretMaterial {
	if s.held == nil {
		return nil
	}
	return s.held()
}

// Reveal returns the secret's text as it is saved; "" for the zero Secret.
func (s Secret) Reveal() string {
	if s.held == nil {
		return ""
	}
	return s.held().text
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

// secretForm says what a provider's secrets look like.
type secretForm struct {
	Pattern  string           `json:"pattern"`  // a regular expression of the whole text; "" for any
	Form     string           `json:"form"`     // a sentence about the pattern, for people
	Least    int              `json:"least"`    // characters; 0 for the default
	Mistaken []mistakenSecret `json:"mistaken"` // what people paste in its place
	Public   []string         `json:"public"`   // texts that the provider published, which everybody knows

	pattern *regexp.Regexp
}

// mistakenSecret is something else that looks like a secret.
type mistakenSecret struct {
	Prefix  string `json:"prefix"`
	Message string `json:"message"`
}

// Limits of a secret's text, in characters.
const (
	leastSecretText = 8
	MaxSecretText   = 1000
	leastKeyBytes   = 8
)

// check returns what is wrong with a trimmed secret's text.
func (f *secretForm) check(text string) error {
	least := f.Least
	if least == 0 {
		least = leastSecretText
	}
	if text == "" {
		return sentence("The secret is empty. Without one anybody could send requests here.")
	}
	for _, mistaken := range f.Mistaken {
		if strings.HasPrefix(text, mistaken.Prefix) {
			return sentence(mistaken.Message)
		}
	}
	if n := utf8.RuneCountInString(text); n < least || n > MaxSecretText {
		return sentence(fmt.Sprintf("The secret has %d to %d characters.", least, MaxSecretText))
	}
	if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return sentence("The secret has no line breaks or other control characters.")
	}
	for _, public := range f.Public {
		if text == public {
			return sentence("This secret is printed in the provider's documentation, so everybody knows it. Use your own.")
		}
	}
	if f.pattern != nil && !f.pattern.MatchString(text) {
		return sentence(f.Form)
	}
	return nil
}

// newSecret makes a secret's keys. Its error is a sentence for people.
func newSecret(text string, scheme Scheme) (Secret, error) {
	material := &secretMaterial{text: text}
	var err error
	switch {
	case scheme.isPublic():
		err = material.parsePublic(scheme)
	case scheme.Algorithm == algorithmBasic:
		user, password, ok := strings.Cut(text, ":")
		if !ok || user == "" || len(password) < leastSecretText {
			err = sentence(fmt.Sprintf("The secret is a user name, a colon and a password of at least %d characters, such as hookwell:correct-horse.", leastSecretText))
		}
		material.key = []byte(text)
	default:
		material.key, err = keyBytes(text, scheme.Key)
	}
	if err != nil {
		return Secret{}, err
	}
	if newHash := hashOf(scheme.Algorithm); newHash != nil {
		material.macs.New = func() any { return &mac{hash: hmac.New(newHash, material.key)} }
	}
	return Secret{func() *secretMaterial { return material }}, nil
}

// hashOf returns the hash of an HMAC, or nil.
func hashOf(algorithm string) func() hash.Hash {
	switch algorithm {
	case "hmac-sha256":
		return sha256.New
	case "hmac-sha1":
		return sha1.New
	case "hmac-sha512":
		return sha512.New
	}
	return nil
}

var secretTag = regexp.MustCompile(`^v[0-9]+,`)

// keyBytes decodes a secret's text as the scheme says. Its error is a sentence
// for people.
func keyBytes(text, form string) ([]byte, error) {
	var key []byte
	var err error
	switch form {
	case "whsec":
		key, err = decodeBase64(strings.TrimPrefix(secretTag.ReplaceAllString(text, ""), "whsec_"))
		if err != nil {
			return nil, sentence("The secret is whsec_ and base64 text. This one can't be decoded; copy all of it.")
		}
	case "base64":
		if key, err = decodeBase64(text); err != nil {
			return nil, sentence("The secret is base64 text. This one can't be decoded; copy all of it.")
		}
	case "hex":
		if key, err = hex.DecodeString(text); err != nil {
			return nil, sentence("The secret is hexadecimal: an even number of the characters 0 to 9 and A to F.")
		}
	default:
		return []byte(text), nil
	}
	if len(key) < leastKeyBytes {
		return nil, sentence(fmt.Sprintf("The secret is too short: it has to decode to at least %d bytes.", leastKeyBytes))
	}
	return key, nil
}

// decodeBase64 decodes either alphabet, with or without padding, and nothing
// else.
func decodeBase64(text string) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") {
		return nil, errors.New("line break")
	}
	text = strings.TrimRight(text, "=")
	if strings.ContainsAny(text, "-_") {
		return base64.RawURLEncoding.DecodeString(text)
	}
	return base64.RawStdEncoding.DecodeString(text)
}

func (m *secretMaterial) parsePublic(scheme Scheme) error {
	bytes, err := decodeBase64(m.text)
	if scheme.Key == "hex" {
		bytes, err = hex.DecodeString(m.text)
	}
	if scheme.Algorithm == "ed25519" {
		if err != nil || len(bytes) != ed25519.PublicKeySize {
			return sentence("The secret is the public key: 32 bytes. Copy all of it.")
		}
		m.ed25519 = ed25519.PublicKey(bytes)
		return nil
	}
	parsed, parseErr := x509.ParsePKIXPublicKey(bytes)
	key, isECDSA := parsed.(*ecdsa.PublicKey)
	if err != nil || parseErr != nil || !isECDSA || key.Curve != elliptic.P256() {
		return sentence("The secret is the public verification key, base64 text that begins with MFkw. Copy all of it.")
	}
	m.ecdsa = key
	return nil
}
