package store_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"hookwell/models/store"
)

func TestNamesInMail(t *testing.T) {
	for name, want := range map[string]string{
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
		got := store.MailName(name)
		if got != want {
			t.Errorf("%q stands in mail as %q, want %q", name, got, want)
		}
		if n := utf8.RuneCountInString(got); n > 60 {
			t.Errorf("%q has %d characters", got, n)
		}
	}
}

// TestInvitationsHoldNoLinkButOurs invites with names as they came in a real
// attack.
func TestInvitationsHoldNoLinkButOurs(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		f = f.withMail(t)
		user := f.account(t, "mallory@example.com")
		if err := f.DB().Exec("UPDATE users SET name = ? WHERE id = ?", "Your bank\u202e https://evil.example/pay", user.ID).Error; err != nil {
			t.Fatal(err)
		}
		user, err := f.User(t.Context(), user.ID)
		if err != nil {
			t.Fatal(err)
		}
		tenant := f.organizationOf(t, user, "Acme")
		if err := f.DB().Exec("UPDATE organizations SET name = ? WHERE id = ?", "www.evil.example\u2028Bcc: all@evil.example \u200b"+strings.Repeat("y", 60), tenant.Organization().ID).Error; err != nil {
			t.Fatal(err)
		}
		if _, err := invite(tenant, t, "victim@example.com"); err != nil {
			t.Fatal(err)
		}
		letters := f.letters(t)["victim@example.com"]
		if len(letters) != 1 {
			t.Fatalf("%d letters", len(letters))
		}
		l := letters[0]
		if n := strings.Count(l.Text, "://"); n != 1 || !strings.Contains(l.Text, "https://hooks.example.com/invite/") {
			t.Errorf("%d links are in %s", n, l.Text)
		}
		for _, text := range []string{l.Subject, l.Text} {
			if strings.ContainsAny(text, "\u202e\u2028\u200b\r") || strings.Contains(text, "evil.example") || strings.Contains(text, "@") {
				t.Errorf("it holds %q", text)
			}
		}
		if n := utf8.RuneCountInString(l.Subject); strings.Contains(l.Subject, "\n") || n > 80 {
			t.Errorf("the subject has %d characters: %q", n, l.Subject)
		}
	})
}
