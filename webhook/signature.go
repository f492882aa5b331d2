package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// SignatureFormat is the format of x-webhook-signature, for receivers that expect
// an older one. Its text is the API's value.
type SignatureFormat string

// The formats of x-webhook-signature. Each is the hex of an HMAC-SHA256 under
// the secret's whole text as shown.
const (
	FormatSHA256TimestampBody SignatureFormat = "sha256=timestamp.body" // the default
	FormatV1TimestampBody     SignatureFormat = "v1=timestamp.body"
	FormatSHA256Body          SignatureFormat = "sha256=body"
	FormatBody                SignatureFormat = "body"
)

// SignatureFormats lists the formats, the default first.
func SignatureFormats() []SignatureFormat {
	return []SignatureFormat{FormatSHA256TimestampBody, FormatV1TimestampBody, FormatSHA256Body, FormatBody}
}

// ParseSignatureFormat parses the API's value; "" is the default. Its error is a
// sentence that lists the values.
func ParseSignatureFormat(text string) (SignatureFormat, error) {
	formats := SignatureFormats()
	if text == "" {
		return formats[0], nil
	}
	if slices.Contains(formats, SignatureFormat(text)) {
		return SignatureFormat(text), nil
	}
	names := make([]string, len(formats))
	for i, format := range formats {
		names[i] = string(format)
	}
	return "", sentence(fmt.Sprintf("The signature format is one of %s.", strings.Join(names, ", ")))
}

// parts splits a format into what stands before the hex and whether the
// timestamp is signed along.
func (f SignatureFormat) parts() (prefix string, signed string) {
	if name, signed, ok := strings.Cut(string(f), "="); ok {
		return name + "=", signed
	}
	return "", string(f)
}

// Pattern returns the header's value in a form for people: sha256=<hex of
// timestamp.body>.
func (f SignatureFormat) Pattern() string {
	prefix, signed := f.parts()
	return prefix + "<hex of " + signed + ">"
}

// Sign returns the value of x-webhook-signature. The zero SignatureFormat signs
// as the default does; the zero Secret gives "".
func (f SignatureFormat) Sign(s Secret, at time.Time, body []byte) string {
	if s.held == nil {
		return ""
	}
	if f == "" {
		f = FormatSHA256TimestampBody
	}
	prefix, signed := f.parts()
	mac := hmac.New(sha256.New, []byte(s.held().text))
	if signed == "timestamp.body" {
		var head [24]byte
		mac.Write(append(strconv.AppendInt(head[:0], at.Unix(), 10), '.'))
	}
	mac.Write(body)
	var sum [sha256.Size]byte
	return prefix + hex.EncodeToString(mac.Sum(sum[:0]))
}

// Sign returns one signature of webhook-signature by Standard Webhooks 1.0.0:
// "v1," and the base64 of HMAC-SHA256 over id.timestamp.body, the timestamp in
// Unix seconds. The zero Secret gives "".
func (s Secret) Sign(id string, at time.Time, body []byte) string {
	if s.held == nil {
		return ""
	}
	mac := hmac.New(sha256.New, s.held().key)
	head := make([]byte, 0, len(id)+24)
	head = append(append(head, id...), '.')
	head = append(strconv.AppendInt(head, at.Unix(), 10), '.')
	mac.Write(head)
	mac.Write(body)
	var sum [sha256.Size]byte
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(sum[:0]))
}
