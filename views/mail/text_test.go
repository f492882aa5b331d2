package mail

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"hookwell/models"
)

func TestNamesInMail(t *testing.T) {
	for chosen, want := range map[string]string{
		"Acme Robotics":                       "Acme Robotics",
		"Müller & Söhne GmbH":                 "Müller & Söhne GmbH",
		"株式会社ウェブフック":                          "株式会社ウェブフック",
		"Initech Inc.":                        "Initech Inc.",
		"Web 2.0, open 12:30":                 "Web 2.0, open 12:30",
		"J.R.R. Tolkien":                      "J. R. R. Tolkien",
		"Booking.com":                         "Booking. com",
		"http://evil.example/login?a=b":       "http: /evil. example/login?a=b",
		"www.evil.example":                    "www. evil. example",
		"HTTPS://1.2.3.4:80/":                 "HTTPS: /1. 2. 3. 4: 80/",
		"evil。example":                        "evil。 example",
		"evil．example｡a․b﹒c":                  "evil． example｡ a․ b﹒ c",
		"evil·example·com":                    "evil· example· com",
		"Col·legi":                            "Col· legi",
		"1。2。3。4":                             "1。 2。 3。 4",
		"Acme · Robotics":                     "Acme · Robotics",
		"mail eve@evil.example":               "mail eve at evil. example",
		"mailto:eve@evil.example":             "mailto: eve at evil. example",
		"ev\u200bil.exa\u00admple":            "evil. example",
		"\u202egnp.exe\u202c":                 "gnp. exe",
		"two\r\nlines\u2028three\u0085four":   "two lines three four",
		"<b>bold</b> \\\\evil\\share":         "b bold /b evil share",
		"\u200b\u2060\ufeff":                  "nobody",
		"\u3164\u115f\u2800":                  "nobody",
		"":                                    "nobody",
		"a\xff\x00b":                          "a��b",
		strings.Repeat("x", 200):              strings.Repeat("x", 59) + "…",
		strings.Repeat("http://e.example", 9): "http: /e. examplehttp: /e. examplehttp: /e. examplehttp: /e…",
	} {
		got := name(chosen, "nobody")
		if got != want {
			t.Errorf("%q stands in mail as %q, want %q", chosen, got, want)
		}
		if n := utf8.RuneCountInString(got); n > 60 {
			t.Errorf("%q has %d characters", got, n)
		}
	}
}

// TestInvitationsHoldNoLinkButOurs invites with names as they came in a real
// attack.
func TestInvitationsHoldNoLinkButOurs(t *testing.T) {
	words := NewWords(&url.URL{Scheme: "https", Host: "hooks.example.com"})
	for kind, page := range map[models.MailKind]string{models.MailInvitation: "/invite/", models.MailJoin: "/signup/", models.MailJoinKnown: "/invite/"} {
		subject, text, err := words.Write(&models.Mail{To: "victim@example.com", Kind: kind, Values: models.MailValues{Token: "TOKEN", Role: models.RoleMember,
			Person:       "Your bank\u202e https://evil.example/pay",
			Organization: "www.evil.example\u2028Bcc: all@evil.example \u200b" + strings.Repeat("y", 60)}})
		if err != nil {
			t.Fatalf("Write() of %s: %v", kind, err)
		}
		if n := strings.Count(text, "://"); n != 1 || !strings.Contains(text, "https://hooks.example.com"+page+"TOKEN\n") {
			t.Errorf("%s holds %d links, want our own alone: %s", kind, n, text)
		}
		for _, written := range []string{subject, text} {
			if strings.ContainsAny(written, "\u202e\u2028\u200b\r") || strings.Contains(written, "evil.example") || strings.Contains(written, "@") {
				t.Errorf("%s holds what the names hid or linked to: %q", kind, written)
			}
		}
		if n := utf8.RuneCountInString(subject); strings.Contains(subject, "\n") || n > 80 {
			t.Errorf("the subject of %s has %d characters: %q", kind, n, subject)
		}
	}
}
