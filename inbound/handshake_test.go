package inbound

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
)

func hexMAC(key, text string) string {
	keyed := hmac.New(sha256.New, []byte(key))
	keyed.Write([]byte(text))
	return hex.EncodeToString(keyed.Sum(nil))
}

// signBody signs a body of the caller's choice, as only the provider could.
func signBody(t testing.TB, verifier *Verifier, secret Secret, body string) *Request {
	t.Helper()
	request, err := verifier.sign(&Request{Method: "POST", URL: testURL, Body: []byte(body), ReceivedAt: testTime}, secret, testTime)
	if err != nil {
		t.Fatalf("sign() = %v", err)
	}
	return request
}

func TestHandshake_of_slack_echoes(t *testing.T) {
	verifier, secret := source(t, "slack")
	const body = `{"token":"x","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P","type":"url_verification"}`
	unsigned := &Request{Method: "POST", URL: testURL, Body: []byte(body), ReceivedAt: testTime}
	signed := signBody(t, verifier, secret, body)
	for name, test := range map[string]struct {
		request *Request
		secrets []Secret
		want    bool
	}{
		"before_there_is_a_secret":   {unsigned, nil, true},
		"signed":                     {signed, []Secret{secret}, true},
		"unsigned_with_a_secret":     {unsigned, []Secret{secret}, false},
		"of_another_method":          {&Request{Method: "PUT", Body: []byte(body)}, nil, false},
		"longer_than_handshakes_are": {&Request{Method: "POST", Body: []byte(body + strings.Repeat(" ", maxHandshakeBody))}, nil, false},
		"of_an_event_without_types":  {&Request{Method: "POST", Body: []byte(`{"challenge":"abc"}`)}, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := verifier.Handshake(test.request, test.secrets)
			if ok != test.want || ok && (got.Status != 200 || !strings.HasPrefix(string(got.Body), "3eZbrw1a")) {
				t.Errorf("Handshake() = %+v, %t; want %t", got, ok, test.want)
			}
		})
	}
	wantCause(t, verifier.Verify(unsigned, []Secret{secret}), CauseSignatureMissing)
}

// TestHandshake_of_zoom_signs_no_message shows that a stranger gets no MAC at all,
// and that the provider's own requests get one of a harmless text alone.
func TestHandshake_of_zoom_signs_no_message(t *testing.T) {
	verifier, secret := source(t, "zoom")
	body := func(token string) string {
		return `{"event":"endpoint.url_validation","payload":{"plainToken":"` + token + `"},"event_ts":1654503849680}`
	}
	got, ok := verifier.Handshake(signBody(t, verifier, secret, body("qgg8vlvZRS6UYooatFL8Aw")), []Secret{secret})
	if want := `{"plainToken":"qgg8vlvZRS6UYooatFL8Aw","encryptedToken":"` + hexMAC(secret.Reveal(), "qgg8vlvZRS6UYooatFL8Aw") + `"}`; !ok || string(got.Body) != want {
		t.Errorf("Handshake() = %+v, %t; want %s", got, ok, want)
	}
	unsigned := &Request{Method: "POST", URL: testURL, Body: []byte(body("qgg8vlvZRS6UYooatFL8Aw")), ReceivedAt: testTime}
	if got, ok := verifier.Handshake(unsigned, []Secret{secret}); ok {
		t.Errorf("Handshake() of an unsigned request = %s; want none", got.Body)
	}
	if got, ok := verifier.Handshake(unsigned, nil); ok {
		t.Errorf("Handshake() without a secret = %s; want none", got.Body)
	}
	for _, token := range []string{"v0:1786700000:{}", "a b", "a.b", `a\"b`, "", strings.Repeat("a", 65), "ü", "a\\nb"} {
		got, ok := verifier.Handshake(signBody(t, verifier, secret, body(token)), []Secret{secret})
		if ok && (got.Status != 403 || strings.Contains(string(got.Body), hexMAC(secret.Reveal(), token))) {
			t.Errorf("Handshake() of the challenge %q = %d, %s; want no MAC", token, got.Status, got.Body)
		}
	}
}

// TestHandshake_of_X_signs_no_event shows that what an unsigned challenge can be
// isn't a body that the same key signs.
func TestHandshake_of_X_signs_no_event(t *testing.T) {
	provider := *Named("generic_hmac")
	provider.handshake = &handshake{Kind: "hmac", Method: "GET", Match: "query:crc_token", Challenge: "query:crc_token", Encoding: "base64", Status: 200, Body: "{mac}"}
	verifier, _ := provider.Verifier(Options{})
	secret := parsed(t, verifier, testSecrets["plaintext"])
	for _, token := range []string{"%7B%7D", "%7B%22a%22%3A1%7D", "a%20b", strings.Repeat("a", 65), "a&crc_token=b"} {
		if got, ok := verifier.Handshake(&Request{Method: "GET", URL: testURL + "?crc_token=" + token}, []Secret{secret}); ok && got.Status != 403 {
			t.Errorf("Handshake() of %s = %+v; want a refusal", token, got)
		}
	}
}

func TestHandshake_of_meta_knows_its_token(t *testing.T) {
	verifier, secret := source(t, "meta")
	token := verifier.VerifyToken(secret)
	if len(token) != 32 || strings.Contains(secret.Reveal(), token) {
		t.Fatalf("VerifyToken() = %q", token)
	}
	for name, test := range map[string]struct {
		query  string
		status int // 0 if it isn't a handshake
		body   string
	}{
		"right":           {"hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=" + token, 200, "1158201444"},
		"wrong_token":     {"hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=" + strings.Repeat("0", 32), 403, ""},
		"the_secret":      {"hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=" + secret.Reveal(), 403, ""},
		"no_token":        {"hub.mode=subscribe&hub.challenge=1158201444", 403, ""},
		"two_tokens":      {"hub.mode=subscribe&hub.challenge=1&hub.verify_token=" + token + "&hub.verify_token=x", 403, ""},
		"markup":          {"hub.mode=subscribe&hub.challenge=%3Cscript%3E&hub.verify_token=" + token, 403, ""},
		"another_mode":    {"hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=" + token, 0, ""},
		"no_query_at_all": {"", 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := verifier.Handshake(&Request{Method: "GET", URL: testURL + "?" + test.query, ReceivedAt: testTime}, []Secret{secret})
			if ok != (test.status != 0) || ok && (got.Status != test.status || test.body != "" && string(got.Body) != test.body || strings.Contains(string(got.Body), "<")) {
				t.Errorf("Handshake() = %+v, %t; want %d, %q", got, ok, test.status, test.body)
			}
		})
	}
	if _, ok := verifier.Handshake(&Request{Method: "GET", URL: testURL + "?hub.mode=subscribe&hub.challenge=1&hub.verify_token="}, nil); !ok {
		t.Error("Handshake() without a secret isn't refused")
	}
}

func TestHandshake_of_discord_is_signed(t *testing.T) {
	provider := Named("discord")
	verifier, _ := provider.Verifier(Options{})
	request := &Request{Method: "POST", URL: testURL, Body: []byte(`{"version":1,"application_id":"1","type":0}`), ReceivedAt: testTime}
	secret := signOwn(t, verifier, request)
	if got, ok := verifier.Handshake(request, []Secret{secret}); !ok || got.Status != 204 || len(got.Body) != 0 || got.ContentType == "" {
		t.Errorf("Handshake() = %+v, %t; want 204", got, ok)
	}
	bad := changed(request, "X-Signature-Ed25519", func(value string) string { return flip(value, 10) })
	if got, ok := verifier.Handshake(bad, []Secret{secret}); ok {
		t.Errorf("Handshake() with a bad signature = %+v; want none", got)
	}
	wantCause(t, verifier.Verify(bad, []Secret{secret}), CauseSignature)
}
