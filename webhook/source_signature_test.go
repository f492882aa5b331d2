package webhook

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestSender_provider_signature sends what a provider signed, by both protocols.
// Nothing of Hookwell's own signatures goes along, nor anything that isn't the
// provider's proof.
func TestSender_provider_signature(t *testing.T) {
	got := make(chan received, 1)
	plain, secure := receiver(t, recording(got)), secureReceiver(t, recording(got))
	for proto, url := range map[string]string{"HTTP/1.1": plain.URL, "HTTP/2.0": secure.URL} {
		t.Run(proto, func(t *testing.T) {
			m := messageTo(t, url)
			m.Headers = []Header{{"X-Tenant", "acme"}, {"STRIPE-SIGNATURE", "t=1,v1=forged"}}
			m.Along = []Header{{"x-webhook-hop", "ours"}}
			m.Provider = []Header{{"Stripe-Signature", "t=1,v1=abc"}, {"webhook-id", "msg_theirs"}, {"webhook-signature", "v1,theirs"}, {"stripe-signature", "t=2,v1=second"},
				{"Authorization", "Bearer secret"}, {"Cookie", "a=b"}, {"Proxy-Authorization", "x"}, {"Connection", "x-a"}, {"Transfer-Encoding", "chunked"}, {"Content-Length", "1"},
				{"Host", "evil.test"}, {"X-Webhook-Hop", "forged"}, {"x-webhook-event", "forged"}, {"X-Webhook-Test", "true"}, {"X-Bad", "a\r\nb: c"}}
			exchange := newTestSender(t, secure.Certificate()).Send(t.Context(), m)
			if exchange.Cause != "" {
				t.Fatalf("Send() = %+v", exchange)
			}
			r := <-got
			want := map[string]string{"Stripe-Signature": "t=1,v1=abc", "Webhook-Id": "msg_theirs", "Webhook-Signature": "v1,theirs", "X-Webhook-Hop": "ours",
				"X-Webhook-Event": m.EventType, "X-Webhook-Delivery-Id": m.DeliveryID, "X-Tenant": "acme", "X-Webhook-Retry": "0"}
			for name, value := range want {
				if values := r.header.Values(name); !slices.Equal(values, []string{value}) {
					t.Errorf("the receiver got %s: %q, want %q alone", name, values, value)
				}
			}
			expected := append(slices.Collect(maps.Keys(want)), "Content-Type", "User-Agent", "Accept-Encoding", "Content-Length")
			for name := range r.header {
				if !slices.Contains(expected, name) {
					t.Errorf("the receiver got %s: %q, which isn't to be sent", name, r.header[name])
				}
			}
			for _, h := range exchange.RequestHeaders {
				if strings.Contains(h.Value, "secret") || strings.Contains(h.Value, "forged") {
					t.Errorf("the log shows %s: %s", h.Name, h.Value)
				}
			}
		})
	}
}

// TestSender_unsigned sends what nobody verified: there is no signature, and the
// rest is as with every event.
func TestSender_unsigned(t *testing.T) {
	got := make(chan received, 1)
	m := messageTo(t, receiver(t, recording(got)).URL)
	m.Unsigned = true
	newTestSender(t, nil).Send(t.Context(), m)
	r := <-got
	if r.header.Get("Webhook-Signature") != "" || r.header.Get("X-Webhook-Signature") != "" || r.header.Get("Webhook-Id") != m.EventID {
		t.Errorf("the receiver got %v, want an id and no signature", r.header)
	}
}

func TestParseSourceSignature(t *testing.T) {
	for text, want := range map[string]SourceSignature{"": SignedByHookwell, "hookwell": SignedByHookwell, "provider": SignedByProvider} {
		if got, err := ParseSourceSignature(text); err != nil || got != want {
			t.Errorf("ParseSourceSignature(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"Provider", "both", " hookwell"} {
		if got, err := ParseSourceSignature(text); err == nil || !strings.Contains(err.Error(), "hookwell or provider") {
			t.Errorf("ParseSourceSignature(%q) = %q, %v; want an error that lists the values", text, got, err)
		}
	}
}
