package webhook

import (
	"encoding/base64"
	"encoding/json"
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
