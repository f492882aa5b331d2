package inbound

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Sample is a request as the provider sends it, to try a source with.
type Sample struct {
	Type  string // the provider's type: "invoice.paid"
	Title string // for people: "An invoice was paid"

	headers map[string]string
	body    string // JSON with placeholders
	form    map[string]string
}

// sampleData is a Sample in providers.json. In its texts {{id}} is a new id,
// {{rfc3339}} the time; the text "{{unix}}" or "{{unix_ms}}" becomes a number, and
// {{unix_text}} and {{unix_ms_text}} stay text.
type sampleData struct {
	Type    string            `json:"type"`
	Title   string            `json:"title"`
	Headers map[string]string `json:"headers"`
	Body    jsontext.Value    `json:"body"`
	Form    map[string]string `json:"form"`
}

func randomHex(bytes int) string {
	b := make([]byte, bytes)
	rand.Read(b) // never fails since Go 1.24
	return hex.EncodeToString(b)
}

// SignSample returns a shipped sample as a request to url, signed with secret as
// of at. An empty type is the first sample. It fails with a sentence for people if
// the provider has no sample of the type, or if nobody but the provider can
// sign, because the secret is a public key. Nothing but shipped samples is ever
// signed with a source's secret.
func (v *Verifier) SignSample(sampleType string, secret Secret, url string, at time.Time) (*Request, error) {
	for i := range v.provider.Samples {
		sample := &v.provider.Samples[i]
		if sampleType == "" || sample.Type == sampleType {
			return v.sign(sample.request(url, at), secret, at)
		}
	}
	if len(v.provider.Samples) == 0 {
		return nil, sentence(fmt.Sprintf("%s has no samples here.", v.provider.Title))
	}
	return nil, sentence("There is no sample of this type. The source's page lists the types.")
}

// request returns the sample with its placeholders filled in.
func (s *Sample) request(address string, at time.Time) *Request {
	at = at.UTC().Truncate(time.Second)
	unix, ms := strconv.FormatInt(at.Unix(), 10), strconv.FormatInt(at.UnixMilli(), 10)
	fill := strings.NewReplacer(`"{{unix}}"`, unix, `"{{unix_ms}}"`, ms, "{{unix_text}}", unix, "{{unix_ms_text}}", ms,
		"{{rfc3339}}", at.Format(time.RFC3339), "{{id}}", randomHex(12))
	request := &Request{Method: "POST", URL: address, ReceivedAt: at}
	if s.form != nil {
		values := url.Values{}
		for name, value := range s.form {
			values.Set(name, fill.Replace(value))
		}
		request.Body = []byte(values.Encode())
		request.Headers = append(request.Headers, Header{"Content-Type", "application/x-www-form-urlencoded"})
	} else {
		request.Body = []byte(fill.Replace(s.body))
		request.Headers = append(request.Headers, Header{"Content-Type", "application/json"})
	}
	for name, value := range s.headers {
		request.Headers = append(request.Headers, Header{name, fill.Replace(value)})
	}
	return request
}

// sign adds what the provider would prove itself by.
func (v *Verifier) sign(request *Request, secret Secret, at time.Time) (*Request, error) {
	scheme := v.scheme()
	if scheme.Algorithm == algorithmNone {
		return request, nil
	}
	if secret.IsZero() {
		return nil, sentence("The source has no secret yet. Add it first.")
	}
	if v.code != nil {
		v.code.sign(request, secret, at)
		return request, nil
	}
	c := v.schemes[0]
	switch {
	case c.isPublic():
		return nil, sentence(fmt.Sprintf("%s signs with a private key that nobody else has, so Hookwell can't sign a sample.", v.provider.Title))
	case c.Algorithm == algorithmToken:
		request.Headers = append(request.Headers, Header{c.Signature.Header, c.Signature.Prefix + c.Signature.OptionalPrefix + secret.Reveal()})
		return request, nil
	case c.Algorithm == algorithmBasic:
		request.Headers = append(request.Headers, Header{c.Signature.Header, "Basic " + base64.StdEncoding.EncodeToString([]byte(secret.Reveal()))})
		return request, nil
	}
	c.sign(request, at, func(text []byte) []byte { return secret.material().sum(string(text)) })
	return request, nil
}

// sign adds the headers of the scheme. Headers that the message has and the
// request lacks get a new id.
func (c *compiledScheme) sign(request *Request, at time.Time, sum func(text []byte) []byte) {
	for _, part := range c.message {
		if _, count := request.header(part.text); part.kind == partHeader && count == 0 {
			request.Headers = append(request.Headers, Header{part.text, "msg_" + randomHex(12)})
		}
	}
	timestamp := ""
	if c.Timestamp != nil {
		timestamp = formatTimestamp(at, c.Timestamp.Unit)
		switch c.Timestamp.From {
		case "header":
			request.Headers = append(request.Headers, Header{c.Timestamp.Name, timestamp})
		case "json":
			timestamp = "" // the sample's body has it
		}
	}
	signature := c.encode(sum(c.text(request, timestamp, request.URL)))
	value := c.Signature.Prefix + signature
	switch c.format {
	case "pairs":
		value = c.Signature.Key + "=" + value
		if c.Timestamp != nil && c.Timestamp.From == "signature" {
			value = c.Timestamp.Name + "=" + timestamp + c.Signature.Separator + value
		}
	case "tagged":
		value = c.Signature.Key + "," + value
	}
	request.Headers = append(request.Headers, Header{c.Signature.Header, value})
}

func (c *compiledScheme) encode(sum []byte) string {
	switch c.Encoding {
	case "hex":
		return hex.EncodeToString(sum)
	case "base64url":
		return base64.URLEncoding.EncodeToString(sum)
	}
	return base64.StdEncoding.EncodeToString(sum)
}

func formatTimestamp(at time.Time, unit string) string {
	switch unit {
	case "ms":
		return strconv.FormatInt(at.UnixMilli(), 10)
	case "rfc3339":
		return at.UTC().Format(time.RFC3339)
	}
	return strconv.FormatInt(at.Unix(), 10)
}
