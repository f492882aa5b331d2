package webhook

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"strings"
	"testing"
)

func TestRedactBody(t *testing.T) {
	body := `{"id":"evt_1", "data":{"email":"ada@example.com","by":{"email":"\u0061da\u0040Example.com"},"note":"ask o'brien+x@mail.example.com, or call","ada@example.com":1,"n":1.50,"list":["jörg@bücher.example","@here","a@b"]},"n":12345678901234567890}`
	redacted, redaction := RedactBody([]byte(body))
	want := `{"id":"evt_1", "data":{"email":"••••","by":{"email":"••••"},"note":"ask ••••, or call","••••":1,"n":1.50,"list":["••••","@here","a@b"]},"n":12345678901234567890}`
	if string(redacted) != want {
		t.Errorf("RedactBody() =\n%s, want\n%s", redacted, want)
	}
	whole := base64.StdEncoding.EncodeToString([]byte(body))
	for name, echo := range map[string]string{
		"as it is": "got ada@example.com", "in a query": "email=" + url.QueryEscape("ada@example.com"), "in a page": "<b>ada&#64;example.com</b>",
		"in JSON": `{"e":"ada\u0040example.com"}`, "base64": base64.StdEncoding.EncodeToString([]byte("ada@example.com")), "the whole in base64": whole, "another": "bob@example.org",
	} {
		if got := redaction.Text(echo); strings.Contains(got, "ada") || strings.Contains(got, "example.") || !strings.Contains(got, masked) {
			t.Errorf("%s: %q is left of %q", name, got, echo)
		}
	}
	if got := redaction.Text("nobody at all"); got != "nobody at all" {
		t.Errorf("%q", got)
	}
	if got := (*Redaction)(nil).Text("bob@example.org says hello"); got != masked+" says hello" {
		t.Errorf("%q", got)
	}
	for _, broken := range []string{"", "{", `{"email":"ada@example.com`, "plain text"} {
		RedactBody([]byte(broken)) // must not fail
	}
	if again, _ := RedactBody(redacted); !json.Valid(again) || string(again) != want {
		t.Errorf("a second time: %s", again)
	}
}

// TestRedactBody_forms_of_addresses holds that every form that a mail program may
// take for an address is masked, in a body, in what echoes it, and in what a
// receiver answers by itself.
func TestRedactBody_forms_of_addresses(t *testing.T) {
	for _, form := range []string{
		`"odd name"@secret.example`, `"odd\"name"@secret.example`, "odd@[10.0.0.1]", "odd@[IPv6:fe80::1]", "odd＠secret.example", "odd﹫secret.example",
		"odd @secret.example", "odd@ secret.example", "odd @ secret.example", "odd\u00a0@secret.example", "odd@secret。example", "odd@secret．example", "odd@secret｡example",
		"odd@sub.secret.example.", "odd@xn--secret-abc.example",
	} {
		data, err := json.Marshal(map[string]string{"note": "write to " + form + " now"})
		if err != nil {
			t.Fatal(err)
		}
		redacted, redaction := RedactBody(data)
		var got struct{ Note string }
		if err := json.Unmarshal(redacted, &got); err != nil || !strings.HasPrefix(got.Note, "write to "+masked) || !strings.HasSuffix(got.Note, " now") {
			t.Errorf("RedactBody(%s) = %s, %v", data, redacted, err)
		}
		for name, echo := range map[string]string{"as it is": form, "in JSON": string(data), "in a query": "to=" + url.QueryEscape(form), "in a path": "/" + url.PathEscape(form), "in a page": html.EscapeString(form)} {
			for known, r := range map[string]*Redaction{"known": redaction, "unknown": nil} {
				if got := r.Text(echo); strings.Contains(got, "odd") || strings.Contains(got, "secret") || strings.Contains(got, "10.0.0.1") || strings.Contains(got, "fe80") {
					t.Errorf("%s, %s: %q is left of %q", name, known, got, echo)
				}
			}
		}
	}
	for _, none := range []string{"3 items @ 3.50 each", `{"a":"x","b":"@acme.com"}`, "a@b", "@here", `"quoted" and more`, "[10.0.0.1]"} {
		if got := (*Redaction)(nil).Text(none); got != none {
			t.Errorf("%q is left of %q, which holds no address", got, none)
		}
	}
}
