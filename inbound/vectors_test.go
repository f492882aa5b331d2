package inbound

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// vector is a request that a provider or its library published with its
// signature.
type vector struct {
	Name, Provider, Secret, URL, Body, Time, Source string
	Scheme                                          *Scheme
	Headers                                         map[string]string
	State                                           State
}

func readTestdata(t testing.TB, file string, into any) {
	t.Helper()
	text, err := os.ReadFile("testdata/" + file)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatalf("reading %s: %v", file, err)
	}
}

// vectors returns the published vectors.
func vectors(t testing.TB) (list []vector) {
	readTestdata(t, "vectors.json", &list)
	return list
}

// verifier returns the vector's verifier and its secret. A provider may have a
// rule for new secrets that an example of its documentation breaks.
func (v vector) verifier(t testing.TB) (*Verifier, Secret) {
	t.Helper()
	provider, options := Named(v.Provider), Options{}
	if v.Scheme != nil {
		provider, options.Scheme = Named("generic_hmac"), v.Scheme
	}
	verifier, faults := provider.Verifier(options)
	if len(faults) > 0 {
		t.Fatalf("Verifier() = %v", faults)
	}
	secret, err := newSecret(v.Secret, verifier.scheme())
	if err != nil {
		t.Fatalf("newSecret() = %v", err)
	}
	return verifier, secret
}

func (v vector) request() *Request {
	request := &Request{Method: "POST", URL: v.URL, Body: []byte(v.Body), ReceivedAt: testTime}
	for name, value := range v.Headers {
		request.Headers = append(request.Headers, Header{name, value})
	}
	if seconds, err := strconv.ParseInt(v.Time, 10, 64); err == nil {
		request.ReceivedAt = time.Unix(seconds, 0)
	}
	return request
}

// changed returns the request with one header changed by a function.
func changed(request *Request, header string, change func(string) string) *Request {
	other := *request
	other.Headers = nil
	for _, h := range request.Headers {
		if strings.EqualFold(h.Name, header) {
			h.Value = change(h.Value)
		}
		other.Headers = append(other.Headers, h)
	}
	return &other
}

// flip changes one character at a place of a text to another of its alphabet.
func flip(text string, at int) string {
	replacement := byte('0')
	if text[at] == '0' {
		replacement = '1'
	}
	return text[:at] + string(replacement) + text[at+1:]
}

// TestVectors verifies every published vector, and refuses it with any one byte of
// its body, signature, timestamp or secret changed.
func TestVectors(t *testing.T) {
	for _, v := range vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			verifier, secret := v.verifier(t)
			want := v.State
			if want == "" {
				want = Verified
			}
			request := v.request()
			if got := verifier.Verify(request, []Secret{secret}); got.State != want || got.Secret != 0 {
				t.Fatalf("Verify() = %+v; want %s (%s)", got, want, v.Source)
			}
			refused := func(what string, request *Request, secrets ...Secret) {
				t.Helper()
				if got := verifier.Verify(request, secrets); got.State != Refused || got.Cause == "" {
					t.Errorf("Verify() with %s changed = %+v; want it refused", what, got)
				}
			}
			v.bodies(request, func(body []byte) {
				other := *request
				other.Body = body
				if request.isForm() && bytes.Equal(other.document(), request.document()) {
					return // the same fields in another notation: "a" and "a="
				}
				refused("the body", &other, secret)
			})
			for name, value := range v.Headers {
				if name == "Content-Type" {
					continue
				}
				for at := range value {
					if value[at] == '=' && at == len(value)-1 {
						continue // padding
					}
					other := changed(request, name, func(text string) string { return flip(text, at) })
					refused(name+" at "+strconv.Itoa(at), other, secret)
				}
			}
			if other, err := newSecret(otherSecret(v.Secret), verifier.scheme()); err == nil {
				refused("the secret", request, other)
			}
			refused("no secret", request)
		})
	}
}

// otherSecret changes one byte of a secret so that it stays decodable.
func otherSecret(text string) string {
	if _, err := hex.DecodeString(text); err == nil {
		return flip(text, len(text)/2)
	}
	return flip(text, 8%len(text))
}

// bodies calls a function with the body changed at each byte that is signed, and
// with bytes added and removed at its end. Adyen signs fields, not bytes.
func (v vector) bodies(request *Request, try func([]byte)) {
	if v.Provider == "adyen" {
		for _, field := range []string{"pspReference", "originalReference", "merchantAccountCode", "merchantReference", "value", "currency", "eventCode", "success"} {
			at := strings.Index(v.Body, `"`+field+`":`) + len(field) + 3
			end := at + strings.IndexAny(v.Body[at:], ",}")
			if value := v.Body[at:end]; value != `""` {
				at += strings.IndexAny(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
				try([]byte(flip(v.Body, at)))
			}
		}
		return
	}
	for at := range request.Body {
		changed := bytes.Clone(request.Body)
		changed[at] ^= 1
		try(changed)
	}
	try(append(bytes.Clone(request.Body), '\n'))
	try(append(bytes.Clone(request.Body), ' '))
	try(request.Body[:len(request.Body)-1])
}

// TestHandshakeVectors runs the published vectors of challenges that are signed.
func TestHandshakeVectors(t *testing.T) {
	x := &handshake{Kind: "hmac", Method: "GET", Match: "query:crc_token", Challenge: "query:crc_token", Encoding: "base64", Status: 200, Body: `{"response_token":"sha256={mac}"}`}
	if fault := x.fault(Named("stripe").scheme); fault != "" {
		t.Fatalf("fault() = %q", fault)
	}
	provider := *Named("generic_hmac")
	provider.handshake = x
	verifier, _ := provider.Verifier(Options{})
	secret := parsed(t, verifier, "z3ZX4v7mAAUGykl3EcmkqbartmuW8VFOOzCloLx9Q45P0hLrFu")
	got, ok := verifier.Handshake(&Request{Method: "GET", URL: testURL + "?crc_token=9b4507b3-9040-4669-9ca3-6b94edb50553"}, []Secret{secret})
	if want := `{"response_token":"sha256=Cytd4Sq+NvEcV3MMrXxWJGJx5A+y/lXzzU2Maartkx8="}`; !ok || string(got.Body) != want {
		t.Errorf("Handshake() = %+v, %t; want %s", got, ok, want)
	}
}

// TestSchemes signs and verifies a request by each of the 39 schemes that are
// data, as a source's own scheme.
func TestSchemes(t *testing.T) {
	var schemes map[string]Scheme
	readTestdata(t, "schemes.json", &schemes)
	if len(schemes) != 39 {
		t.Fatalf("%d schemes; want 39", len(schemes))
	}
	for name, scheme := range schemes {
		t.Run(name, func(t *testing.T) {
			if faults := scheme.faults(); len(faults) > 0 {
				t.Fatalf("faults() = %v", faults)
			}
			provider := Named("generic_hmac")
			switch scheme.Algorithm {
			case algorithmToken:
				provider = Named("token")
			case algorithmBasic:
				provider = Named("basic")
			}
			verifier := provider.verifier(scheme, Options{})
			request := &Request{Method: "POST", URL: testURL + "?a=b", Body: []byte(`{"webhookTimestamp":` + strconv.FormatInt(testTime.UnixMilli(), 10) + `}`), ReceivedAt: testTime}
			secret := signOwn(t, verifier, request)
			if got := verifier.Verify(request, []Secret{secret}); got.State == Refused || got.Secret != 0 {
				t.Fatalf("Verify() = %+v", got)
			}
			if !scheme.signs() {
				return
			}
			other := *request
			other.Body = append(bytes.Clone(request.Body), '\n')
			if got := verifier.Verify(&other, []Secret{secret}); got.State != Refused {
				t.Errorf("Verify() of another body = %+v; want it refused", got)
			}
			if strings.Contains(scheme.Message, "{url}") {
				other = *request
				other.URL = testURL + "?a=c"
				if got := verifier.Verify(&other, []Secret{secret}); got.State != Refused {
					t.Errorf("Verify() of another URL = %+v; want it refused", got)
				}
				other.URL = testURL + "/?a=b"
				if got := verifier.Verify(&other, []Secret{secret}); got.State != Verified {
					t.Errorf("Verify() with a slash at the path's end = %+v; want it verified", got)
				}
			}
		})
	}
}
