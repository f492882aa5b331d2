package webhook

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// newTestSender makes a sender that may call loopback, and trusts the server.
func newTestSender(t testing.TB, trusted *x509.Certificate) *Sender {
	t.Helper()
	return senderWith(t, newTestGuard("127.0.0.0/8", "::1/128"), trusted)
}

func senderWith(t testing.TB, guard *Guard, trusted *x509.Certificate) *Sender {
	t.Helper()
	s := NewSender(guard, time.Now)
	if trusted != nil {
		s.tls.RootCAs = x509.NewCertPool()
		s.tls.RootCAs.AddCert(trusted)
	}
	t.Cleanup(s.Close)
	return s
}

func receiver(t testing.TB, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

func secureReceiver(t testing.TB, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

func messageTo(t testing.TB, url string) Message {
	t.Helper()
	secret := parsed(t, vectorSecret)
	return Message{
		EventID: "evt_1", EventType: "org.created", DeliveryID: "dlv_1", URL: url,
		Body:    []byte(`{"id":"evt_1","type":"org.created","data":{"n":9007199254740993}}`),
		Secrets: []Secret{secret}, Legacy: secret, Number: 1, Timeout: 5 * time.Second,
	}
}

// received is what a receiver got of one request.
type received struct {
	proto  string
	header http.Header
	body   []byte
}

func recording(got chan<- received) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- received{r.Proto, r.Header, body}
		w.WriteHeader(http.StatusNoContent)
	}
}

func verify(t *testing.T, secret Secret, got received) {
	t.Helper()
	webhook, err := standardwebhooks.NewWebhook(secret.StandardForm())
	if err != nil {
		t.Fatal(err)
	}
	if err := webhook.Verify(got.body, got.header); err != nil {
		t.Error(err)
	}
}

func TestSender_official_library_verifies(t *testing.T) {
	got := make(chan received, 1)
	plain, secure := receiver(t, recording(got)), secureReceiver(t, recording(got))
	for name, url := range map[string]string{"HTTP/1.1": plain.URL, "HTTP/2.0": secure.URL} {
		t.Run(name, func(t *testing.T) {
			m := messageTo(t, url)
			old, text := NewSecret(), parsed(t, vectorText)
			m.Secrets = []Secret{m.Secrets[0], old, text}
			exchange := newTestSender(t, secure.Certificate()).Send(t.Context(), m)
			if exchange.Cause != "" {
				t.Fatalf("%+v", exchange)
			}
			r := <-got
			for _, secret := range m.Secrets {
				verify(t, secret, r)
			}
			if r.proto != name {
				t.Errorf("sent by %s", r.proto)
			}
			if !bytes.Equal(r.body, m.Body) {
				t.Errorf("got %s", r.body)
			}
			if n := len(strings.Fields(r.header.Get("Webhook-Signature"))); n != 3 {
				t.Errorf("%d signatures", n)
			}
		})
	}
}

func TestSender_headers(t *testing.T) {
	got := make(chan received, 1)
	server := receiver(t, recording(got))
	s := newTestSender(t, nil)
	calls := int64(0)
	s.now = func() time.Time { calls++; return time.Unix(vectorTime.Unix()-1+calls-1, 0) }
	m := messageTo(t, server.URL+"/hook?a=b")
	m.EventID, m.Body, m.Number, m.Test = vectorID, []byte(vectorBody), 3, true
	m.Format = FormatV1TimestampBody
	m.Headers = []Header{{"X-Token", "s3cret-value"}, {"Host", "evil.test"}, {"webhook-signature", "v1,forged"}, {"X-Bad", "a\r\nb: c"}}
	exchange := s.Send(t.Context(), m)
	r := <-got

	// The second reading of the clock is the one at writing.
	stamp := strconv.FormatInt(vectorTime.Unix(), 10)
	want := []Header{
		{"content-type", "application/json"},
		{"user-agent", "Hookwell-Webhooks/1.0"},
		{"webhook-id", vectorID},
		{"webhook-timestamp", stamp},
		{"webhook-signature", m.Secrets[0].Sign(vectorID, vectorTime, m.Body)},
		{"x-webhook-event", "org.created"},
		{"x-webhook-delivery-id", "dlv_1"},
		{"x-webhook-timestamp", stamp},
		{"x-webhook-signature", m.Format.Sign(m.Legacy, vectorTime, m.Body)},
		{"x-webhook-retry", "2"},
		{"x-webhook-test", "true"},
		{"X-Token", "••••"},
		{"accept-encoding", "gzip"},
		{"host", strings.TrimPrefix(server.URL, "http://")},
		{"content-length", strconv.Itoa(len(vectorBody))},
	}
	if diff := cmp.Diff(want, exchange.RequestHeaders); diff != "" {
		t.Error(diff)
	}
	sent := 0
	for _, header := range want {
		value := header.Value
		switch header.Name {
		case "X-Token":
			value = "s3cret-value"
		case "host":
			continue // net/http takes it out of the headers
		}
		sent++
		if diff := cmp.Diff([]string{value}, r.header.Values(header.Name)); diff != "" {
			t.Errorf("%s: %s", header.Name, diff)
		}
	}
	if len(r.header) != sent {
		t.Errorf("%d headers arrived, %d were meant to: %v", len(r.header), sent, r.header)
	}
}

func TestSender_status_alone_decides(t *testing.T) {
	const future = "Tue, 03 Mar 2099 13:00:00 GMT"
	cases := map[string]struct {
		code       int
		retryAfter string
		cause      Cause
		wait       time.Duration
	}{
		"200": {200, "", "", 0}, "201": {201, "", "", 0}, "204": {204, "", "", 0}, "299": {299, "5", "", 0},
		"301": {301, "", CauseRedirect, 0}, "302": {302, "", CauseRedirect, 0}, "303": {303, "", CauseRedirect, 0},
		"307": {307, "", CauseRedirect, 0}, "308": {308, "", CauseRedirect, 0},
		"300": {300, "", CauseStatus, 0}, "304": {304, "", CauseStatus, 0},
		"400": {400, "5", CauseStatus, 0}, "401": {401, "", CauseStatus, 0}, "410": {410, "", CauseStatus, 0},
		"429_seconds": {429, "90", CauseStatus, 90 * time.Second}, "503_date": {503, future, CauseStatus, 24 * time.Hour},
		"503_negative": {503, "-5", CauseStatus, 0}, "503_huge": {503, "99999999999999999999", CauseStatus, 24 * time.Hour},
		"503_garbage": {503, "soon", CauseStatus, 0}, "500_without": {500, "", CauseStatus, 0}, "599": {599, "1", CauseStatus, time.Second},
	}
	var hits atomic.Int32
	target := receiver(t, func(http.ResponseWriter, *http.Request) { hits.Add(1) })
	server := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		code, _ := strconv.Atoi(r.URL.Query().Get("code"))
		w.Header().Set("Location", target.URL)
		if wait := r.URL.Query().Get("wait"); wait != "" {
			w.Header().Set("Retry-After", strings.ReplaceAll(wait, "_", " "))
		}
		w.WriteHeader(code)
	})
	s := newTestSender(t, nil)
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			url := fmt.Sprintf("%s/?code=%d&wait=%s", server.URL, test.code, strings.ReplaceAll(test.retryAfter, " ", "_"))
			exchange := s.Send(t.Context(), messageTo(t, url))
			if exchange.StatusCode != test.code || exchange.Cause != test.cause || exchange.RetryAfter != test.wait {
				t.Errorf("got %d %q, wait %v: %s", exchange.StatusCode, exchange.Cause, exchange.RetryAfter, exchange.Error)
			}
			if (exchange.Error == "") != (test.cause == "") {
				t.Errorf("%q: %q", exchange.Cause, exchange.Error)
			}
		})
	}
	if n := hits.Load(); n > 0 {
		t.Errorf("%d redirects were followed", n)
	}
}

func TestSender_redirects_are_not_followed(t *testing.T) {
	var hits atomic.Int32
	for name, location := range map[string]string{"to_metadata": "http://169.254.169.254/latest/meta-data", "to_itself": "/"} {
		t.Run(name, func(t *testing.T) {
			hits.Store(0)
			server := receiver(t, func(w http.ResponseWriter, r *http.Request) {
				hits.Add(1)
				http.Redirect(w, r, location, http.StatusTemporaryRedirect)
			})
			exchange := newTestSender(t, nil).Send(t.Context(), messageTo(t, server.URL))
			if exchange.Cause != CauseRedirect || hits.Load() != 1 {
				t.Errorf("%q after %d requests", exchange.Cause, hits.Load())
			}
		})
	}
}

func TestSender_informational_status_is_no_answer(t *testing.T) {
	server := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	if exchange := newTestSender(t, nil).Send(t.Context(), messageTo(t, server.URL)); exchange.StatusCode != 503 {
		t.Errorf("%+v", exchange)
	}
	switching := rawReceiver(t, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", stay)
	exchange := newTestSender(t, nil).Send(t.Context(), messageTo(t, switching))
	if exchange.StatusCode != 101 || exchange.Cause != CauseStatus {
		t.Errorf("%+v", exchange)
	}
}

func TestSender_keeps_connections(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.RemoteAddr) }
	plain, secure := receiver(t, handler), secureReceiver(t, handler)
	for name, url := range map[string]string{"plain": plain.URL, "TLS": secure.URL} {
		t.Run(name, func(t *testing.T) {
			s := newTestSender(t, secure.Certificate())
			first := s.Send(t.Context(), messageTo(t, url))
			second := s.Send(t.Context(), messageTo(t, url))
			if string(first.ResponseBody) != string(second.ResponseBody) {
				t.Errorf("from %s, then from %s", first.ResponseBody, second.ResponseBody)
			}
			if first.Timings.Connect == 0 || first.Timings.FirstByte == 0 || (first.Timings.TLS > 0) != (name == "TLS") {
				t.Errorf("first %+v", first.Timings)
			}
			if again := second.Timings; again.DNS+again.Connect+again.TLS > 0 || again.FirstByte == 0 {
				t.Errorf("second %+v", again)
			}
			if first.Duration == 0 || first.RemoteAddress != strings.SplitN(url, "//", 2)[1] || second.RemoteAddress != first.RemoteAddress {
				t.Errorf("%+v", first)
			}
			if want := map[string]string{"plain": "", "TLS": "TLS 1.3"}[name]; second.TLSVersion != want {
				t.Errorf("TLS version %q", second.TLSVersion)
			}
		})
	}
}

func TestSender_interrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		cancel()
		<-r.Context().Done()
	})
	exchange := newTestSender(t, nil).Send(ctx, messageTo(t, server.URL))
	if exchange.Cause != CauseInterrupted || exchange.Error == "" {
		t.Errorf("%+v", exchange)
	}
	again := newTestSender(t, nil).Send(ctx, messageTo(t, server.URL))
	if again.Cause != CauseInterrupted {
		t.Errorf("with an ended context: %+v", again)
	}
	if len(again.RequestHeaders) == 0 {
		t.Error("what would have been sent is not told")
	}
}

func TestSender_refuses_a_URL_that_could_not_be_saved(t *testing.T) {
	for _, url := range []string{"", "ftp://127.0.0.1/", "http://0x7f000001/", "http://a@127.0.0.1/", "http://127.0.0.1/\r\nx: y"} {
		exchange := newTestSender(t, nil).Send(t.Context(), messageTo(t, url))
		if exchange.Cause != CauseBlocked || exchange.Error == "" {
			t.Errorf("%q: %+v", url, exchange)
		}
	}
}

func TestNewSender_has_no_proxy(t *testing.T) {
	if newTestSender(t, nil).transport.Proxy != nil {
		t.Error("a proxy would call past the guard")
	}
}

func BenchmarkSend(b *testing.B) {
	server := receiver(b, func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
	s, m := newTestSender(b, nil), messageTo(b, server.URL)
	b.ReportAllocs()
	for b.Loop() {
		if exchange := s.Send(b.Context(), m); exchange.Cause != "" {
			b.Fatal(exchange.Error)
		}
	}
}
