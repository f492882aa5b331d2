package inbound

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"
)

// own returns a scheme without faults, changed by a function.
func own(change func(*Scheme)) *Scheme {
	scheme := Scheme{Algorithm: "hmac-sha256", Encoding: "hex", Key: "utf8", Signature: &SignaturePlace{Header: "X-Signature"}, Message: "{timestamp}.{body}",
		Timestamp: &TimestampPlace{From: "header", Name: "X-Time", Unit: "s", ToleranceSeconds: 300}}
	change(&scheme)
	return &scheme
}

// TestScheme_faults finds every fault of an own scheme at its field, at once.
func TestScheme_faults(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Scheme)
		want   []string
	}{
		"none":                  {func(*Scheme) {}, nil},
		"algorithm":             {func(s *Scheme) { s.Algorithm = "hmac-md5" }, []string{"scheme.algorithm"}},
		"no_algorithm":          {func(s *Scheme) { s.Algorithm = "" }, []string{"scheme.algorithm"}},
		"none_would_let_all_in": {func(s *Scheme) { *s = Scheme{Algorithm: "none"} }, []string{"scheme.algorithm"}},
		"a_token":               {func(s *Scheme) { *s = Scheme{Algorithm: "token", Signature: s.Signature} }, []string{"scheme.algorithm"}},
		"several":               {func(s *Scheme) { s.Encoding, s.Key, s.Signature.Header = "octal", "", "a b" }, []string{"scheme.encoding", "scheme.key", "scheme.signature.header"}},
		"no_signature":          {func(s *Scheme) { s.Signature = nil }, []string{"scheme.signature"}},
		"format":                {func(s *Scheme) { s.Signature.Format = "triples" }, []string{"scheme.signature.format"}},
		"pairs_without_key":     {func(s *Scheme) { s.Signature.Format = "pairs" }, []string{"scheme.signature.key", "scheme.signature.separator"}},
		"plain_with_separator":  {func(s *Scheme) { s.Signature.Separator = "," }, []string{"scheme.signature.separator"}},
		"two_prefixes":          {func(s *Scheme) { s.Signature.Prefix, s.Signature.OptionalPrefix = "a", "b" }, []string{"scheme.signature.optionalPrefix"}},
		"a_line_break":          {func(s *Scheme) { s.Signature.Prefix = "a\r\nX: y" }, []string{"scheme.signature.prefix"}},
		"no_message":            {func(s *Scheme) { s.Message, s.Timestamp = "", nil }, []string{"scheme.message"}},
		"no_body":               {func(s *Scheme) { s.Message = "{timestamp}" }, []string{"scheme.message"}},
		"two_bodies":            {func(s *Scheme) { s.Message = "{timestamp}{body}{body}" }, []string{"scheme.message"}},
		"unknown_placeholder":   {func(s *Scheme) { s.Message = "{timestamp}{body}{host}" }, []string{"scheme.message"}},
		"open_brace":            {func(s *Scheme) { s.Message = "{timestamp}.{body" }, []string{"scheme.message"}},
		"closing_brace":         {func(s *Scheme) { s.Message = "{timestamp}.{body}}" }, []string{"scheme.message"}},
		"endless":               {func(s *Scheme) { s.Message = "{timestamp}.{body}" + strings.Repeat("x", 500) }, []string{"scheme.message"}},
		"header_beside_body":    {func(s *Scheme) { s.Message = "{timestamp}.{header:X-Id}{body}" }, []string{"scheme.message"}},
		"header_apart":          {func(s *Scheme) { s.Message = "{header:X-Id}.{timestamp}.{body}" }, nil},
		"time_missing":          {func(s *Scheme) { s.Timestamp = nil }, []string{"scheme.timestamp"}},
		"time_unsigned":         {func(s *Scheme) { s.Message = "{body}" }, []string{"scheme.message"}},
		"time_of_no_pair":       {func(s *Scheme) { s.Timestamp.From = "signature" }, []string{"scheme.timestamp.from"}},
		"time_in_the_signature's_key": {func(s *Scheme) {
			*s.Signature = SignaturePlace{Header: "X", Format: "pairs", Key: "v1", Separator: ","}
			s.Timestamp.From, s.Timestamp.Name = "signature", "v1"
		}, []string{"scheme.timestamp.name"}},
		"time_in_the_body":   {func(s *Scheme) { s.Message = "{body}"; s.Timestamp.From, s.Timestamp.Name = "json", "$.at" }, nil},
		"time_in_a_bad_path": {func(s *Scheme) { s.Message = "{body}"; s.Timestamp.From, s.Timestamp.Name = "json", "at" }, []string{"scheme.timestamp.name"}},
		"no_tolerance":       {func(s *Scheme) { s.Timestamp.ToleranceSeconds = 0 }, []string{"scheme.timestamp.toleranceSeconds"}},
		"endless_tolerance":  {func(s *Scheme) { s.Timestamp.ToleranceSeconds = 1 << 30 }, []string{"scheme.timestamp.toleranceSeconds"}},
		"unit":               {func(s *Scheme) { s.Timestamp.Unit = "min" }, []string{"scheme.timestamp.unit"}},
	} {
		t.Run(name, func(t *testing.T) {
			verifier, faults := Named("generic_hmac").Verifier(Options{Scheme: own(test.change)})
			got := fields(faults)
			slices.Sort(got)
			if !slices.Equal(got, test.want) || (verifier == nil) != (len(test.want) > 0) {
				t.Errorf("Verifier() = %v; want faults at %q", faults, test.want)
			}
		})
	}
	for _, name := range []string{"stripe", "basic", "none"} {
		if _, faults := Named(name).Verifier(Options{Scheme: own(func(*Scheme) {})}); len(faults) == 0 {
			t.Errorf("%s took an own scheme", name)
		}
	}
	if _, faults := Named("stripe").Verifier(Options{Tolerance: -1, Dedupe: "luck"}); !slices.Equal(fields(faults), []string{"toleranceSeconds", "dedupe"}) {
		t.Errorf("Verifier() = %v; want faults at toleranceSeconds and dedupe", faults)
	}
}

// TestScheme_as_JSON survives the way into a row and back.
func TestScheme_as_JSON(t *testing.T) {
	for _, provider := range Providers() {
		text, err := json.Marshal(provider.Scheme())
		if err != nil {
			t.Fatal(err)
		}
		var back Scheme
		if err := json.Unmarshal(text, &back); err != nil || fmt.Sprint(back.Signature) != fmt.Sprint(provider.Scheme().Signature) || back.Message != provider.Scheme().Message {
			t.Errorf("%s: %s read back is %+v, %v", provider.Name, text, back, err)
		}
	}
}

// TestSecrets_hide_themselves prints a secret in every way that a log or a page
// could.
func TestSecrets_hide_themselves(t *testing.T) {
	_, secret := source(t, "stripe")
	marshalled, err := json.Marshal(map[string]any{"secret": secret})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(secret), fmt.Sprintf("%#v %+v %s %x %q", secret, secret, secret, secret, secret), string(marshalled), slog.AnyValue(secret).Resolve().String(),
		fmt.Sprintf("%+v", struct{ s Secret }{secret}), fmt.Sprintf("%+v", []Secret{secret})} {
		if strings.Contains(text, secret.Reveal()) || strings.Contains(text, secret.Reveal()[6:20]) {
			t.Errorf("a secret shows itself: %s", text)
		}
	}
}

// TestParseSecret takes the form of each provider and refuses other things that
// people paste.
func TestParseSecret(t *testing.T) {
	for text, provider := range map[string]string{
		"whsec_short": "stripe", "ntfset_01": "paddle", "ep_123456789012345678": "resend", "re_123456789012345678": "resend", "short": "generic_hmac",
		"two\nlines-of-text": "generic_hmac", "a\x00bcdefgh": "token", "nocolonatall": "basic", ":passwordalone": "basic", "user:short": "basic",
		"zz782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056": "adyen", "SG.abcdefghijkl": "sendgrid", "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE": "sendgrid",
		"79b5562e": "discord", "AC00000000000000000000000000000000": "twilio", "xoxb-123456789": "slack", strings.Repeat("x", MaxSecretText+1): "token", "any-secret": "none",
		"whsec_%%%%%%%%%%%%%%%%%%%%": "standard_webhooks",
	} {
		verifier, faults := Named(provider).Verifier(Options{})
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		if _, err := verifier.ParseSecret(text); err == nil || strings.Contains(err.Error(), text) || !strings.HasSuffix(err.Error(), ".") {
			t.Errorf("%s: ParseSecret(%.30q) = %v; want a sentence without the text", provider, text, err)
		}
	}
	verifier, _ := source(t, "revenuecat")
	for _, text := range []string{"Bearer my-shared-secret", "my-shared-secret"} {
		if got := parsed(t, verifier, text).Reveal(); got != "my-shared-secret" {
			t.Errorf("ParseSecret(%q) keeps %q", text, got)
		}
		for _, value := range []string{"Bearer my-shared-secret", "my-shared-secret"} {
			wantCause(t, verifier.Verify(&Request{Headers: []Header{{"authorization", value}}, ReceivedAt: testTime}, []Secret{parsed(t, verifier, text)}), "")
		}
	}
}

// TestCarriers says which headers an endpoint gets with the provider's own
// signature, and which never leave.
func TestCarriers(t *testing.T) {
	for name, want := range map[string]struct {
		carriers  []string
		relayable bool
	}{
		"stripe":       {[]string{"stripe-signature"}, true},
		"github":       {[]string{"x-hub-signature-256", "x-github-event", "x-github-delivery", "x-github-hook-id"}, true},
		"resend":       {[]string{"svix-signature", "svix-timestamp", "svix-id", "webhook-signature", "webhook-timestamp", "webhook-id"}, true},
		"twilio":       {nil, false},
		"gitlab_token": {nil, false},
		"basic":        {nil, false},
		"none":         {nil, false},
		"mailgun":      {nil, true},
	} {
		verifier, _ := source(t, name)
		if got := verifier.Carriers(); want.carriers != nil && !slices.Equal(got, want.carriers) {
			t.Errorf("%s: Carriers() = %q; want %q", name, got, want.carriers)
		}
		if got := verifier.Relayable(); got != want.relayable {
			t.Errorf("%s: Relayable() = %t", name, got)
		}
		if got := verifier.Credentials(); !slices.Contains(got, "authorization") || (name == "gitlab_token") != slices.Contains(got, "x-gitlab-token") {
			t.Errorf("%s: Credentials() = %q", name, got)
		}
	}
}

// TestProviders_are_complete shows that each template says what a person does.
func TestProviders_are_complete(t *testing.T) {
	for _, provider := range Providers() {
		verifier, _ := source(t, provider.Name)
		setup := provider.Setup
		if setup.Events == "" || len(setup.Steps) == 0 || len(provider.Methods) == 0 || verifier.method == "" {
			t.Errorf("%s: %+v", provider.Name, setup)
		}
		if verifier.NeedsSecret() && (setup.SecretName == "" || setup.SecretPlace == "" || setup.SecretMade != "user" && setup.SecretMade != "provider") {
			t.Errorf("%s: the secret isn't explained: %+v", provider.Name, setup)
		}
		for _, text := range append(slices.Clone(setup.Steps), setup.SecretPlace) {
			if text != "" && !strings.HasSuffix(text, ".") {
				t.Errorf("%s: %q isn't a sentence", provider.Name, text)
			}
		}
		if got := verifier.Tolerance(); provider.Scheme().Timestamp != nil && got != time.Duration(provider.Scheme().Timestamp.ToleranceSeconds)*time.Second {
			t.Errorf("%s: Tolerance() = %s", provider.Name, got)
		}
	}
}

// TestSignSample_of_a_public_key says that nobody but the sender can sign.
func TestSignSample_of_a_public_key(t *testing.T) {
	verifier, faults := Named("generic_hmac").Verifier(Options{Scheme: own(func(s *Scheme) { s.Algorithm, s.Key = "ed25519", "hex" })})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	if _, err := verifier.SignSample("", parsed(t, verifier, testSecrets["discord"]), testURL, testTime); err == nil || !strings.Contains(err.Error(), "private key") {
		t.Errorf("SignSample() = %v; want a sentence about the private key", err)
	}
	for name, kind := range map[string]string{"sendgrid": "", "stripe": "unheard.of"} {
		verifier, secret := source(t, name)
		if _, err := verifier.SignSample(kind, secret, testURL, testTime); err == nil {
			t.Errorf("%s: SignSample(%q) signed something", name, kind)
		}
	}
	stripe, _ := source(t, "stripe")
	if _, err := stripe.SignSample("", Secret{}, testURL, testTime); err == nil {
		t.Error("SignSample() without a secret signed something")
	}
}
