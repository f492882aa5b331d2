package inbound

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"time"
)

// codes are the checkers of providers whose scheme isn't data, by the name that
// providers.json has for them.
var codes = map[string]checker{"twilio": twilio{}, "adyen": adyen{}, "mailgun": mailgun{}}

// twilio signs the URL with HMAC-SHA1. A form's fields follow it, sorted; of any
// other body the URL's query has the SHA-256.
type twilio struct{}

const (
	twilioHeader   = "X-Twilio-Signature"
	twilioBodyHash = "bodySHA256"
	maxFormFields  = 1000
)

func (twilio) verify(v *Verifier, request *Request, secrets []Secret) Verification {
	value, count := request.header(twilioHeader)
	if count == 0 {
		return v.refuse(CauseSignatureMissing)
	}
	got, err := base64.StdEncoding.Strict().DecodeString(value)
	if count > 1 || len(value) > maxSignatureBytes || err != nil || len(got) != 20 {
		return v.refuse(CauseSignatureMalformed)
	}
	fields, ok := twilioFields(request)
	if !ok {
		return v.refuse(CauseSignatureMalformed)
	}
	for i := range secrets {
		material := secrets[i].material()
		if material == nil || material.macs.New == nil {
			continue
		}
		for _, form := range twilioURLs(request.URL) {
			if subtle.ConstantTimeCompare(got, material.sum(form, fields)) == 1 {
				return Verification{State: Verified, Secret: i, Method: v.method}
			}
		}
	}
	return v.refuse(CauseSignature)
}

// sum returns the MAC of texts that follow one another.
func (m *secretMaterial) sum(texts ...string) []byte {
	keyed := m.macs.Get().(*mac)
	defer m.macs.Put(keyed)
	keyed.hash.Reset()
	for _, text := range texts {
		keyed.hash.Write([]byte(text))
	}
	return keyed.hash.Sum(nil)
}

// twilioFields returns what Twilio signs after the URL, and whether the body is
// bound to the signature at all: by its fields, or by its hash in the query. A
// request without the hash therefore may not have a body that isn't a form.
func twilioFields(request *Request) (string, bool) {
	_, query, _ := strings.Cut(request.URL, "?")
	if values, err := url.ParseQuery(query); err == nil && len(values[twilioBodyHash]) > 0 {
		hash, err := hex.DecodeString(values[twilioBodyHash][0])
		sum := sha256.Sum256(request.Body)
		return "", err == nil && len(values[twilioBodyHash]) == 1 && subtle.ConstantTimeCompare(hash, sum[:]) == 1
	}
	if len(request.Body) == 0 {
		return "", true
	}
	if !request.isForm() {
		return "", false
	}
	values, err := url.ParseQuery(string(request.Body))
	if err != nil || len(values) > maxFormFields {
		return "", false
	}
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	var text strings.Builder
	for _, name := range names {
		slices.Sort(values[name])
		for _, value := range slices.Compact(values[name]) {
			text.WriteString(name)
			text.WriteString(value)
		}
	}
	return text.String(), true
}

// twilioURLs lists the forms of the URL that Twilio may have signed: with and
// without the default port, and either form of the path's end.
func twilioURLs(configured string) []string {
	forms := []string{configured, toggleSlash(configured)}
	u, err := url.Parse(configured)
	if err != nil {
		return forms
	}
	port := map[string]string{"https": "443", "http": "80"}[u.Scheme]
	scheme, rest, _ := strings.Cut(configured, "://")
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	host := rest[:end]
	switch u.Port() {
	case "":
		host += ":" + port
	case port:
		host = strings.TrimSuffix(host, ":"+port)
	default:
		return forms
	}
	other := scheme + "://" + host + rest[end:]
	return append(forms, other, toggleSlash(other))
}

func (twilio) keys(*Request) []Key { return nil }

func (twilio) sign(request *Request, secret Secret, _ time.Time) {
	if !request.isForm() && len(request.Body) > 0 {
		separator := "?"
		if strings.Contains(request.URL, "?") {
			separator = "&"
		}
		sum := sha256.Sum256(request.Body)
		request.URL += separator + twilioBodyHash + "=" + hex.EncodeToString(sum[:])
	}
	fields, _ := twilioFields(request)
	sum := secret.material().sum(request.URL, fields)
	request.Headers = append(request.Headers, Header{twilioHeader, base64.StdEncoding.EncodeToString(sum)})
}
