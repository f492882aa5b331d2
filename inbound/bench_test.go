package inbound

import (
	"strings"
	"testing"
)

// BenchmarkVerify checks one request of a typical size by each kind of scheme.
func BenchmarkVerify(b *testing.B) {
	for _, name := range []string{"stripe", "github", "standard_webhooks", "linear", "twilio", "mailgun", "adyen", "token", "basic"} {
		verifier, secret, request := signed(b, name, "")
		if verifier.code == nil {
			body := strings.TrimSuffix(string(request.Body), "}") + `,"filler":"` + strings.Repeat("x", 2000) + `"}`
			request, _ = verifier.sign(&Request{Method: "POST", URL: testURL, Body: []byte(body), ReceivedAt: testTime, Headers: fillers()}, secret, testTime)
		}
		secrets := []Secret{secret}
		if got := verifier.Verify(request, secrets); got.State == Refused {
			b.Fatalf("%s: Verify() = %+v", name, got)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				verifier.Verify(request, secrets)
			}
		})
	}
}

// fillers are the headers that come with any request.
func fillers() []Header {
	return []Header{{"Host", "hooks.example.com"}, {"User-Agent", "Sender/1.0"}, {"Accept", "*/*"}, {"Content-Type", "application/json"}, {"Content-Length", "2345"}, {"X-Forwarded-For", "192.0.2.1"}, {"X-Request-Id", "0123456789"}}
}

// BenchmarkIdentify reads id, type, time and keys of a typical request.
func BenchmarkIdentify(b *testing.B) {
	for _, name := range []string{"stripe", "github", "sendgrid"} {
		verifier, _ := source(b, name)
		request := &Request{Body: []byte(`{"id":"evt_1","type":"invoice.paid","created":1786699800,"livemode":true,"data":{"filler":"` + strings.Repeat("x", 2000) + `"}}`), Headers: fillers()}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				verifier.Identify(request, Verified)
			}
		})
	}
}

// BenchmarkApply maps Stripe's sample by the twelve shipped mappings.
func BenchmarkApply(b *testing.B) {
	verifier, _, request := signed(b, "stripe", "")
	m, _ := CompileMappings(verifier.Provider(), verifier.Provider().Mappings)
	items, err := verifier.Items(request)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		m.Apply(b.Context(), request.Headers, items)
	}
}

// BenchmarkLoad reads all templates and compiles their mappings, as the first use
// does.
func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := readProviders(providersFile, mappingsFile); err != nil {
			b.Fatal(err)
		}
	}
}
