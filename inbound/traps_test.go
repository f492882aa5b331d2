package inbound

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The tests in this file have what receivers of these providers get wrong. Their
// names say the rule.

const trapBody = `{"id":"evt_1","type":"a.b"}`

var trapTime = strconv.FormatInt(testTime.Unix(), 10)

func trapRequest(headers ...Header) *Request {
	return &Request{Method: "POST", URL: testURL, Headers: headers, Body: []byte(trapBody), ReceivedAt: testTime}
}

// macOf is an HMAC-SHA256 by the standard library alone.
func macOf(key []byte, texts ...string) []byte {
	keyed := hmac.New(sha256.New, key)
	for _, text := range texts {
		keyed.Write([]byte(text))
	}
	return keyed.Sum(nil)
}

func TestTrap_shopify_signs_in_base64_of_the_raw_digest(t *testing.T) {
	verifier, secret := source(t, "shopify")
	digest := macOf([]byte(secret.Reveal()), trapBody)
	wantCause(t, verifier.Verify(trapRequest(Header{"x-shopify-hmac-sha256", base64.StdEncoding.EncodeToString(digest)}), []Secret{secret}), "")
	wantCause(t, verifier.Verify(trapRequest(Header{"x-shopify-hmac-sha256", base64.StdEncoding.EncodeToString([]byte(hex.EncodeToString(digest)))}), []Secret{secret}), CauseSignatureMalformed)
}

func TestTrap_the_key_of_stripe_and_polar_is_the_whole_text(t *testing.T) {
	verifier, secret := source(t, "stripe")
	wantCause(t, verifier.Verify(trapRequest(Header{"Stripe-Signature", "t=" + trapTime + ",v1=" + hex.EncodeToString(macOf([]byte(secret.Reveal()), trapTime+".", trapBody))}), []Secret{secret}), "")
	polar, _ := source(t, "polar")
	key := parsed(t, polar, "polar_whs_ZGVtbw")
	signature := base64.StdEncoding.EncodeToString(macOf([]byte("polar_whs_ZGVtbw"), "msg_1."+trapTime+".", trapBody))
	wantCause(t, polar.Verify(trapRequest(Header{"webhook-id", "msg_1"}, Header{"webhook-timestamp", trapTime}, Header{"webhook-signature", "v1," + signature}), []Secret{key}), "")
}

func TestTrap_the_key_of_standard_webhooks_is_what_the_base64_decodes_to(t *testing.T) {
	key, _ := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	signature := "v1," + base64.StdEncoding.EncodeToString(macOf(key, "msg_1."+trapTime+".", trapBody))
	for _, text := range []string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "v1,whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"} {
		for _, name := range []string{"supabase", "standard_webhooks", "resend"} {
			verifier, _ := source(t, name)
			wantCause(t, verifier.Verify(trapRequest(Header{"webhook-id", "msg_1"}, Header{"webhook-timestamp", trapTime}, Header{"webhook-signature", signature}), []Secret{parsed(t, verifier, text)}), "")
		}
	}
}

func TestTrap_all_headers_come_from_one_family(t *testing.T) {
	verifier, secret, good := signed(t, "resend", "")
	wantCause(t, verifier.Verify(good, []Secret{secret}), "")
	mixed := *good
	mixed.Headers = slices.Clone(good.Headers)
	for i, header := range mixed.Headers {
		if header.Name == "svix-id" {
			mixed.Headers[i].Name = "webhook-id"
		}
	}
	wantCause(t, verifier.Verify(&mixed, []Secret{secret}), CauseSignatureMalformed)
}

func TestTrap_an_id_with_a_dot_would_move_the_time(t *testing.T) {
	verifier, secret := source(t, "standard_webhooks")
	key, _ := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	signature := "v1," + base64.StdEncoding.EncodeToString(macOf(key, "msg.1."+trapTime+".", trapBody))
	wantCause(t, verifier.Verify(trapRequest(Header{"webhook-id", "msg.1"}, Header{"webhook-timestamp", trapTime}, Header{"webhook-signature", signature}), []Secret{secret}), CauseSignatureMalformed)
}

func TestTrap_the_signed_URL_is_the_configured_one_and_never_the_host(t *testing.T) {
	verifier, secret, good := signed(t, "twilio", "")
	good.Headers = append(good.Headers, Header{"Host", "evil.example"}, Header{"X-Forwarded-Host", "evil.example"})
	wantCause(t, verifier.Verify(good, []Secret{secret}), "")
	good.URL = strings.Replace(good.URL, "hooks.example.com", "evil.example", 1)
	wantCause(t, verifier.Verify(good, []Secret{secret}), CauseSignature)
}

func TestTrap_a_port_or_a_slash_at_the_URL_is_the_same_URL(t *testing.T) {
	verifier, secret := source(t, "twilio")
	for _, signedURL := range []string{testURL, testURL + "/", strings.Replace(testURL, ".com", ".com:443", 1)} {
		good, err := verifier.SignSample("", secret, signedURL, testTime)
		if err != nil {
			t.Fatal(err)
		}
		good.URL = testURL
		wantCause(t, verifier.Verify(good, []Secret{secret}), "")
	}
}

func TestTrap_twilio_without_the_bodys_hash_takes_no_JSON(t *testing.T) {
	verifier, secret := source(t, "twilio")
	bare := &Request{Method: "POST", URL: testURL, ReceivedAt: testTime}
	codes["twilio"].sign(bare, secret, testTime)
	wantCause(t, verifier.Verify(bare, []Secret{secret}), "")
	bare.Body, bare.Headers = []byte(`{"a":1}`), append(bare.Headers, Header{"Content-Type", "application/json"})
	wantCause(t, verifier.Verify(bare, []Secret{secret}), CauseSignatureMalformed)
	bare.URL += "?bodySHA256=" + strings.Repeat("00", 32)
	wantCause(t, verifier.Verify(bare, []Secret{secret}), CauseSignatureMalformed)
}

func TestTrap_what_proves_no_body_is_authenticated(t *testing.T) {
	for _, name := range []string{"mailgun", "adyen", "postmark", "chargebee", "revenuecat", "gitlab_token", "token", "basic"} {
		verifier, secret, good := signed(t, name, "")
		if got := verifier.Verify(good, []Secret{secret}); got.State != Authenticated {
			t.Errorf("%s: Verify() = %+v; want authenticated", name, got)
		}
	}
}

func TestTrap_every_item_of_adyen_has_to_verify(t *testing.T) {
	verifier, secret, good := signed(t, "adyen", "")
	item := good.Body[bytes.Index(good.Body, []byte(`{"NotificationRequestItem"`)):bytes.LastIndex(good.Body, []byte("]"))]
	forged := bytes.Replace(item, []byte(`"value":4900`), []byte(`"value":1`), 1)
	two := *good
	two.Body = []byte(`{"live":"false","notificationItems":[` + string(item) + "," + string(item) + `]}`)
	wantCause(t, verifier.Verify(&two, []Secret{secret}), "")
	two.Body = []byte(`{"live":"false","notificationItems":[` + string(item) + "," + string(forged) + `]}`)
	wantCause(t, verifier.Verify(&two, []Secret{secret}), CauseSignature)
	two.Body = []byte(`{"live":"false","notificationItems":[]}`)
	wantCause(t, verifier.Verify(&two, []Secret{secret}), CauseSignatureMalformed)
	two.Body = bytes.Replace(good.Body, []byte(`"value":4900`), []byte(`"value":{"a":4900}`), 1)
	wantCause(t, verifier.Verify(&two, []Secret{secret}), CauseSignatureMalformed)
	two.Body = bytes.Replace(good.Body, []byte(`"pspReference":"`), []byte(`"pspReference":"a:`), 1)
	wantCause(t, verifier.Verify(&two, []Secret{secret}), CauseSignatureMalformed)
}

func TestTrap_an_unsigned_id_doesnt_make_an_old_body_new(t *testing.T) {
	for _, name := range []string{"github", "shopify", "linear"} {
		verifier, secret, good := signed(t, name, "")
		first := verifier.Identify(good, Verified)
		again := *good
		again.Headers = slices.Clone(good.Headers)
		for i, header := range again.Headers {
			if strings.HasSuffix(header.Name, "Delivery") || strings.HasSuffix(header.Name, "Event-Id") {
				again.Headers[i].Value = "forged"
			}
		}
		wantCause(t, verifier.Verify(&again, []Secret{secret}), "")
		second := verifier.Identify(&again, Verified)
		if second.ID != "forged" || second.IDSigned || !sharesKey(first, second) {
			t.Errorf("%s: Identify() = %+v and %+v; want a key in common", name, first, second)
		}
	}
}

func TestTrap_milliseconds_and_RFC_3339_are_times(t *testing.T) {
	for unit, text := range map[string]string{"ms": strconv.FormatInt(testTime.UnixMilli(), 10), "rfc3339": testTime.Format(time.RFC3339), "s": trapTime} {
		if got, ok := parseTimestamp(text, unit); !ok || !got.Equal(testTime) {
			t.Errorf("parseTimestamp(%q, %s) = %s, %t", text, unit, got, ok)
		}
	}
}

func TestTrap_no_id_means_the_body_tells_repeats(t *testing.T) {
	for _, name := range []string{"lemon_squeezy", "zoom", "meta", "sendgrid"} {
		verifier, _ := source(t, name)
		first, second := verifier.Identify(trapRequest(), Verified), verifier.Identify(trapRequest(), Verified)
		if len(first.Keys) != 1 || first.Keys[0].Kind != "body" || !sharesKey(first, second) {
			t.Errorf("%s: keys %+v; want the body's", name, first.Keys)
		}
	}
}

func TestTrap_dodo_sends_two_states_under_one_id(t *testing.T) {
	verifier, _ := source(t, "dodo")
	first, second := trapRequest(Header{"webhook-id", "msg_1"}), trapRequest(Header{"webhook-id", "msg_1"})
	second.Body = []byte(`{"id":"evt_1","type":"a.c"}`)
	if sharesKey(verifier.Identify(first, Verified), verifier.Identify(second, Verified)) {
		t.Error("two states of dodo share a key")
	}
	if !sharesKey(verifier.Identify(first, Verified), verifier.Identify(first, Verified)) {
		t.Error("a repeat of dodo has no key in common")
	}
}

func TestTrap_two_equal_heartbeats_are_two(t *testing.T) {
	for _, name := range []string{"token", "basic", "generic_hmac", "none", "gitlab_token"} {
		verifier, _ := source(t, name)
		beat := &Request{Method: "POST", URL: testURL, Body: []byte(`{"beat":true}`), ReceivedAt: testTime}
		if keys := verifier.Identify(beat, Authenticated).Keys; len(keys) != 0 {
			t.Errorf("%s: keys %+v; want none", name, keys)
		}
	}
}

func TestTrap_what_isnt_verified_blocks_nothing(t *testing.T) {
	verifier, _, good := signed(t, "stripe", "")
	for _, state := range []State{Refused, Unverified} {
		if keys := verifier.Identify(good, state).Keys; len(keys) != 0 {
			t.Errorf("Identify() as %s has keys %+v; want none, since a forged id would block the true event", state, keys)
		}
	}
}

func TestTrap_a_token_of_mailgun_counts_once(t *testing.T) {
	verifier, secret, good := signed(t, "mailgun", "")
	first := verifier.Identify(good, Authenticated)
	good.Body = bytes.Replace(good.Body, []byte("priya@"), []byte("other@"), 1)
	good.Body = bytes.Replace(good.Body, []byte(`"event-data":{"id":"`), []byte(`"event-data":{"id":"x`), 1)
	wantCause(t, verifier.Verify(good, []Secret{secret}), "")
	if second := verifier.Identify(good, Authenticated); !sharesKey(first, second) {
		t.Errorf("Identify() of another body with the same token = %+v; want a key in common", second.Keys)
	}
}

func TestTrap_discord_gets_401_and_204(t *testing.T) {
	if p := Named("discord"); p.Refusal != 401 || p.Success.Status != 204 || p.Success.Body != "" {
		t.Errorf("discord: %d, %+v", p.Refusal, p.Success)
	}
	for _, p := range Providers() {
		if p.Refusal == 403 || p.Refusal == 404 || p.Refusal == 406 || p.Refusal == 410 || p.Success.Status/100 != 2 {
			t.Errorf("%s: a refusal of %d stops some providers", p.Name, p.Refusal)
		}
	}
}

func TestTrap_older_signatures_are_no_way_in(t *testing.T) {
	verifier, secret := source(t, "github")
	old := trapRequest(Header{"X-Hub-Signature", "sha1=" + strings.Repeat("ab", 20)})
	wantCause(t, verifier.Verify(old, []Secret{secret}), CauseSignatureMissing)
	if got := verifier.Diagnose(old, []Secret{secret}, nil); got.Reason != ReasonDowngrade {
		t.Errorf("Diagnose() = %+v; want downgrade", got)
	}
}

func TestTrap_a_form_is_verified_as_bytes_and_read_as_JSON(t *testing.T) {
	verifier, secret := source(t, "github")
	form := &Request{Method: "POST", URL: testURL, Body: []byte("payload=%7B%22action%22%3A%22opened%22%7D"), ReceivedAt: testTime,
		Headers: []Header{{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}, {"X-GitHub-Event", "issues"}}}
	form, err := verifier.sign(form, secret, testTime)
	if err != nil {
		t.Fatal(err)
	}
	wantCause(t, verifier.Verify(form, []Secret{secret}), "")
	if got := verifier.Identify(form, Verified); got.Type != "issues.opened" {
		t.Errorf("Identify().Type = %q; want issues.opened", got.Type)
	}
}

func TestTrap_a_secrets_line_break_is_trimmed_and_an_id_is_told(t *testing.T) {
	verifier, secret := source(t, "stripe")
	if again := parsed(t, verifier, "  "+secret.Reveal()+"\r\n"); !again.Equal(secret) {
		t.Error("ParseSecret() kept the line break")
	}
	for _, text := range []string{"we_1NRxyz0123456789", "sk_live_0123456789abcdefghij", "hello world"} {
		if _, err := verifier.ParseSecret(text); err == nil || strings.Contains(err.Error(), text) {
			t.Errorf("ParseSecret() of another thing = %v; want a sentence without the text", err)
		}
	}
}

func TestTrap_the_trailing_line_break_of_a_body_is_signed(t *testing.T) {
	verifier, secret := source(t, "shopify")
	crlf := append([]byte(trapBody), "\r\n"...)
	good := &Request{Method: "POST", Body: crlf, ReceivedAt: testTime, Headers: []Header{{"X-Shopify-Hmac-Sha256", base64.StdEncoding.EncodeToString(macOf([]byte(secret.Reveal()), string(crlf)))}}}
	wantCause(t, verifier.Verify(good, []Secret{secret}), "")
	good.Body = []byte(trapBody)
	wantCause(t, verifier.Verify(good, []Secret{secret}), CauseSignature)
	if got := verifier.Diagnose(good, []Secret{secret}, nil); got.Reason != ReasonBodyTrimmed {
		t.Errorf("Diagnose() = %+v; want body_trimmed", got)
	}
}

func sharesKey(a, b Identity) bool {
	return slices.ContainsFunc(a.Keys, func(key Key) bool { return slices.Contains(b.Keys, key) })
}

// TestUnknown_provider lets nothing in, and no data with an unknown word loads.
func TestUnknown_provider(t *testing.T) {
	if got := Named("unheard_of"); got != nil {
		t.Errorf("Named() of an unknown provider = %+v; want nil", got)
	}
	good := string(providersFile)
	for what, change := range map[string][2]string{
		"algorithm":   {`"hmac-sha256"`, `"hmac-md5"`},
		"encoding":    {`"encoding": "hex"`, `"encoding": "octal"`},
		"key":         {`"key": "whsec"`, `"key": "guess"`},
		"format":      {`"format": "pairs"`, `"format": "triples"`},
		"placeholder": {`{timestamp}.{body}`, `{time}.{body}`},
		"place":       {`"header:X-GitHub-Delivery"`, `"cookie:X"`},
		"dedupe":      {`"dedupe": "id_or_body"`, `"dedupe": "luck"`},
		"code":        {`"code": "twilio"`, `"code": "magic"`},
		"handshake":   {`"kind": "echo"`, `"kind": "smile"`},
		"member":      {`"title": "Stripe"`, `"titel": "Stripe"`},
		"extra":       {`"dedupe": "id_or_body"`, `"dedupe": "id_or_body", "dedup": "none"`},
		"unit":        {`"unit": "ms"`, `"unit": "fortnights"`},
		"two_of_one":  {`"name": "github"`, `"name": "stripe"`},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		if bad == good {
			t.Fatalf("%s: %s isn't in the data", what, change[0])
		}
		if _, err := readProviders([]byte(bad), mappingsFile); err == nil {
			t.Errorf("%s: readProviders() took data with %s", what, change[1])
		}
	}
}
