package inbound

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"regexp"
	"strings"
)

// Response answers a handshake.
type Response struct {
	Status      int
	ContentType string // "" if none is needed
	Body        []byte
}

// HandshakesPerMinute is how many handshakes a source answers a minute.
const HandshakesPerMinute = 10

// challengeText is what a stranger may make us echo or sign. It has no character
// that a signed message has between its parts, and is no JSON object.
var challengeText = regexp.MustCompile(`^[A-Za-z0-9+/=_-]{1,64}$`)

// handshake is how a provider asks whether a URL is ours. Its places are paths,
// header:NAME or query:NAME.
type handshake struct {
	Kind      string `json:"kind"` // echo, hmac, verify_token or code
	Method    string `json:"method"`
	Match     string `json:"match"`  // the place that tells a handshake from an event
	Equals    string `json:"equals"` // what stands there; "" for anything
	Challenge string `json:"challenge,omitempty"`
	Token     string `json:"token,omitempty"` // of verify_token: the place of the token

	// Verified says that the request has to be signed: always, or once the source
	// has a secret, because some providers ask before they show it.
	Verified string `json:"verified,omitempty"` // "", "always" or "with_secret"

	Encoding    string `json:"encoding,omitempty"` // of {mac}
	Status      int    `json:"status"`
	ContentType string `json:"contentType,omitempty"`
	Body        string `json:"body,omitempty"` // with {challenge} and {mac}

	finders map[string]*finder // of the places that are paths
}

// maxHandshakeBody is beyond what a handshake has, so that large events aren't read
// to see whether they are one.
const maxHandshakeBody = 16 << 10

// compile prepares the places that are paths.
func (h *handshake) compile() {
	h.finders = map[string]*finder{}
	for _, place := range []string{h.Match, h.Challenge, h.Token} {
		if p, err := parsePath(place); err == nil {
			h.finders[place] = &finder{}
			h.finders[place].add(p)
		}
	}
}

// fault says what is wrong with the data, or "".
func (h *handshake) fault(scheme Scheme) string {
	kinds := map[string]bool{"echo": true, "hmac": true, "verify_token": true, "code": true}
	switch {
	case !kinds[h.Kind]:
		return "unknown kind"
	case h.Method != "GET" && h.Method != "POST":
		return "unknown method"
	case !knownPlace(h.Match) || h.Challenge != "" && !knownPlace(h.Challenge) || h.Token != "" && !knownPlace(h.Token):
		return "unknown place"
	case (h.Kind == "code") != (h.Challenge == ""), (h.Kind == "verify_token") != (h.Token != ""):
		return "a challenge or a token too many or too few"
	case h.Kind == "hmac" && scheme.Algorithm != "hmac-sha256", h.Kind == "hmac" && h.Encoding != "hex" && h.Encoding != "base64":
		return "the MAC of a challenge is HMAC-SHA256 in hex or base64"
	case h.Kind == "code" && h.Verified != "always":
		return "a handshake without a challenge is signed"
	case h.Verified != "" && h.Verified != "always" && h.Verified != "with_secret":
		return "unknown condition"
	case h.Status < 200 || h.Status > 204:
		return "unknown status"
	case (h.Kind == "hmac") != strings.Contains(h.Body, "{mac}"):
		return "a MAC too many or too few"
	}
	return ""
}

func knownPlace(text string) bool {
	if strings.HasPrefix(text, "$") {
		_, err := parsePath(text)
		return err == nil
	}
	kind, name, _ := strings.Cut(text, ":")
	return (kind == "header" || kind == "query") && name != ""
}

// Handshake returns the response to a request by which the provider asks whether
// the URL is ours, and reports whether the request is one. Such a request isn't an
// event: send the response, and keep a record of it. The response may be a refusal
// (403). A request that isn't a handshake, or isn't signed as it has to be, goes
// on to Verify.
//
// Only a challenge of 1 to 64 characters of A-Z a-z 0-9 + / = _ - is echoed or
// signed. Callers answer at most HandshakesPerMinute for one source.
func (v *Verifier) Handshake(request *Request, secrets []Secret) (*Response, bool) {
	h := v.provider.handshake
	if h == nil || request.Method != h.Method || len(request.Body) > maxHandshakeBody {
		return nil, false
	}
	found := h.at(request, h.Match)
	if found == "" || h.Equals != "" && found != h.Equals {
		return nil, false
	}
	signer := 0
	if h.Verified == "always" || h.Verified == "with_secret" && len(secrets) > 0 {
		result := v.Verify(request, secrets)
		if result.State != Verified {
			return nil, false
		}
		signer = result.Secret
	}
	challenge := h.at(request, h.Challenge)
	if h.Kind != "code" && !challengeText.MatchString(challenge) {
		return refusedHandshake("The challenge has other characters than a handshake's."), true
	}
	if h.Kind == "verify_token" && !v.knowsToken(h.at(request, h.Token), secrets) {
		return refusedHandshake("The verify token is not this source's."), true
	}
	body := strings.ReplaceAll(h.Body, "{challenge}", challenge)
	if h.Kind == "hmac" {
		if signer >= len(secrets) || secrets[signer].IsZero() {
			return refusedHandshake("The source has no secret yet."), true
		}
		body = strings.ReplaceAll(body, "{mac}", h.mac(secrets[signer], challenge))
	}
	return &Response{Status: h.Status, ContentType: h.ContentType, Body: []byte(body)}, true
}

func refusedHandshake(text string) *Response {
	return &Response{Status: 403, ContentType: "text/plain; charset=utf-8", Body: []byte(text + "\n")}
}

// at returns the text at a place of a request, or "".
func (h *handshake) at(request *Request, place string) string {
	if name, ok := strings.CutPrefix(place, "header:"); ok {
		value, count := request.header(name)
		if count > 1 {
			return ""
		}
		return value
	}
	if name, ok := strings.CutPrefix(place, "query:"); ok {
		_, query, _ := strings.Cut(request.URL, "?")
		values, err := url.ParseQuery(query)
		if err != nil || len(values[name]) != 1 {
			return ""
		}
		return values[name][0]
	}
	f := h.finders[place]
	if f == nil {
		return ""
	}
	values, err := f.find(request.Body)
	if err != nil || values[0] == nil {
		return ""
	}
	text, _ := scalarText(values[0])
	return text
}

func (h *handshake) mac(secret Secret, challenge string) string {
	sum := secret.material().sum(challenge)
	if h.Encoding == "hex" {
		return hex.EncodeToString(sum)
	}
	return base64.StdEncoding.EncodeToString(sum)
}

// verifyTokenOf is what a verify token is derived from. It is no JSON, so no event
// can have the same MAC.
const verifyTokenOf = "hookwell verify token"

// VerifyToken returns the token to type in at a provider whose handshake sends
// one (Meta), and "" for other providers. It is derived from the secret, which it
// doesn't reveal: it travels in a URL, so it may not be the key of signatures.
func (v *Verifier) VerifyToken(secret Secret) string {
	if v.provider.handshake == nil || v.provider.handshake.Kind != "verify_token" || secret.IsZero() {
		return ""
	}
	keyed := hmac.New(sha256.New, []byte(secret.Reveal()))
	keyed.Write([]byte(verifyTokenOf))
	return hex.EncodeToString(keyed.Sum(nil)[:16])
}

func (v *Verifier) knowsToken(token string, secrets []Secret) bool {
	for _, secret := range secrets {
		own := v.VerifyToken(secret)
		if own != "" && len(own) == len(token) && subtle.ConstantTimeCompare([]byte(own), []byte(token)) == 1 {
			return true
		}
	}
	return false
}
