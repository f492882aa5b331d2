package inbound

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"hookwell/webhook"
)

// Scheme says how a request is signed, as data. It is JSON in the API, in a
// source's row and in providers.json.
type Scheme struct {
	Algorithm string          `json:"algorithm"`          // hmac-sha256, hmac-sha1, hmac-sha512, ed25519, ecdsa-p256-sha256, token, basic or none
	Encoding  string          `json:"encoding,omitempty"` // of a signature: hex, base64 or base64url
	Key       string          `json:"key,omitempty"`      // of a secret: utf8, base64, hex or whsec; of a public key: hex or base64
	Signature *SignaturePlace `json:"signature,omitempty"`
	Message   string          `json:"message,omitempty"` // the signed text, with {body}, {timestamp}, {url}, {method} and {header:NAME}
	Timestamp *TimestampPlace `json:"timestamp,omitempty"`
}

// SignaturePlace says in which header signatures are and how they are written.
type SignaturePlace struct {
	Header string `json:"header"`

	// Format is plain (the default): the value is one signature; list: several,
	// between separators; pairs: key=signature; tagged: key,signature.
	Format         string `json:"format,omitempty"`
	Key            string `json:"key,omitempty"`            // of pairs and tagged: which entries are signatures
	Separator      string `json:"separator,omitempty"`      // between entries
	Prefix         string `json:"prefix,omitempty"`         // before each signature; one without it is malformed
	OptionalPrefix string `json:"optionalPrefix,omitempty"` // which a signature may have
}

// TimestampPlace says where the signed time is. One that the signature doesn't
// cover is a fault of the scheme.
type TimestampPlace struct {
	From             string `json:"from"`             // header, signature or json
	Name             string `json:"name"`             // the header, the key among the pairs, or the path in the body
	Unit             string `json:"unit"`             // s, ms or rfc3339
	ToleranceSeconds int    `json:"toleranceSeconds"` // how far it may be off to either side
}

// Algorithms that are no MAC and no public-key signature.
const (
	algorithmToken = "token"
	algorithmBasic = "basic"
	algorithmNone  = "none"
)

// Limits of schemes.
const (
	maxSchemeText       = 200
	maxToleranceSeconds = 24 * 60 * 60
)

var (
	algorithms   = []string{"hmac-sha256", "hmac-sha1", "hmac-sha512", "ed25519", "ecdsa-p256-sha256", algorithmToken, algorithmBasic, algorithmNone}
	encodings    = []string{"hex", "base64", "base64url"}
	secretKeys   = []string{"utf8", "base64", "hex", "whsec"}
	publicKeys   = []string{"hex", "base64"}
	formats      = []string{"plain", "list", "pairs", "tagged"}
	timePlaces   = []string{"header", "signature", "json"}
	units        = []string{"s", "ms", "rfc3339"}
	headerName   = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")
	printableRun = regexp.MustCompile(`^[ -~]*$`)
)

// SchemeChoices returns the words that a field of a signing scheme may have:
// "algorithm", "encoding", "key", "signature.format", "timestamp.from" or
// "timestamp.unit". Of other fields it returns nil.
func SchemeChoices(field string) []string {
	switch field {
	case "algorithm":
		return slices.DeleteFunc(slices.Clone(algorithms), func(name string) bool { return !(Scheme{Algorithm: name}).signs() })
	case "encoding":
		return slices.Clone(encodings)
	case "key":
		return slices.Clone(secretKeys)
	case "signature.format":
		return slices.Clone(formats)
	case "timestamp.from":
		return slices.Clone(timePlaces)
	case "timestamp.unit":
		return slices.Clone(units)
	}
	return nil
}

// signs reports whether the algorithm signs a message.
func (s Scheme) signs() bool { return s.isMAC() || s.isPublic() }

// isMAC reports whether whoever can verify can sign too.
func (s Scheme) isMAC() bool { return strings.HasPrefix(s.Algorithm, "hmac-") }

// isPublic reports whether the secret is a public key.
func (s Scheme) isPublic() bool {
	return s.Algorithm == "ed25519" || s.Algorithm == "ecdsa-p256-sha256"
}

// schemeFaults collects what is wrong with a scheme.
type schemeFaults struct {
	webhook.Faults
}

func (f *schemeFaults) oneOf(field, value string, of []string) bool {
	if slices.Contains(of, value) {
		return true
	}
	f.Add(field, fmt.Sprintf("is one of %s", strings.Join(of, ", ")))
	return false
}

func (f *schemeFaults) text(field, value string) bool {
	if len(value) > maxSchemeText || !printableRun.MatchString(value) {
		f.Add(field, fmt.Sprintf("has at most %d printable ASCII characters", maxSchemeText))
		return false
	}
	return true
}

func (f *schemeFaults) headerName(field, value string) {
	if !headerName.MatchString(value) {
		f.Add(field, "is the name of a header, such as X-Signature")
	}
}

// faults returns everything that is wrong with a scheme, each at its field below
// "scheme".
func (s Scheme) faults() webhook.Faults {
	var f schemeFaults
	if !f.oneOf("scheme.algorithm", s.Algorithm, algorithms) {
		return f.Faults
	}
	if s.Algorithm == algorithmNone {
		return f.Faults
	}
	s.signatureFaults(&f)
	if s.signs() {
		f.oneOf("scheme.encoding", s.Encoding, encodings)
		keys := secretKeys
		if s.isPublic() {
			keys = publicKeys
		}
		f.oneOf("scheme.key", s.Key, keys)
		s.messageFaults(&f)
		s.timestampFaults(&f)
		return f.Faults
	}
	for field, has := range map[string]bool{"encoding": s.Encoding != "", "message": s.Message != "", "timestamp": s.Timestamp != nil, "key": s.Key != "" && s.Key != "utf8"} {
		if has {
			f.Add("scheme."+field, "has no meaning for a token or a password; leave it out")
		}
	}
	return f.Faults
}

func (s Scheme) signatureFaults(f *schemeFaults) {
	place := s.Signature
	if place == nil {
		f.Add("scheme.signature", "is required")
		return
	}
	f.headerName("scheme.signature.header", place.Header)
	for field, value := range map[string]string{"key": place.Key, "separator": place.Separator, "prefix": place.Prefix, "optionalPrefix": place.OptionalPrefix} {
		f.text("scheme.signature."+field, value)
	}
	format := place.format()
	if !f.oneOf("scheme.signature.format", format, formats) {
		return
	}
	if format != "plain" && !s.signs() {
		f.Add("scheme.signature.format", "is plain for a token or a password")
		return
	}
	if needs := format == "pairs" || format == "tagged"; needs != (place.Key != "") {
		f.Add("scheme.signature.key", "names the entries of pairs and tagged, and is left out otherwise")
	}
	if needs := format != "plain"; needs != (place.Separator != "") {
		f.Add("scheme.signature.separator", "stands between the entries of list, pairs and tagged, and is left out otherwise")
	}
	if place.Prefix != "" && place.OptionalPrefix != "" {
		f.Add("scheme.signature.optionalPrefix", "is left out where a prefix is required")
	}
}

func (p *SignaturePlace) format() string {
	if p.Format == "" {
		return "plain"
	}
	return p.Format
}

func (s Scheme) messageFaults(f *schemeFaults) {
	parts, err := parseMessage(s.Message)
	if err != nil {
		f.Add("scheme.message", err.Error())
		return
	}
	if parts.count(partBody) != 1 {
		f.Add("scheme.message", "has {body} once, because nothing else ties the signature to what was sent")
	}
	if parts.count(partTimestamp) > 1 || parts.count(partURL) > 1 || parts.count(partMethod) > 1 {
		f.Add("scheme.message", "has each of {timestamp}, {url} and {method} at most once")
	}
	if parts.count(partTimestamp) > 0 && s.Timestamp == nil {
		f.Add("scheme.timestamp", "is required, because the message has {timestamp}")
	}
	for i, part := range parts {
		apart := i == len(parts)-1 || parts[i+1].kind == partLiteral
		if part.kind == partHeader && (!apart || i > 0 && parts[i-1].kind != partLiteral) {
			f.Add("scheme.message", "has a character beside each {header:NAME} that separates it from what follows and precedes, because otherwise bytes could move from one to the other")
		}
	}
}

func (s Scheme) timestampFaults(f *schemeFaults) {
	t := s.Timestamp
	if t == nil {
		return
	}
	f.oneOf("scheme.timestamp.unit", t.Unit, units)
	if t.ToleranceSeconds < 1 || t.ToleranceSeconds > maxToleranceSeconds {
		f.Add("scheme.timestamp.toleranceSeconds", fmt.Sprintf("is 1 to %d", maxToleranceSeconds))
	}
	if !f.oneOf("scheme.timestamp.from", t.From, timePlaces) {
		return
	}
	signed := strings.Contains(s.Message, "{timestamp}")
	switch t.From {
	case "header":
		f.headerName("scheme.timestamp.name", t.Name)
	case "signature":
		if s.Signature == nil || s.Signature.format() != "pairs" {
			f.Add("scheme.timestamp.from", "is signature only if the format of the signature is pairs")
		} else if t.Name == "" || t.Name == s.Signature.Key {
			f.Add("scheme.timestamp.name", "names the pair that has the time, which is another one than the signature's")
		}
		f.text("scheme.timestamp.name", t.Name)
	case "json":
		if _, err := parsePath(t.Name); err != nil {
			f.Add("scheme.timestamp.name", err.Error())
		}
		signed = strings.Contains(s.Message, "{body}")
	}
	if !signed {
		f.Add("scheme.message", "has {timestamp}, because a time that isn't signed proves nothing")
	}
}
