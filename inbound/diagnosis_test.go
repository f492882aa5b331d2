package inbound

import (
	"strings"
	"testing"
	"time"
)

// TestDiagnose has what goes wrong between a provider and a source, each with what
// the page says.
func TestDiagnose(t *testing.T) {
	verifier, secret, request := signed(t, "stripe", "")
	other, earlier := parsed(t, verifier, "whsec_aaaaaaaaaaaaaaaaaaaaaaaa"), parsed(t, verifier, "whsec_bbbbbbbbbbbbbbbbbbbbbbbb")
	const text = `{"id":"evt_1","name":"Größe / <b>","n":1.50,"list":[1,2],"emoji":"😀"}`
	resigned := func(body string) *Request { return signBody(t, verifier, secret, body) }
	with := func(request *Request, body string) *Request {
		changed := *request
		changed.Body = []byte(body)
		return &changed
	}
	late, early := *request, *request
	late.ReceivedAt, early.ReceivedAt = testTime.Add(time.Hour), testTime.Add(-time.Hour)
	for name, test := range map[string]struct {
		request *Request
		secrets []Secret
		want    Reason
	}{
		"nothing_wrong":             {request, []Secret{secret}, ""},
		"no_secret":                 {request, nil, ReasonNoSecret},
		"wrong_secret":              {signBody(t, verifier, parsed(t, verifier, "whsec_cccccccccccccccccccccccc"), text), []Secret{secret}, ReasonWrongSecret},
		"earlier_secret":            {signBody(t, verifier, earlier, text), []Secret{secret}, ReasonEarlierSecret},
		"earlier_secret_alone":      {signBody(t, verifier, earlier, text), nil, ReasonEarlierSecret},
		"late":                      {&late, []Secret{secret}, ReasonClock},
		"early":                     {&early, []Secret{secret}, ReasonClock},
		"missing":                   {&Request{Body: []byte("{}"), ReceivedAt: testTime}, []Secret{secret}, ReasonMissing},
		"v0_alone":                  {changed(request, "Stripe-Signature", func(v string) string { return strings.Replace(v, "v1=", "v0=", 1) }), []Secret{secret}, ReasonDowngrade},
		"malformed":                 {changed(request, "Stripe-Signature", func(v string) string { return v[:len(v)-2] }), []Secret{secret}, ReasonMalformed},
		"a_line_break_was_trimmed":  {with(resigned(text+"\n"), text), []Secret{secret}, ReasonBodyTrimmed},
		"CRLF_was_trimmed":          {with(resigned(text+"\r\n"), text), []Secret{secret}, ReasonBodyTrimmed},
		"a_line_break_was_added":    {with(resigned(text), text+"\n"), []Secret{secret}, ReasonBodyTrimmed},
		"it_was_indented":           {with(resigned(text), indented(text)), []Secret{secret}, ReasonBodyReencoded},
		"it_was_made_compact":       {with(resigned(indented(text)), text), []Secret{secret}, ReasonBodyReencoded},
		"HTML_was_escaped":          {with(resigned(text), strings.NewReplacer("<", `\u003c`, ">", `\u003e`).Replace(text)), []Secret{secret}, ReasonBodyReencoded},
		"characters_were_unescaped": {with(resigned(string(asciiJSON([]byte(text)))), text), []Secret{secret}, ReasonBodyReencoded},
		"characters_were_escaped":   {with(resigned(text), string(asciiJSON([]byte(text)))), []Secret{secret}, ReasonBodyReencoded},
		"python_wrote_it":           {with(resigned(text), string(spacedJSON(asciiJSON([]byte(text)), ": ", ", "))), []Secret{secret}, ReasonBodyReencoded},
		"python_wrote_the_original": {with(resigned(string(spacedJSON([]byte(text), ": ", ", "))), text), []Secret{secret}, ReasonBodyReencoded},
		"the_charset_changed":       {with(resigned(`{"a":"Größe"}`), "{\"a\":\"Gr\xf6\xdfe\"}"), []Secret{secret}, ReasonBodyReencoded},
		"line_breaks_changed":       {with(resigned("a\r\nb"), "a\nb"), []Secret{secret}, ReasonBodyReencoded},
		"it_is_another_body":        {with(resigned(text), `{"id":"evt_2"}`), []Secret{secret}, ReasonWrongSecret},
	} {
		t.Run(name, func(t *testing.T) {
			got := verifier.Diagnose(test.request, test.secrets, []Secret{other, earlier})
			if test.want == ReasonEarlierSecret && got.Earlier != 1 {
				t.Errorf("Diagnose().Earlier = %d; want 1", got.Earlier)
			}
			if got.Reason != test.want || (got.Text == "") != (test.want == "") {
				t.Errorf("Diagnose() = %+v; want %q", got, test.want)
			}
			for _, one := range []Secret{secret, earlier, other} {
				if strings.Contains(got.Text, one.Reveal()) {
					t.Errorf("Diagnose() says a secret: %s", got.Text)
				}
			}
		})
	}
}

func indented(text string) string { return string(ofJSON(indent("  ", ""))([]byte(text))) }

func TestDiagnose_of_another_key_form_and_URL(t *testing.T) {
	scheme := Scheme{Algorithm: "hmac-sha256", Encoding: "hex", Key: "utf8", Signature: &SignaturePlace{Header: "X-Signature"}, Message: "{url}{body}"}
	verifier, faults := Named("generic_hmac").Verifier(Options{Scheme: &scheme})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	decoded := scheme
	decoded.Key = "base64"
	theirs, _ := Named("generic_hmac").Verifier(Options{Scheme: &decoded})
	const text = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	request := signBody(t, theirs, parsed(t, theirs, text), "{}")
	ours := parsed(t, verifier, text)
	if got := verifier.Diagnose(request, []Secret{ours}, nil); got.Reason != ReasonSecretForm {
		t.Errorf("Diagnose() = %+v; want secret_form", got)
	}
	request = signBody(t, verifier, ours, "{}")
	request.URL = strings.Replace(testURL, "https", "http", 1)
	if got := verifier.Diagnose(request, []Secret{ours}, nil); got.Reason != ReasonURL {
		t.Errorf("Diagnose() = %+v; want url", got)
	}
}

// TestExplain says of each state what was checked.
func TestExplain(t *testing.T) {
	for _, name := range []string{"stripe", "mailgun", "basic", "none"} {
		verifier, secret, request := signed(t, name, "")
		result := verifier.Verify(request, []Secret{secret})
		checks := verifier.Explain(request, result)
		if len(checks) == 0 || !checks[0].Passed {
			t.Errorf("%s: Explain() = %+v", name, checks)
		}
		if last := checks[len(checks)-1]; (result.State == Authenticated) != (last.Name == "Body") {
			t.Errorf("%s: Explain() = %+v; want a line about the body if it isn't proven", name, checks)
		}
		if name == "none" {
			continue
		}
		refused := verifier.Verify(request, nil)
		if checks := verifier.Explain(request, refused); checks[0].Passed {
			t.Errorf("%s: Explain() of a refusal = %+v", name, checks)
		}
	}
}
