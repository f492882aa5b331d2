package inbound

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"
	"time"
)

// Verify checks a request against every secret, and judges the age of its
// signature as of request.ReceivedAt. It refuses whatever it can't read. Without
// a secret, a source that needs one refuses everything as CauseSignature.
func (v *Verifier) Verify(request *Request, secrets []Secret) Verification {
	if len(request.Headers) > maxHeaders {
		return v.refuse(CauseSignatureMalformed)
	}
	if v.code != nil {
		return v.code.verify(v, request, secrets)
	}
	result := v.refuse(CauseSignatureMissing)
	for _, c := range v.schemes {
		if c.Algorithm == algorithmNone {
			return Verification{State: Unverified, Secret: -1, Method: v.method}
		}
		value, count := request.header(c.Signature.Header)
		switch {
		case count == 0:
			continue
		case count > 1:
			return v.refuse(CauseSignatureMalformed)
		case c.Algorithm == algorithmToken:
			return v.checkToken(c, value, secrets)
		case c.Algorithm == algorithmBasic:
			return v.checkBasic(value, secrets)
		}
		return v.verifySigned(c, request, value, secrets)
	}
	return result
}

func (v *Verifier) refuse(cause Cause) Verification {
	return Verification{State: Refused, Cause: cause, Secret: -1, Method: v.method}
}

// verifySigned checks a signature first and its time after, so that a forged
// request says nothing of the clock.
func (v *Verifier) verifySigned(c *compiledScheme, request *Request, value string, secrets []Secret) Verification {
	var found signatures
	if !found.read(c, value) {
		return v.refuse(CauseSignatureMalformed)
	}
	if found.count == 0 {
		return v.refuse(CauseSignatureMissing)
	}
	timestamp, at, cause := c.timestamp(request, &found)
	if cause == "" && !c.wellFormed(request) {
		cause = CauseSignatureMalformed
	}
	if cause != "" {
		return v.refuse(cause)
	}
	matched, wellFormed := c.match(request, timestamp, &found, secrets)
	if matched < 0 {
		if !wellFormed {
			return v.refuse(CauseSignatureMalformed)
		}
		return v.refuse(CauseSignature)
	}
	return v.judgeAge(Verification{State: Verified, Secret: matched, SignedAt: at, Method: v.method}, request.ReceivedAt)
}

// judgeAge refuses a verification whose time is off by more than the tolerance,
// to either side.
func (v *Verifier) judgeAge(result Verification, now time.Time) Verification {
	if result.SignedAt.IsZero() {
		return result
	}
	age := now.Sub(result.SignedAt)
	if age > v.tolerance {
		result.State, result.Cause = Refused, CauseTooOld
	} else if age < -v.tolerance {
		result.State, result.Cause = Refused, CauseTooNew
	}
	return result
}

// timestamp returns the signed time as the text that came and as a time.
func (c *compiledScheme) timestamp(request *Request, found *signatures) (string, time.Time, Cause) {
	if c.Timestamp == nil {
		return "", time.Time{}, ""
	}
	var text string
	switch c.Timestamp.From {
	case "signature":
		text = found.time
	case "header":
		var count int
		if text, count = request.header(c.Timestamp.Name); count > 1 {
			return "", time.Time{}, CauseSignatureMalformed
		}
	case "json":
		values, err := c.time.find(request.Body)
		if err != nil || values[0] == nil {
			return "", time.Time{}, CauseSignatureMalformed
		}
		text, _ = scalarText(values[0])
	}
	if text == "" {
		return "", time.Time{}, CauseSignatureMissing
	}
	at, ok := parseTimestamp(text, c.Timestamp.Unit)
	if !ok {
		return "", time.Time{}, CauseSignatureMalformed
	}
	return text, at, ""
}

// wellFormed reports whether each header that the message has is there once and
// can't be mistaken for what stands beside it.
func (c *compiledScheme) wellFormed(request *Request) bool {
	for i, part := range c.message {
		if part.kind != partHeader {
			continue
		}
		value, count := request.header(part.text)
		if count != 1 || len(value) > maxHeaderValue || c.message.ambiguous(i, value) {
			return false
		}
	}
	return true
}

// match compares every signature with every secret. It returns the index of the
// secret that matches, or -1, and whether any signature was well formed.
func (c *compiledScheme) match(request *Request, timestamp string, found *signatures, secrets []Secret) (secret int, wellFormed bool) {
	if c.isPublic() {
		return c.matchPublic(request, timestamp, found, secrets)
	}
	var scratch [maxSignatureBytes]byte
	for i := range found.count {
		wellFormed = wellFormed || c.decode(&scratch, found.list[i]) > 0
	}
	if !wellFormed {
		return -1, false
	}
	secret = -1
	for s := range secrets {
		material := secrets[s].material()
		if material == nil || len(material.key) == 0 || material.macs.New == nil {
			continue
		}
		if c.matches(material, request, timestamp, found) {
			return s, true
		}
	}
	return secret, true
}

// matches reports whether one of the signatures is the secret's.
func (c *compiledScheme) matches(material *secretMaterial, request *Request, timestamp string, found *signatures) bool {
	m := material.macs.Get().(*mac)
	defer material.macs.Put(m)
	for _, url := range c.urls(request.URL) {
		m.hash.Reset()
		c.write(m, request, timestamp, url)
		m.sum = m.hash.Sum(m.sum[:0])
		for i := range found.count {
			if n := c.decode(&m.got, found.list[i]); n == len(m.sum) && subtle.ConstantTimeCompare(m.got[:n], m.sum) == 1 {
				return true
			}
		}
	}
	return false
}

// write feeds the message to the MAC. Texts go by way of m.text, because a hash
// takes bytes.
func (c *compiledScheme) write(m *mac, request *Request, timestamp, url string) {
	for _, part := range c.message {
		text := part.text
		switch part.kind {
		case partBody:
			m.hash.Write(request.Body)
			continue
		case partTimestamp:
			text = timestamp
		case partURL:
			text = url
		case partMethod:
			text = request.Method
		case partHeader:
			text, _ = request.header(part.text)
		}
		m.text = append(m.text[:0], text...)
		m.hash.Write(m.text)
	}
}

var noURL = []string{""}

// urls lists the forms of the URL that the provider may have signed: as it is
// configured, and with or without the slash at the path's end, since both reach
// the source.
func (c *compiledScheme) urls(url string) []string {
	if c.message.count(partURL) == 0 {
		return noURL
	}
	return []string{url, toggleSlash(url)}
}

func toggleSlash(url string) string {
	path, query, has := strings.Cut(url, "?")
	if trimmed, ok := strings.CutSuffix(path, "/"); ok {
		path = trimmed
	} else {
		path += "/"
	}
	if has {
		return path + "?" + query
	}
	return path
}

// text returns the signed message in memory, which public keys need.
func (c *compiledScheme) text(request *Request, timestamp, url string) []byte {
	text := make([]byte, 0, len(request.Body)+len(url)+256)
	for _, part := range c.message {
		switch part.kind {
		case partBody:
			text = append(text, request.Body...)
		case partTimestamp:
			text = append(text, timestamp...)
		case partURL:
			text = append(text, url...)
		case partMethod:
			text = append(text, request.Method...)
		case partHeader:
			value, _ := request.header(part.text)
			text = append(text, value...)
		default:
			text = append(text, part.text...)
		}
	}
	return text
}

// maxPublicSignatures bounds how often a public key is used for one request,
// because that takes some 50 times as long as a MAC.
const maxPublicSignatures = 4

func (c *compiledScheme) matchPublic(request *Request, timestamp string, found *signatures, secrets []Secret) (secret int, wellFormed bool) {
	var got [maxSignatureBytes]byte
	for _, url := range c.urls(request.URL) {
		text := c.text(request, timestamp, url)
		digest := sha256.Sum256(text)
		for i := range min(found.count, maxPublicSignatures) {
			n := c.decode(&got, found.list[i])
			if n == 0 {
				continue
			}
			wellFormed = true
			for s := range secrets {
				switch material := secrets[s].material(); {
				case material == nil:
				case material.ed25519 != nil && ed25519.Verify(material.ed25519, text, got[:n]),
					material.ecdsa != nil && ecdsa.VerifyASN1(material.ecdsa, digest[:], got[:n]):
					return s, true
				}
			}
		}
	}
	return -1, wellFormed
}

// checkToken compares a token with every secret.
func (v *Verifier) checkToken(c *compiledScheme, value string, secrets []Secret) Verification {
	var found signatures
	if !found.read(c, value) || found.list[0] == "" {
		return v.refuse(CauseSignatureMalformed)
	}
	return v.compare([]byte(found.list[0]), secrets)
}

// checkBasic compares a user name and a password with every secret.
func (v *Verifier) checkBasic(value string, secrets []Secret) Verification {
	scheme, encoded, _ := strings.Cut(value, " ")
	if !strings.EqualFold(scheme, "Basic") || len(encoded) > maxHeaderValue {
		return v.refuse(CauseSignatureMalformed)
	}
	text, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return v.refuse(CauseSignatureMalformed)
	}
	return v.compare(text, secrets)
}

// compare compares a credential with every secret.
func (v *Verifier) compare(got []byte, secrets []Secret) Verification {
	for i := range secrets {
		material := secrets[i].material()
		if material != nil && len(material.key) > 0 && len(got) == len(material.key) && subtle.ConstantTimeCompare(got, material.key) == 1 {
			return Verification{State: Authenticated, Secret: i, Method: v.method}
		}
	}
	return v.refuse(CauseSignature)
}
