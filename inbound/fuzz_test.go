package inbound

import (
	"encoding/json"
	"testing"
	"unicode/utf8"
)

// FuzzSignatureHeader reads any text as a signature header of each format. Nothing
// but the true signature verifies.
func FuzzSignatureHeader(f *testing.F) {
	for _, seed := range []string{"t=1,v1=ab", "v1,AAAA v1a,AAAA", "sha256=00", ",,,", "t=1,t=2", "v1=", "=", "v0=\x00", "ts=1;h1=0;h1=1", "Basic dTpw"} {
		f.Add(seed)
	}
	type made struct {
		verifier *Verifier
		secrets  []Secret
		request  *Request
	}
	var all []made
	for _, name := range []string{"stripe", "github", "shopify", "standard_webhooks", "paddle", "zoom", "token", "basic", "twilio", "generic_hmac"} {
		verifier, secret, request := signed(f, name, "")
		all = append(all, made{verifier, []Secret{secret}, request})
	}
	discord, _ := source(f, "discord")
	request := &Request{Method: "POST", URL: testURL, Body: []byte("{}"), ReceivedAt: testTime}
	all = append(all, made{discord, []Secret{signOwn(f, discord, request)}, request})
	f.Fuzz(func(t *testing.T, text string) {
		for _, m := range all {
			header := m.verifier.scheme().Signature.Header
			value, _ := m.request.header(header)
			other := changed(m.request, header, func(string) string { return text })
			if got := m.verifier.Verify(other, m.secrets); got.State != Refused && len(text) < len(value)/2 {
				t.Errorf("%s: Verify() of %s %q = %+v", m.verifier.provider.Name, header, text, got)
			}
			m.verifier.Diagnose(other, m.secrets, nil)
		}
	})
}

// FuzzMessage compiles any text as a message template. What compiles has parts
// that make the text again.
func FuzzMessage(f *testing.F) {
	for _, seed := range []string{"{body}", "{timestamp}.{body}", "v0:{timestamp}:{body}", "{header:X-Id}.{body}", "{{body}}", "{", "}", "{header:}", "{method}{url}{body}{timestamp}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parts, err := parseMessage(text)
		if err != nil {
			return
		}
		names := map[partKind]string{partBody: "{body}", partTimestamp: "{timestamp}", partURL: "{url}", partMethod: "{method}"}
		again := ""
		for _, part := range parts {
			switch part.kind {
			case partLiteral:
				again += part.text
			case partHeader:
				again += "{header:" + part.text + "}"
			default:
				again += names[part.kind]
			}
		}
		if again != text {
			t.Errorf("parseMessage(%q) makes %q", text, again)
		}
		scheme := own(func(s *Scheme) { s.Message = text })
		scheme.faults()
	})
}

// FuzzMapping compiles any text as a mapping, and applies what compiles.
func FuzzMapping(f *testing.F) {
	for _, list := range []string{"stripe", "revenuecat", "polar"} {
		for _, mapping := range Named(list).Mappings {
			f.Add([]byte(mapping), []byte(`{"created":1,"data":{"object":{"id":"x","amount_paid":1}}}`))
		}
	}
	f.Add([]byte(valued(`{"cel":"body.map(x, x)"}`)), []byte(`[1,2]`))
	f.Fuzz(func(t *testing.T, mapping, body []byte) {
		m, faults := CompileMappings(Named("generic_hmac"), []json.RawMessage{mapping})
		if len(faults) > 0 {
			for _, fault := range faults {
				if fault.More == 0 && (fault.Field == "" || fault.Message == "" || !utf8.ValidString(fault.Message)) {
					t.Errorf("CompileMappings() = %+v", fault)
				}
			}
			return
		}
		kind := m.list[0].events[0]
		result := m.Apply(t.Context(), nil, []Item{{ID: "1", Type: kind, Body: body}})[0]
		for _, event := range result.Events {
			if data, err := event.Data(PaymentTotal{}); err == nil && !json.Valid(data) {
				t.Errorf("Data() = %s, which isn't JSON", data)
			}
			if event.Identity == "" || len(event.Identity) > MaxExternalID || !utf8.ValidString(event.Identity) {
				t.Errorf("Identity = %q", event.Identity)
			}
		}
	})
}

// FuzzIdentify reads any body as each provider's.
func FuzzIdentify(f *testing.F) {
	for _, seed := range []string{`{"id":"x"}`, `[{"event":"a"}]`, `{"entry":[{"changes":[{"field":"f"}]}]}`, "payload=%7B%7D", `{"notificationItems":[{"NotificationRequestItem":{}}]}`, `{"signature":{"timestamp":1,"token":"t","signature":"00"}}`} {
		f.Add([]byte(seed), "application/json")
	}
	f.Add([]byte("a=b&a=c"), "application/x-www-form-urlencoded")
	f.Fuzz(func(t *testing.T, body []byte, media string) {
		request := &Request{Method: "POST", URL: testURL, Body: body, Headers: []Header{{"Content-Type", media}}, ReceivedAt: testTime}
		for _, provider := range Providers() {
			verifier, _ := provider.Verifier(Options{})
			verifier.Verify(request, nil)
			verifier.Handshake(request, nil)
			identity := verifier.Identify(request, Verified)
			if len(identity.ID) > MaxExternalID || !utf8.ValidString(identity.ID+identity.Type) || !catalogType.MatchString(identity.RelayType("src")) {
				t.Errorf("%s: Identify() = %+v", provider.Name, identity)
			}
			items, err := verifier.Items(request)
			if err != nil {
				continue
			}
			for _, item := range items {
				verifier.MailReport(item)
				verifier.Organization(item)
			}
		}
	})
}
