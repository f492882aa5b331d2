package inbound

import (
	"context"
	"testing"
	"time"

	"hookwell/webhook"
)

// testSecrets are secrets in the form of each provider that signs with one.
var testSecrets = map[string]string{
	"stripe": "whsec_0123456789abcdefghijklmnopqrstuv", "paddle": "pdl_ntfset_01hsdn8d43dt7mezr1ef2jtbaw_hKkRiCGyyRhbFwIUuqiTBgI7gnWoV0Gr",
	"postmark": "hookwell:correct-horse", "chargebee": "hookwell:correct-horse", "basic": "hookwell:correct-horse",
	"adyen":     "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056",
	"sendgrid":  "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEDr2LjtURuePQzplybdC+u4CwrqDqBaWjcMMsTbhdbcwHBcepxo7yAQGhHPTnlvFYPAZFceEu/1FwCM/QmGUhA==",
	"discord":   "79b5562e8fe654f94078b112e8a98ba7901f853ae695bed7e0e3910bad049664",
	"":          "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
	"plaintext": "8f742231b10e8888abcd99yyyzzz85a5",
}

var testTime = time.Date(2026, 8, 14, 9, 30, 0, 0, time.UTC)

const testURL = "https://hooks.example.com/in/q7f2m4x9kd3wz8t5b1vn6hjc0rypaesg"

// source returns a provider's verifier with a secret in its form.
func source(t testing.TB, name string) (*Verifier, Secret) {
	t.Helper()
	provider := Named(name)
	if provider == nil {
		t.Fatalf("Named(%q) = nil", name)
	}
	verifier, faults := provider.Verifier(Options{})
	if len(faults) > 0 {
		t.Fatalf("%s: Verifier() = %v", name, faults)
	}
	if !verifier.NeedsSecret() {
		return verifier, Secret{}
	}
	text, ok := testSecrets[name]
	if !ok {
		text = testSecrets["plaintext"]
		if scheme := provider.Scheme(); scheme.Key == "whsec" {
			text = testSecrets[""]
		}
	}
	return verifier, parsed(t, verifier, text)
}

func parsed(t testing.TB, verifier *Verifier, text string) Secret {
	t.Helper()
	secret, err := verifier.ParseSecret(text)
	if err != nil {
		t.Fatalf("%s: ParseSecret() = %v", verifier.Provider().Name, err)
	}
	return secret
}

// TestSamples signs every shipped sample, verifies it, and shows that its
// mappings make data that the catalog's schemas take.
func TestSamples(t *testing.T) {
	catalog, err := webhook.NewCatalog(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, provider := range Providers() {
		verifier, secret := source(t, provider.Name)
		mappings, faults := CompileMappings(provider, provider.Mappings)
		if len(faults) > 0 {
			t.Fatalf("%s: CompileMappings() = %v", provider.Name, faults)
		}
		used := map[string]bool{}
		for _, sample := range provider.Samples {
			t.Run(provider.Name+"/"+sample.Type, func(t *testing.T) {
				request, err := verifier.SignSample(sample.Type, secret, testURL, testTime)
				if err != nil {
					t.Fatalf("SignSample() = %v", err)
				}
				result := verifier.Verify(request, []Secret{secret})
				if want := wantState(provider); result.State != want {
					t.Fatalf("Verify() = %+v; want %s", result, want)
				}
				identity := verifier.Identify(request, result.State)
				if identity.Type != sample.Type && provider.Name != "supabase" && provider.Name != "twilio" && provider.Name != "meta" {
					t.Errorf("Identify().Type = %q; want %q", identity.Type, sample.Type)
				}
				items, err := verifier.Items(request)
				if err != nil || len(items) != 1 {
					t.Fatalf("Items() returned %d items, %v", len(items), err)
				}
				got := mappings.Apply(context.Background(), request.Headers, items)[0]
				if want := len(provider.Mappings) > 0; (got.Outcome == OutcomeMapped) != want {
					t.Fatalf("Apply() = %s, %v", got.Outcome, got.Err)
				}
				for _, event := range got.Events {
					used[event.Mapping] = true
					refund := PaymentTotal{}
					if event.Payment != nil && event.Payment.Refund != nil {
						refund.Refunded = *event.Payment.Refund
					}
					data, err := event.Data(refund)
					if err != nil {
						t.Fatalf("Data() = %v", err)
					}
					if faults := catalog.Validate(event.Type, data); len(faults) > 0 {
						t.Errorf("%s by %s: %v\n%s", event.Type, event.Mapping, faults, data)
					}
					if event.OccurredAt.IsZero() || event.Identity == "" {
						t.Errorf("%s: identity %q at %s", event.Mapping, event.Identity, event.OccurredAt)
					}
				}
			})
		}
		for _, mapping := range mappings.list {
			if !used[mapping.name] && testing.Verbose() {
				t.Logf("%s: no sample becomes %s", provider.Name, mapping.name)
			}
		}
	}
}

// wantState is what the requests of a provider are once they are verified.
func wantState(provider *Provider) State {
	switch scheme := provider.Scheme(); {
	case scheme.Algorithm == algorithmNone:
		return Unverified
	case !scheme.signs(), provider.Name == "mailgun", provider.Name == "adyen":
		return Authenticated
	}
	return Verified
}
