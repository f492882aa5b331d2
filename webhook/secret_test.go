package webhook

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestParseSecret(t *testing.T) {
	encoded := func(n int) string { return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0xfb}, n)) }
	for name, text := range map[string]string{
		"24_bytes":             "whsec_" + encoded(24),
		"64_bytes":             "whsec_" + encoded(64),
		"16_characters":        strings.Repeat("k", 16),
		"256_characters":       strings.Repeat("k", 256),
		"characters_not_bytes": strings.Repeat("é", 256),
		"spaces_inside":        "correct horse battery staple",
	} {
		t.Run(name, func(t *testing.T) {
			secret, err := ParseSecret(text)
			if err != nil {
				t.Fatal(err)
			}
			if secret.Reveal() != text {
				t.Errorf("revealed as %q", secret.Reveal())
			}
		})
	}
	for name, text := range map[string]string{
		"empty":                   "",
		"15_characters":           strings.Repeat("k", 15),
		"257_characters":          strings.Repeat("k", 257),
		"whsec_of_23_bytes":       "whsec_" + encoded(23),
		"whsec_of_65_bytes":       "whsec_" + encoded(65),
		"whsec_of_no_base64":      "whsec_not base64 at all, sorry",
		"whsec_without_padding":   strings.TrimRight("whsec_"+encoded(32), "="),
		"whsec_with_a_line_break": "whsec_" + encoded(24)[:8] + "\n" + encoded(24)[8:],
		"control_character":       strings.Repeat("k", 20) + "\n",
		"invalid_UTF-8":           strings.Repeat("k", 20) + "\xff",
		"trailing_space":          strings.Repeat("k", 20) + " ",
	} {
		t.Run(name+"_is_refused", func(t *testing.T) {
			_, err := ParseSecret(text)
			if err == nil {
				t.Fatal("accepted")
			}
			if len(text) > 4 && strings.Contains(err.Error(), text[4:]) {
				t.Errorf("the error shows the text: %v", err)
			}
		})
	}
}

func TestSecret_forms(t *testing.T) {
	made := NewSecret()
	if made.Reveal() != made.StandardForm() || len(made.held().key) != 32 || !strings.HasPrefix(made.Reveal(), "whsec_") {
		t.Errorf("a new secret is %q", made.Reveal())
	}
	if again, err := ParseSecret(made.Reveal()); err != nil || !again.Equal(made) {
		t.Errorf("a new secret cannot be read again: %v", err)
	}
	if made.Equal(NewSecret()) {
		t.Error("two new secrets are equal")
	}
	imported, err := ParseSecret("correct horse battery staple")
	if err != nil {
		t.Fatal(err)
	}
	// printf %s 'correct horse battery staple' | base64
	if got, want := imported.StandardForm(), "whsec_Y29ycmVjdCBob3JzZSBiYXR0ZXJ5IHN0YXBsZQ=="; got != want {
		t.Errorf("standard form %q, want %q", got, want)
	}
	if !(Secret{}).IsZero() || imported.IsZero() || (Secret{}).Reveal() != "" {
		t.Error("the zero secret is not zero")
	}
}

func TestSecret_is_shown_nowhere(t *testing.T) {
	secret, err := ParseSecret("correct horse battery staple")
	if err != nil {
		t.Fatal(err)
	}
	type holder struct {
		Open   Secret
		List   []Secret
		closed Secret
	}
	held := holder{secret, []Secret{secret}, secret}
	var shown strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		fmt.Fprintf(&shown, verb+verb+verb, secret, held, &held)
	}
	slog.New(slog.NewTextHandler(&shown, nil)).Info("x", "secret", secret, "held", held)
	slog.New(slog.NewJSONHandler(&shown, nil)).Info("x", "secret", secret, "held", held)
	if err := json.NewEncoder(&shown).Encode(map[string]any{"a": secret, "b": held}); err != nil {
		t.Fatal(err)
	}
	text := []byte("correct horse battery staple")
	for _, form := range []string{"horse", "Y29ycmVjd", fmt.Sprintf("%x", text), fmt.Sprintf("%X", text), strings.Trim(fmt.Sprint(text), "[]")} {
		if strings.Contains(shown.String(), form) {
			t.Errorf("%q is shown in %s", form, shown.String())
		}
	}
}
