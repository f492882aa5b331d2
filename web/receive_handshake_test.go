package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"hookwell/inbound"
	"hookwell/models"
)

const handshakeSecret = "a secret of handshakes, long enough"

// asking makes a source of a provider that asks before it sends.
func (d *door) asking(t *testing.T, provider, secret string) *models.Source {
	t.Helper()
	in := models.NewSourceInput()
	in.Name, in.Provider = provider, provider
	if secret != "" {
		in.Secrets = []string{secret}
	}
	s, err := d.tenant.Receiving().CreateSource(t.Context(), in)
	must(t, err)
	return s
}

func keyed(message string) string {
	mac := hmac.New(sha256.New, []byte(handshakeSecret))
	io.WriteString(mac, message)
	return hex.EncodeToString(mac.Sum(nil))
}

// v0 signs a body as Slack and Zoom do.
func (d *door) v0(body, signature, stamp string) *inbound.Request {
	at := fmt.Sprint(d.Now().Unix())
	return &inbound.Request{Method: http.MethodPost, Body: []byte(body), Headers: []inbound.Header{{Name: "Content-Type", Value: "application/json"},
		{Name: stamp, Value: at}, {Name: signature, Value: "v0=" + keyed("v0:"+at+":"+body)}}}
}

// wantAnswer sends a request and compares status and body.
func (d *door) wantAnswer(t *testing.T, in *inbound.Request, path string, status int, body string) {
	t.Helper()
	response := d.send(t, in, path, false)
	got, err := io.ReadAll(response.Body)
	must(t, err)
	if response.StatusCode != status || body != "" && !strings.Contains(string(got), body) {
		t.Errorf("%s returned %s %q; want %d with %q", in.Method, response.Status, got, status, body)
	}
}

// wantHandshake finds the newest request of a source on record as a handshake.
func (d *door) wantHandshakes(t *testing.T, s *models.Source, want int) {
	t.Helper()
	n := 0
	for _, q := range d.requests(t, s) {
		if q.Reason == models.ReasonHandshake {
			if n++; q.Processing != models.ProcessingIgnored || q.State != inbound.Unverified || len(q.Events) != 0 {
				t.Errorf("the handshake is %q, %q with %d events; want it ignored", q.State, q.Processing, len(q.Events))
			}
		}
	}
	if n != want {
		t.Errorf("%d handshakes are on record; want %d", n, want)
	}
}

func TestReceive_handshake_of_slack(t *testing.T) {
	eachDoor(t, func(t *testing.T, d *door) {
		const body = `{"token":"x","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmd","type":"url_verification"}`
		s := d.asking(t, "slack", "")
		unsigned := &inbound.Request{Method: http.MethodPost, Body: []byte(body), Headers: []inbound.Header{{Name: "Content-Type", Value: "application/json"}}}
		d.wantAnswer(t, unsigned, s.Path, 200, "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmd")
		_, err := d.tenant.Receiving().AddSourceSecret(t.Context(), s.ID, handshakeSecret, nil)
		must(t, err)
		d.clock.Advance(2e9) // until then a process may have the source as it was
		d.wantAnswer(t, unsigned, s.Path, 401, "")
		d.wantAnswer(t, d.v0(body, "X-Slack-Signature", "X-Slack-Request-Timestamp"), s.Path, 200, "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmd")
		d.wantHandshakes(t, s, 2)
		// What stands in a challenge is text of the answer's origin.
		markup := strings.ReplaceAll(body, "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmd", "<script>")
		d.wantAnswer(t, d.v0(markup, "X-Slack-Signature", "X-Slack-Request-Timestamp"), s.Path, 403, "")
	})
}

func TestReceive_handshake_of_zoom(t *testing.T) {
	eachDoor(t, func(t *testing.T, d *door) {
		const body = `{"event":"endpoint.url_validation","payload":{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"},"event_ts":1654503849680}`
		s := d.asking(t, "zoom", handshakeSecret)
		mac := keyed("qgg8vlvZRS6UYooatFL8Aw")
		d.wantAnswer(t, d.v0(body, "x-zm-signature", "x-zm-request-timestamp"), s.Path, 200, `{"plainToken":"qgg8vlvZRS6UYooatFL8Aw","encryptedToken":"`+mac+`"}`)
		d.wantHandshakes(t, s, 1)
		unsigned := &inbound.Request{Method: http.MethodPost, Body: []byte(body)}
		wrong := d.v0(body, "x-zm-signature", "x-zm-request-timestamp")
		wrong.Headers[2].Value = "v0=" + strings.Repeat("0", 64)
		for name, in := range map[string]*inbound.Request{"unsigned": unsigned, "signed by somebody else": wrong} {
			response := d.send(t, in, s.Path, false)
			got, err := io.ReadAll(response.Body)
			must(t, err)
			if response.StatusCode != 401 || strings.Contains(string(got), mac) {
				t.Errorf("a handshake that is %s returned %s %q; want 401 and no MAC", name, response.Status, got)
			}
		}
		d.wantHandshakes(t, s, 1)
	})
}

func TestReceive_handshake_of_meta(t *testing.T) {
	eachDoor(t, func(t *testing.T, d *door) {
		s := d.asking(t, "meta", handshakeSecret)
		opened, err := d.Engine().SourceByToken(t.Context(), strings.TrimPrefix(s.Path, models.ReceivePath))
		must(t, err)
		token := opened.Verifier.VerifyToken(opened.Secrets[0])
		ask := func(token string) string {
			return s.Path + "?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=" + token
		}
		get := &inbound.Request{Method: http.MethodGet}
		d.wantAnswer(t, get, ask(token), 200, "1158201444")
		d.wantAnswer(t, get, ask(strings.Repeat("0", 32)), 403, "")
		d.wantHandshakes(t, s, 2)
		for _, q := range d.requests(t, s) {
			if strings.Contains(q.Query, token) {
				t.Errorf("the record has the verify token: %q", q.Query)
			}
		}
	})
}

// TestReceive_handshakes_a_minute has somebody who knows the URL, but not the token,
// ask over and over: the provider still gets its answer.
func TestReceive_handshakes_a_minute(t *testing.T) {
	eachDoor(t, func(t *testing.T, d *door) {
		s := d.asking(t, "meta", handshakeSecret)
		opened, err := d.Engine().SourceByToken(t.Context(), strings.TrimPrefix(s.Path, models.ReceivePath))
		must(t, err)
		get := &inbound.Request{Method: http.MethodGet}
		ask := func(token string) int {
			return d.send(t, get, s.Path+"?hub.mode=subscribe&hub.challenge=1&hub.verify_token="+token, false).StatusCode
		}
		counts := map[int]int{}
		for range inbound.HandshakesPerMinute + 5 {
			counts[ask("wrong")]++
		}
		if counts[403] != inbound.HandshakesPerMinute || counts[429] != 5 {
			t.Errorf("wrong tokens got %v; want %d times 403, then 429", counts, inbound.HandshakesPerMinute)
		}
		clear(counts)
		for range inbound.HandshakesPerMinute + 5 {
			counts[ask(opened.Verifier.VerifyToken(opened.Secrets[0]))]++
		}
		if counts[200] != inbound.HandshakesPerMinute || counts[429] != 5 {
			t.Errorf("the right token got %v; want %d times 200, then 429", counts, inbound.HandshakesPerMinute)
		}
		d.wantHandshakes(t, s, 2*inbound.HandshakesPerMinute)
		d.clock.Advance(60e9)
		if status := ask(opened.Verifier.VerifyToken(opened.Secrets[0])); status != 200 {
			t.Errorf("a minute later the right token got %d; want 200", status)
		}
	})
}
