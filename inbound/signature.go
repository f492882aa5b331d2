package inbound

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

// Limits of what is read of a request.
const (
	maxHeaders         = 500
	maxHeaderValue     = 8 << 10
	maxSignatures      = 16
	maxSignatureBytes  = 128
	maxTimestampDigits = 16
)

// compiledScheme is a scheme that has no faults, ready to check requests.
type compiledScheme struct {
	Scheme
	message message
	format  string
	size    int     // bytes of a signature; 0 if it varies
	time    *finder // of a timestamp in the body; nil otherwise
}

func compileScheme(s Scheme) *compiledScheme {
	c := &compiledScheme{Scheme: s}
	if s.Signature != nil {
		c.format = s.Signature.format()
	}
	if s.signs() {
		c.message, _ = parseMessage(s.Message)
	}
	switch s.Algorithm {
	case "hmac-sha256":
		c.size = sha256.Size
	case "hmac-sha1":
		c.size = sha1.Size
	case "hmac-sha512", "ed25519":
		c.size = sha512.Size
	}
	if s.Timestamp != nil && s.Timestamp.From == "json" {
		p, _ := parsePath(s.Timestamp.Name)
		c.time = &finder{}
		c.time.add(p)
	}
	return c
}

// signatures are the entries of a signature header, bounded.
type signatures struct {
	list  [maxSignatures]string
	count int
	time  string // the value of the timestamp's pair
}

// read splits a header's value. It reports false if the value can't be read:
// more signatures than maxSignatures, two times, or not the prefix.
func (s *signatures) read(c *compiledScheme, value string) bool {
	if len(value) > maxHeaderValue {
		return false
	}
	if c.format == "plain" {
		return s.add(c, strings.TrimSpace(value))
	}
	for rest, more := value, true; more; {
		var entry string
		entry, rest, more = strings.Cut(rest, c.Signature.Separator)
		entry = strings.TrimSpace(entry)
		switch c.format {
		case "list":
			if entry != "" && !s.add(c, entry) {
				return false
			}
		case "tagged":
			if signature, ok := strings.CutPrefix(entry, c.Signature.Key); ok && strings.HasPrefix(signature, ",") && !s.add(c, signature[1:]) {
				return false
			}
		case "pairs":
			key, signature, _ := strings.Cut(entry, "=")
			if key == c.Signature.Key && !s.add(c, signature) {
				return false
			}
			if c.Timestamp != nil && c.Timestamp.From == "signature" && key == c.Timestamp.Name {
				if s.time != "" {
					return false
				}
				s.time = signature
			}
		}
	}
	return true
}

func (s *signatures) add(c *compiledScheme, text string) bool {
	if c.Signature.Prefix != "" {
		var ok bool
		if text, ok = strings.CutPrefix(text, c.Signature.Prefix); !ok {
			return false
		}
	}
	if s.count == maxSignatures {
		return false
	}
	s.list[s.count] = strings.TrimPrefix(text, c.Signature.OptionalPrefix)
	s.count++
	return true
}

// decode writes a signature's bytes into out and returns how many there are, or
// 0 if the text has the wrong length or alphabet.
func (c *compiledScheme) decode(out *[maxSignatureBytes]byte, text string) int {
	var source [2 * maxSignatureBytes]byte
	if len(text) > len(source) || len(text) == 0 {
		return 0
	}
	in := source[:copy(source[:], text)]
	n, err := 0, error(nil)
	switch c.Encoding {
	case "hex":
		if len(in) > 2*maxSignatureBytes || c.size != 0 && len(in) != 2*c.size {
			return 0
		}
		n, err = hex.Decode(out[:], in)
	default:
		coding := base64.StdEncoding
		if c.Encoding == "base64url" {
			coding = base64.URLEncoding
		}
		if len(in)%4 != 0 {
			coding = coding.WithPadding(base64.NoPadding)
		}
		if coding.DecodedLen(len(in)) > len(out) {
			return 0
		}
		n, err = coding.Strict().Decode(out[:], in)
	}
	if err != nil || c.size != 0 && n != c.size {
		return 0
	}
	return n
}

// parseTimestamp reads a signed time. A number has to be canonical: no sign, no
// leading zero, no fraction.
func parseTimestamp(text, unit string) (time.Time, bool) {
	if unit == "rfc3339" {
		if len(text) > 40 {
			return time.Time{}, false
		}
		at, err := time.Parse(time.RFC3339, text)
		return at.UTC(), err == nil
	}
	if text == "" || len(text) > maxTimestampDigits || text[0] == '0' && text != "0" {
		return time.Time{}, false
	}
	for _, r := range []byte(text) {
		if r < '0' || r > '9' {
			return time.Time{}, false
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	at := time.Unix(n, 0)
	if unit == "ms" {
		at = time.UnixMilli(n)
	}
	return at.UTC(), at.Year() <= 9999 // as JSON and databases have it
}
