package webhook

import (
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// echo is a receiver that shows everything it has, in every encoding.
func echo(secrets []Secret) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		shown := []string{r.Header.Get("Authorization"), r.Header.Get("X-Token")}
		for _, secret := range secrets {
			key := secret.held().key
			shown = append(shown, secret.Reveal(), secret.StandardForm(), string(key), hex.EncodeToString(key),
				strings.ToUpper(hex.EncodeToString([]byte(secret.Reveal()))), base64.URLEncoding.EncodeToString(key),
				base64.StdEncoding.EncodeToString([]byte(secret.Reveal())))
		}
		out := gzip.NewWriter(w)
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("X-Echo", r.Header.Get("X-Token"))
		w.Header().Set("X-Secret", secrets[0].Reveal())
		for _, text := range shown {
			quoted, _ := json.Marshal(text)
			fmt.Fprintln(out, text, string(quoted), strings.ReplaceAll(string(quoted), "/", `\/`), url.QueryEscape(text), html.EscapeString(text))
		}
		out.Close()
	}
}

func TestSender_masks_what_a_receiver_echoes(t *testing.T) {
	secrets := []Secret{parsed(t, "whsec_++//AAECAwQFBgcICQoLDA0ODxAREhMU"), parsed(t, `an "imported" <secret> & more/text`), NewSecret()}
	server := receiver(t, echo(secrets))
	m := messageTo(t, server.URL)
	m.Secrets, m.Legacy = secrets[:2], secrets[2]
	m.Headers = []Header{{"Authorization", "Bearer s3cr/et+token=="}, {"X-Token", `tok"en<1>&/2`}}
	exchange := newTestSender(t, nil).Send(t.Context(), m)
	shown := string(exchange.ResponseBody) + fmt.Sprintf("%+v", exchange)
	if !strings.Contains(shown, "••••") {
		t.Fatalf("nothing is masked in %s", shown)
	}
	for _, part := range []string{"s3cr", "token==", `tok"en`, `tok\"en`, "tok&#34;en", "tok%22en", "imported", "AAECAwQF", "000102030405",
		strings.TrimPrefix(secrets[2].Reveal(), "whsec_")[:12], hex.EncodeToString(secrets[2].held().key)[:12], "696d706f", "YW4gImltcG"} {
		if strings.Contains(strings.ToLower(shown), strings.ToLower(part)) {
			t.Errorf("%q is shown in %s", part, shown)
		}
	}
}

func TestMask_knows_the_encodings_of_a_header_value(t *testing.T) {
	const value = `tok"en<1>&/2?~ÿ` // escaped by every encoding, and apart in both base64s
	whole := `{"Accept":"*/*","X-Token":` + "%s" + `,"X-B":"b"}`
	forms := map[string]string{
		"json_of_most_languages": `tok\"en<1>&/2?~ÿ`,
		"json_of_go":             `tok\"en\u003c1\u003e\u0026/2?~ÿ`,
		"small_percents":         "tok%22en%3c1%3e%26%2f2%3f~%c3%bf",
		"page":                   "tok&quot;en&lt;1&gt;&amp;/2?~ÿ",
		"hex":                    hex.EncodeToString([]byte(value)),
		"base64":                 base64.StdEncoding.EncodeToString([]byte(value)),
		"url_base64":             base64.URLEncoding.EncodeToString([]byte(value)),
	}
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			mask := newMask(&Message{Headers: []Header{{"X-Token", value}}})
			if got := mask.text("before " + form + " after"); !strings.Contains(got, "before ••••") || len(got) > len("before •••• after")+3 {
				t.Errorf("%s is shown as %s", form, got)
			}
		})
	}
	t.Run("base64_of_text_around_it", func(t *testing.T) {
		for shift := range 3 {
			mask := newMask(&Message{Headers: []Header{{"X-Token", value}}})
			text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("-", shift) + fmt.Sprintf(whole, value)))
			before, after, ok := strings.Cut(mask.text(text), "••••")
			if !ok || len(before)+len(after) > base64.StdEncoding.EncodedLen(shift+len(whole)+4) {
				t.Errorf("shifted by %d it is shown as %s", shift, mask.text(text))
			}
		}
	})
}

// A receiver that checks Basic credentials has them decoded, and shows them so.
func TestMask_knows_what_basic_credentials_say(t *testing.T) {
	basic := func(scheme, text string) string { return scheme + base64.StdEncoding.EncodeToString([]byte(text)) }
	for name, test := range map[string]struct{ value, said, want string }{
		"user_and_password":   {basic("Basic ", "shop:pa:ss/wörd"), "no access for shop:pa:ss/wörd", "no access for ••••"},
		"password":            {basic("Basic ", "shop:pa:ss/wörd"), "shop has not pa:ss/wörd", "shop has not ••••"},
		"password_in_a_query": {basic("basic ", "shop:pa:ss/wörd"), "?p=pa%3Ass%2Fw%C3%B6rd", "?p=••••"},
		"key_as_user":         {basic("Basic ", "sk_live_1:"), "unknown key sk_live_1.", "unknown key ••••."},
		"without_padding":     {"Basic " + base64.RawStdEncoding.EncodeToString([]byte("shop:letmein")), "letmein", "••••"},
		"two_spaces":          {basic("Basic  ", "shop:letmein"), "letmein", "••••"},
		"short_password":      {basic("Basic ", "shop:abc"), "abc shop:abc", "abc ••••"},
		"no_base64":           {"Basic shop:letmein", "letmein shop:letmein", "letmein ••••"},
		"another_scheme":      {basic("Bearer ", "shop:letmein"), "letmein", "letmein"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := newMask(&Message{Headers: []Header{{"Authorization", test.value}}}).text(test.said); got != test.want {
				t.Errorf("text(%q) returned %q; want %q", test.said, got, test.want)
			}
		})
	}
}

func TestMask_leaves_short_values_and_other_text_alone(t *testing.T) {
	mask := newMask(&Message{Headers: []Header{{"X-A", "abc"}, {"X-B", "long-enough"}}})
	if got := mask.text("abc long-enough long"); got != "abc •••• long" {
		t.Errorf("got %q", got)
	}
}

func TestSender_masks_before_it_cuts(t *testing.T) {
	const token = "a-token-across-the-edge"
	server := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, strings.Repeat("x", maxResponseKept-8), r.Header.Get("X-Token"))
	})
	m := messageTo(t, server.URL)
	m.Headers = []Header{{"X-Token", token}}
	exchange := newTestSender(t, nil).Send(t.Context(), m)
	if strings.Contains(string(exchange.ResponseBody), token[:4]) {
		t.Errorf("ends with %q", exchange.ResponseBody[maxResponseKept-16:])
	}
}

// What is read of a body ends at 64 KiB, or where the receiver cut it, perhaps
// within a secret. Masking may shorten the text so far that this end is kept.
func TestSender_masks_a_secret_that_is_cut(t *testing.T) {
	const token, other = "a-token-that-is-cut", "other a-token-that-is-longer"
	long := strings.Repeat("x", 1<<10)
	cases := map[string]func(w http.ResponseWriter, said string){
		"by_us": func(w http.ResponseWriter, said string) { fmt.Fprint(w, said, long) },
		"by_a_receiver": func(w http.ResponseWriter, said string) {
			w.Header().Set("Content-Length", "70000")
			fmt.Fprint(w, said)
		},
		"in_gzip": func(w http.ResponseWriter, said string) {
			w.Header().Set("Content-Encoding", "gzip")
			out := gzip.NewWriter(w)
			fmt.Fprint(out, said, long)
			out.Close()
		},
	}
	for name, say := range cases {
		for part, shown := range map[string]string{token: masked, other: masked, token[:len(token)-1]: masked, token[:minMasked]: masked, other[:20]: masked, "abc" + base64.StdEncoding.EncodeToString([]byte(token))[:9]: "abc" + masked, "a-t": "a-t", "nothing": "nothing"} {
			t.Run(name+"/"+part, func(t *testing.T) {
				filler := strings.Repeat(long, (maxResponseRead-len(part))/(1<<10)+1)[:maxResponseRead-len(part)-1] + " "
				server := receiver(t, func(w http.ResponseWriter, _ *http.Request) { say(w, filler+part) })
				m := messageTo(t, server.URL)
				m.Headers = []Header{{"X-Token", token}, {"X-Other", other}, {"X-Long", long}}
				exchange := newTestSender(t, nil).Send(t.Context(), m)
				body := string(exchange.ResponseBody)
				if !exchange.Truncated && name != "by_a_receiver" || len(body) > 4<<10 || !strings.HasSuffix(body, " "+shown) {
					t.Errorf("Send() recorded %d bytes that end with %q, truncated %v; want the end %q", len(body), body[max(len(body)-40, 0):], exchange.Truncated, shown)
				}
			})
		}
	}
}

// What is added to mask a beginning is never shown.
func TestMask_adds_nothing_to_a_cut_text(t *testing.T) {
	mask := newMask(&Message{Headers: []Header{{"X-A", "long-enough-abcd"}, {"X-B", "abcdeSECRET"}}})
	for said, want := range map[string]string{
		"see long-enough-abcde": "see long-enough-••••",
		"see abcdeSEC":          "see ••••",
		"see abcdeSECRET":       "see ••••",
		"abcde":                 "••••", // shorter than all that is hidden
		"":                      "",
	} {
		if got := string(mask.cutBytes([]byte(said))); got != want {
			t.Errorf("cutBytes(%q) returned %q; want %q", said, got, want)
		}
	}
}

func TestBeginning_is_the_longest(t *testing.T) {
	for _, hidden := range []string{"abcd", "aaaa", "abab", "aabaab", "ababac", "b"} {
		for n := range 1 << 10 {
			text := strings.NewReplacer("0", "a", "1", "b").Replace(fmt.Sprintf("%b", n)) + hidden[:n%len(hidden)]
			want := min(len(text), len(hidden))
			for !strings.HasSuffix(text, hidden[:want]) {
				want--
			}
			if got := beginning([]byte(text), hidden); got != want {
				t.Fatalf("beginning(%q, %q) returned %d; want %d", text, hidden, got, want)
			}
		}
	}
}

// An echo may come as the name of a header, whose capitals HTTP changes.
func TestSender_masks_the_names_of_headers(t *testing.T) {
	const token = "tOkEn-LiKe_A.NaMe"
	for _, http2 := range []bool{false, true} {
		t.Run(fmt.Sprintf("HTTP/2_%v", http2), func(t *testing.T) {
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header()[r.Header.Get("X-Token")] = []string{"a"}
				w.Header().Set("X-"+r.Header.Get("X-Token")+"-And-"+r.Header.Get("X-Token"), "b")
				w.Header().Set("X-Request-Id", "c")
			}))
			server.EnableHTTP2 = http2
			server.StartTLS()
			t.Cleanup(server.Close)
			m := messageTo(t, server.URL)
			m.Headers = []Header{{"X-Token", token}}
			exchange := newTestSender(t, server.Certificate()).Send(t.Context(), m)
			var names []string
			for _, h := range exchange.ResponseHeaders {
				names = append(names, h.Name)
			}
			if got, want := strings.Join(names, " "), "Content-Length Date X-Request-Id X-••••-And-•••• ••••"; got != want {
				t.Errorf("recorded the names %q; want %q; %s", got, want, exchange.Error)
			}
		})
	}
}

// What is prepared for one endpoint hides nothing less, and is not used for
// another.
func TestMessage_prepared_masks_the_same(t *testing.T) {
	secret, headers := NewSecret(), []Header{{"X-Token", "a-token-to-hide"}}
	m := Message{URL: "https://example.com/", Secrets: []Secret{secret}, Legacy: secret, Headers: headers}
	bare := m
	m.Prepare()
	text := "a-token-to-hide " + secret.Reveal() + " " + secret.StandardForm()
	for range 2 {
		if got, want := newMask(&m).text(text), newMask(&bare).text(text); got != want || strings.Contains(got, "hide") {
			t.Errorf("prepared: %q; otherwise %q", got, want)
		}
	}
	if m.shared() == nil {
		t.Error("what was prepared is not used")
	}
	for name, change := range map[string]func(*Message){
		"headers": func(m *Message) { m.Headers = []Header{{"X-Token", "another-one"}} },
		"secrets": func(m *Message) { m.Secrets = []Secret{NewSecret()} },
		"legacy":  func(m *Message) { m.Legacy = NewSecret() },
		"URL":     func(m *Message) { m.URL = "https://other.example/" },
	} {
		changed := m
		change(&changed)
		if changed.shared() != nil {
			t.Errorf("with other %s, what was prepared is used still", name)
		}
		if to, err := changed.target(); err != nil || to.url.String() != changed.URL {
			t.Errorf("with other %s, the target is %v, %v", name, to, err)
		}
	}
	long := Message{URL: "https://example.com/", Headers: []Header{{"X-Token", strings.Repeat("long", 200)}}}
	long.Prepare()
	if got := newMask(&long).text(long.Headers[0].Value); got != masked || long.prepared().hidden != nil {
		t.Errorf("a long value: %q, %d texts kept", got, len(long.prepared().hidden))
	}
	m.Headers = nil
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		if shown := fmt.Sprintf(verb, m) + fmt.Sprintf(verb, &m); strings.Contains(shown, strings.TrimPrefix(secret.Reveal(), secretPrefix)) {
			t.Errorf("%s of a prepared message shows its secret: %s", verb, shown)
		}
	}
}

func BenchmarkMask(b *testing.B) {
	secret, body := NewSecret(), []byte(strings.Repeat("x", 1024))
	m := &Message{Secrets: []Secret{secret}, Legacy: secret, Headers: []Header{{"Authorization", "Bearer abcdefghijkl"}}}
	for _, test := range []string{"each", "prepared"} {
		if test == "prepared" {
			m.Prepare()
		}
		b.Run(test, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				newMask(m).bytes(body)
			}
		})
	}
}
