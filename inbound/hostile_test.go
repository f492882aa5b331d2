package inbound

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// signed returns a signed sample of a provider with its verifier and secret.
func signed(t testing.TB, name, sampleType string) (*Verifier, Secret, *Request) {
	t.Helper()
	verifier, secret := source(t, name)
	request, err := verifier.SignSample(sampleType, secret, testURL, testTime)
	if err != nil {
		t.Fatalf("SignSample(%s) = %v", name, err)
	}
	return verifier, secret, request
}

func wantCause(t *testing.T, got Verification, want Cause) {
	t.Helper()
	if want == "" && got.State != Refused {
		return
	}
	if got.State != Refused || got.Cause != want {
		t.Errorf("Verify() = %s, %q; want %q", got.State, got.Cause, want)
	}
}

// TestVerify_judges_the_age_to_both_sides sends a signed request around both ends
// of the tolerance. A retry of a day later is signed anew, so nothing is lost.
func TestVerify_judges_the_age_to_both_sides(t *testing.T) {
	for _, name := range []string{"stripe", "slack", "standard_webhooks", "paddle", "linear", "zoom", "mailgun", "generic_hmac"} {
		verifier, secret, request := signed(t, name, "")
		at := testTime.Truncate(time.Second)
		for offset, want := range map[time.Duration]Cause{
			0: "", verifier.tolerance: "", -verifier.tolerance: "",
			verifier.tolerance + time.Second: CauseTooOld, -verifier.tolerance - time.Second: CauseTooNew,
			240 * time.Hour: CauseTooOld, -240 * time.Hour: CauseTooNew,
		} {
			request.ReceivedAt = at.Add(offset)
			t.Run(fmt.Sprint(name, "/", offset), func(t *testing.T) {
				got := verifier.Verify(request, []Secret{secret})
				wantCause(t, got, want)
				if got.Secret != 0 {
					t.Errorf("Verify().Secret = %d; want 0, since the signature fits", got.Secret)
				}
			})
		}
	}
}

func TestVerify_of_a_source_with_its_own_tolerance(t *testing.T) {
	verifier, faults := Named("stripe").Verifier(Options{Tolerance: time.Hour})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	_, secret, request := signed(t, "stripe", "")
	request.ReceivedAt = testTime.Add(time.Hour)
	wantCause(t, verifier.Verify(request, []Secret{secret}), "")
	request.ReceivedAt = testTime.Add(time.Hour + time.Second)
	wantCause(t, verifier.Verify(request, []Secret{secret}), CauseTooOld)
}

// TestVerify_of_malformed_headers refuses what isn't written as the provider
// writes it, and names the cause.
func TestVerify_of_malformed_headers(t *testing.T) {
	unix := strconv.FormatInt(testTime.Unix(), 10)
	mac := strings.Repeat("ab", 32)
	for name, test := range map[string]struct {
		provider, header, value string
		want                    Cause
	}{
		"stripe_empty":                {"stripe", "Stripe-Signature", "", CauseSignatureMissing},
		"stripe_without_time":         {"stripe", "Stripe-Signature", "v1=" + mac, CauseSignatureMissing},
		"stripe_two_times":            {"stripe", "Stripe-Signature", "t=" + unix + ",t=1,v1=" + mac, CauseSignatureMalformed},
		"stripe_v0_alone":             {"stripe", "Stripe-Signature", "t=" + unix + ",v0=" + mac, CauseSignatureMissing},
		"stripe_short":                {"stripe", "Stripe-Signature", "t=" + unix + ",v1=" + mac[2:], CauseSignatureMalformed},
		"stripe_long":                 {"stripe", "Stripe-Signature", "t=" + unix + ",v1=" + mac + "ab", CauseSignatureMalformed},
		"stripe_alphabet":             {"stripe", "Stripe-Signature", "t=" + unix + ",v1=" + strings.Repeat("zz", 32), CauseSignatureMalformed},
		"stripe_time_with_zero":       {"stripe", "Stripe-Signature", "t=0" + unix + ",v1=" + mac, CauseSignatureMalformed},
		"stripe_time_with_sign":       {"stripe", "Stripe-Signature", "t=+" + unix + ",v1=" + mac, CauseSignatureMalformed},
		"stripe_time_with_fraction":   {"stripe", "Stripe-Signature", "t=" + unix + ".5,v1=" + mac, CauseSignatureMalformed},
		"stripe_time_of_digits":       {"stripe", "Stripe-Signature", "t=" + strings.Repeat("9", 400) + ",v1=" + mac, CauseSignatureMalformed},
		"stripe_time_of_year_10000":   {"stripe", "Stripe-Signature", "t=253402300800,v1=" + mac, CauseSignatureMalformed},
		"stripe_wrong":                {"stripe", "Stripe-Signature", "t=" + unix + ",v1=" + mac, CauseSignature},
		"stripe_many":                 {"stripe", "Stripe-Signature", "t=" + unix + strings.Repeat(",v1="+mac, 17), CauseSignatureMalformed},
		"stripe_endless":              {"stripe", "Stripe-Signature", "t=" + unix + ",v1=" + strings.Repeat("a", 1<<20), CauseSignatureMalformed},
		"github_without_prefix":       {"github", "X-Hub-Signature-256", mac, CauseSignatureMalformed},
		"github_sha1":                 {"github", "X-Hub-Signature-256", "sha1=" + mac[:40], CauseSignatureMalformed},
		"github_base64":               {"github", "X-Hub-Signature-256", "sha256=q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=", CauseSignatureMalformed},
		"shopify_hex":                 {"shopify", "X-Shopify-Hmac-Sha256", mac, CauseSignatureMalformed},
		"shopify_line_break":          {"shopify", "X-Shopify-Hmac-Sha256", "q6urq6urq6urq6urq6urq6urq6u\nq6urq6urq6urq6urq6s", CauseSignatureMalformed},
		"standard_v1a_alone":          {"standard_webhooks", "webhook-signature", "v1a,q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=", CauseSignatureMissing},
		"basic_of_another_scheme":     {"basic", "Authorization", "Bearer abc", CauseSignatureMalformed},
		"basic_not_base64":            {"basic", "Authorization", "Basic %%%", CauseSignatureMalformed},
		"token_empty":                 {"token", "Authorization", "", CauseSignatureMalformed},
		"token_wrong":                 {"token", "Authorization", "Bearer x", CauseSignature},
		"token_endless":               {"token", "Authorization", strings.Repeat("x", maxHeaderValue+1), CauseSignatureMalformed},
		"twilio_short":                {"twilio", "X-Twilio-Signature", "RSOYDt4T1cUTdK1PDd93", CauseSignatureMalformed},
		"discord_not_hex":             {"discord", "X-Signature-Ed25519", strings.Repeat("zz", 64), CauseSignatureMissing},
		"sendgrid_of_a_length_of_des": {"sendgrid", "X-Twilio-Email-Event-Webhook-Signature", strings.Repeat("A", 400), CauseSignatureMissing},
	} {
		t.Run(name, func(t *testing.T) {
			verifier, secret := source(t, test.provider)
			request := &Request{Method: "POST", URL: testURL, Headers: []Header{{test.header, test.value}}, Body: []byte("{}"), ReceivedAt: testTime}
			if test.provider == "standard_webhooks" {
				request.Headers = append(request.Headers, Header{"webhook-id", "msg_1"}, Header{"webhook-timestamp", unix})
			}
			wantCause(t, verifier.Verify(request, []Secret{secret}), test.want)
		})
	}
}

// TestVerify_refuses_two_headers shows that each header that proves something may
// come once: readers could differ over which of two counts.
func TestVerify_refuses_two_headers(t *testing.T) {
	for _, provider := range Providers() {
		if len(provider.Samples) == 0 || provider.Name == "none" {
			continue
		}
		verifier, secret, request := signed(t, provider.Name, "")
		for _, carrier := range verifier.Carriers() {
			value, count := request.header(carrier)
			if count == 0 || slicesContainsFold(provider.carriers, carrier) {
				continue
			}
			t.Run(provider.Name+"/"+carrier, func(t *testing.T) {
				other := *request
				other.Headers = append([]Header{{strings.ToUpper(carrier), value}}, request.Headers...)
				wantCause(t, verifier.Verify(&other, []Secret{secret}), CauseSignatureMalformed)
			})
		}
	}
}

func slicesContainsFold(list []string, name string) bool {
	for _, other := range list {
		if strings.EqualFold(other, name) {
			return true
		}
	}
	return false
}

// TestVerify_tries_every_secret shows rotation: several signatures against several
// secrets, in any order, and hex in either case.
func TestVerify_tries_every_secret(t *testing.T) {
	verifier, secret, request := signed(t, "stripe", "")
	other := parsed(t, verifier, "whsec_zzzzzzzzzzzzzzzzzzzzzzzzzzzz")
	for i, secrets := range [][]Secret{{secret, other}, {other, secret}} {
		if got := verifier.Verify(request, secrets); got.State != Verified || got.Secret != i {
			t.Errorf("Verify() = %+v; want secret %d", got, i)
		}
	}
	many := changed(request, "Stripe-Signature", func(value string) string {
		at, signature, _ := strings.Cut(value, ",")
		return at + ",v0=" + strings.Repeat("00", 32) + ",v1=zz,v1=" + strings.Repeat("00", 32) + "," + strings.ToUpper(signature[3:]) + ", v1=" + strings.ToUpper(signature[3:])
	})
	wantCause(t, verifier.Verify(many, []Secret{other, secret}), "")
	wantCause(t, verifier.Verify(request, []Secret{other}), CauseSignature)
	wantCause(t, verifier.Verify(request, nil), CauseSignature)
	wantCause(t, verifier.Verify(request, []Secret{{}}), CauseSignature)
}

// TestVerify_without_a_secret lets nothing in, at any provider: neither no secret
// nor an empty one is a key.
func TestVerify_without_a_secret(t *testing.T) {
	for _, provider := range Providers() {
		if len(provider.Samples) == 0 || provider.Name == "none" {
			continue
		}
		verifier, _, request := signed(t, provider.Name, "")
		for _, secrets := range [][]Secret{nil, {}, {{}}, {{}, {}}} {
			if got := verifier.Verify(request, secrets); got.State != Refused {
				t.Errorf("%s: Verify() with %d empty secrets = %+v; want it refused", provider.Name, len(secrets), got)
			}
		}
		for _, text := range []string{"", " ", "\n", "\r\n\t "} {
			if _, err := verifier.ParseSecret(text); err == nil {
				t.Errorf("%s: ParseSecret(%q) took an empty secret", provider.Name, text)
			}
		}
	}
}

// TestVerify_of_10000_headers refuses without looking at them all for each check.
func TestVerify_of_10000_headers(t *testing.T) {
	verifier, secret, request := signed(t, "stripe", "")
	for i := range 10_000 {
		request.Headers = append(request.Headers, Header{"X-Filler-" + strconv.Itoa(i), "x"})
	}
	wantCause(t, verifier.Verify(request, []Secret{secret}), CauseSignatureMalformed)
	request.Headers = request.Headers[:maxHeaders]
	wantCause(t, verifier.Verify(request, []Secret{secret}), "")
}

// TestUnreadable_bodies shows that bytes are verified whatever they are, and that
// what can't be read as JSON has no id, no type and no time.
func TestUnreadable_bodies(t *testing.T) {
	for name, body := range map[string][]byte{
		"empty": {}, "text": []byte("hello"), "cut": []byte(`{"id":"evt_1","type":"a"`), "binary": {0, 0xff, 0xfe, 1, 2}, "two_values": []byte(`{"id":"evt_1"}{"id":"evt_2"}`),
		"a_name_twice": []byte(`{"id":"evt_1","id":"evt_2","type":"a"}`), "not_UTF-8": []byte("{\"id\":\"\xff\"}"), "deep": bytes.Repeat([]byte("["), 100_000), "an_array": []byte(`[1,2]`), "null": []byte("null"),
	} {
		for _, provider := range []string{"stripe", "github", "none", "sendgrid", "adyen", "mailgun", "linear", "meta"} {
			t.Run(name+"/"+provider, func(t *testing.T) {
				verifier, _ := source(t, provider)
				request := &Request{Method: "POST", URL: testURL, Body: body, ReceivedAt: testTime}
				if verifier.code == nil && verifier.scheme().isMAC() && provider != "linear" {
					secret := signOwn(t, verifier, request)
					wantCause(t, verifier.Verify(request, []Secret{secret}), "")
				}
				if got := verifier.Identify(request, Verified); got.ID != "" || got.Type != "" || !got.Time.IsZero() {
					t.Errorf("Identify() = %+v; want nothing", got)
				}
				items, err := verifier.Items(request)
				if verifier.provider.batch == nil && (err != nil || len(items) != 1) {
					t.Errorf("Items() returned %d items, %v; want one", len(items), err)
				}
				if len(items) == 1 && items[0].Body != nil && !jsontext.Value(items[0].Body).IsValid() {
					t.Errorf("Items() returned %.40q, which isn't JSON", items[0].Body)
				}
				verifier.Diagnose(request, nil, nil)
			})
		}
	}
}

// TestVerify_of_credentials refuses a credential with any one byte changed, one
// byte more or one less.
func TestVerify_of_credentials(t *testing.T) {
	for _, name := range []string{"token", "basic", "gitlab_token", "revenuecat"} {
		verifier, secret, request := signed(t, name, "")
		text := secret.Reveal()
		others := []string{text + "x", text[:len(text)-1]}
		for at := range text {
			if text[at] != ':' {
				others = append(others, flip(text, at))
			}
		}
		for _, other := range others {
			wrong, err := newSecret(other, verifier.scheme())
			if err != nil {
				t.Fatal(err)
			}
			wantCause(t, verifier.Verify(request, []Secret{wrong}), CauseSignature)
		}
	}
}
