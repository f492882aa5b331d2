package views

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"rsc.io/qr"

	"hookwell/models"
	"hookwell/webhook"
)

// accountSamples are the pages of accounts, at the door and behind it.
func accountSamples() map[string]templ.Component {
	page, out := samplePage(), signedOut()
	page.Organization, page.Role, page.URL = nil, "", AccountPath
	page.User.PasswordHash = "hash"
	provided := page
	provided.User = &models.User{ID: "usr_2", Name: "Marcus Lindqvist", Email: "marcus@example.com"}

	view := AccountView{Name: "Priya Raman", Mail: true, Current: "ses_1", TwoFactor: models.TwoFactor{EnabledAt: agoP(40 * 24 * time.Hour), RecoveryCodes: 8}, Sessions: []models.Session{
		{ID: "ses_1", UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", RemoteAddress: "2001:db8:17:2a:9c1f:44ff:fe12:8a01", CreatedAt: ago(26 * time.Hour), LastUsedAt: ago(time.Minute)},
		{ID: "ses_2", UserAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1", RemoteAddress: "192.0.2.7", CreatedAt: ago(5 * 24 * time.Hour), LastUsedAt: ago(9 * time.Hour)},
		{ID: "ses_3", UserAgent: `<script>alert(1)</script>`, CreatedAt: ago(6 * 24 * time.Hour), LastUsedAt: ago(50 * time.Hour)},
	}}
	alone := AccountView{Name: "Marcus Lindqvist", Current: "ses_1", Sessions: view.Sessions[:1]}
	faulty := view
	faulty.Email, faulty.Faults = "priya", webhook.Faults{{Field: "email", Message: "Enter an email address such as name@example.com."}}
	changing := view
	changing.Identities = []models.UserIdentity{{Issuer: "https://accounts.example.com", Subject: "248289761001", CreatedAt: ago(time.Hour)}}
	changing.Faults = webhook.Faults{{Field: "present", Message: "This is not your password."}, {Field: "new", Message: "Choose a password of at least 15 characters."}}

	stopped, complained := view, alone
	stopped.Suppression = &models.Suppression{Address: "priya.raman@example.com", Kind: models.MailBounced, CreatedAt: ago(26 * time.Hour),
		Reason: "550 5.1.1 <priya.raman@example.com>: the mailbox does not exist, " + strings.Repeat("x", 200)}
	complained.Suppression = &models.Suppression{Address: "marcus@example.com", Kind: models.MailComplained, CreatedAt: ago(time.Hour)}

	on := TwoFactorView{State: view.TwoFactor}
	fresh := on
	for range 10 {
		fresh.Codes = append(fresh.Codes, "k4xw-9qpm-2htz-vb6d")
	}
	proof := ProofView{Path: TwoFactorDisablePath, Next: TwoFactorPath, Fields: []CarriedField{{"email", "new@example.com"}}, Code: true, Provider: "Acme SSO", Mail: true}
	wrong := proof
	wrong.Faults = webhook.Faults{{Field: ProofPrefix + "password", Message: "This is not your password."}, {Field: ProofPrefix + "code", Message: "This code is not right, or it was used already."}}
	key := &models.TwoFactorKey{Secret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", URL: "otpauth://totp/Hookwell:priya.raman@example.com?issuer=Hookwell&secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"}
	return map[string]templ.Component{
		"account":             AccountPage(page, view),
		"account-plain":       AccountPage(provided, alone),
		"account-faults":      AccountPage(page, faulty),
		"account-password":    AccountPage(page, changing),
		"account-stopped":     AccountPage(page, stopped),
		"account-complained":  AccountPage(provided, complained),
		"two-factor":          TwoFactorPage(page, TwoFactorView{Asked: "Acme Robotics"}),
		"two-factor-setup":    TwoFactorPage(page, TwoFactorView{Key: key}),
		"two-factor-wrong":    TwoFactorPage(page, TwoFactorView{Key: key, Faults: webhook.Faults{{Field: "code", Message: "This is not the code that the app shows now."}}}),
		"two-factor-codes":    TwoFactorPage(page, fresh),
		"two-factor-on":       TwoFactorPage(page, on),
		"two-factor-provided": TwoFactorPage(provided, on),
		"proof":               ProofPage(page, proof),
		"proof-faults":        ProofPage(page, wrong),
		"proof-provided":      ProofPage(provided, proof),
		"proof-nothing":       ProofPage(provided, ProofView{Path: AccountEmailPath, Next: AccountPath}),
		"code":                CodePage(out, CodeForm{}),
		"code-wrong":          CodePage(out, CodeForm{Faults: webhook.Faults{{Field: "code", Message: "This code is not right, or it was used already."}}}),
	}
}

func TestDeviceWords(t *testing.T) {
	for agent, words := range map[string]string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36":                         "Chrome on Windows",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15":                   "Safari on macOS",
		"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0":                                                                  "Firefox on Linux",
		"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36":                         "Chrome on K, Android",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1": "Safari on iPhone, iOS",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0":           "Edge on Windows",
		"":                "An unknown browser",
		"curl/8.5.0":      "curl/8.5.0",
		"<b>bold</b> x y": "<b>bold</b>",
	} {
		if got := deviceWords(agent); got != words {
			t.Errorf("%q is %q, want %q", agent, got, words)
		}
	}
}

// TestQR draws a code and reads it again, module by module, beside the library.
func TestQR(t *testing.T) {
	drawing := drawQR("otpauth://totp/Hookwell:ada@example.com?secret=JBSWY3DPEHPK3PXP")
	dark := map[[2]int]bool{}
	for _, run := range strings.Split(strings.TrimPrefix(drawing.path, "M"), "M") {
		var x, y, length, back int
		if n, err := fmt.Sscanf(run, "%d %dh%dv1h-%dz", &x, &y, &length, &back); n != 4 || err != nil || length != back {
			t.Fatalf("%q: %d, %v", run, n, err)
		}
		for i := range length {
			dark[[2]int{x + i, y}] = true
		}
	}
	wanted := blackModules(t, "otpauth://totp/Hookwell:ada@example.com?secret=JBSWY3DPEHPK3PXP")
	if len(dark) != len(wanted) || len(dark) < 300 {
		t.Fatalf("%d dark modules, want %d", len(dark), len(wanted))
	}
	for at := range wanted {
		if !dark[at] {
			t.Errorf("%v is light", at)
		}
	}
	if got := drawQR(string(bytes.Repeat([]byte("x"), 5000))); got.path != "" {
		t.Error("what fits in no code was drawn")
	}
}

func blackModules(t *testing.T, text string) map[[2]int]bool {
	t.Helper()
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		t.Fatal(err)
	}
	black := map[[2]int]bool{}
	for y := range code.Size {
		for x := range code.Size {
			if code.Black(x, y) {
				black[[2]int{x + qrQuiet, y + qrQuiet}] = true
			}
		}
	}
	return black
}

// linkSamples are the pages behind links, and those that ask for them.
func linkSamples() map[string]templ.Component {
	out := signedOut()
	return map[string]templ.Component{
		"stale":          StaleFormPage(out, StaleForm{Action: "/login", Fields: []StaleField{{Name: "email", Value: "priya@example.com"}, {Name: "password", Secret: true}}}),
		"forgot":         ForgotPage(out, ForgotForm{Mail: true}),
		"forgot-wrong":   ForgotPage(out, ForgotForm{Mail: true, Email: "priya", Faults: webhook.Faults{{Field: "email", Message: "Enter an email address such as name@example.com."}}}),
		"forgot-no-mail": ForgotPage(out, ForgotForm{}),
		"sent":           SentPage(out, Sent{Title: "Look into your mail", Text: "If there is an account with this address, a link is on its way to it. It works for an hour."}),
		"reset":          ResetPage(out, ResetForm{Path: "/reset/TOKEN", Email: "priya.raman@example.com"}),
		"reset-short":    ResetPage(out, ResetForm{Path: "/reset/TOKEN", Email: "priya.raman@example.com", Faults: webhook.Faults{{Field: "new", Message: "Choose a password of at least 15 characters."}}}),
		"link":           LinkPage(out, LinkForm{Path: "/email/TOKEN", Title: "Confirm your address", Text: "You sign in with new@example.com from then on.", Button: "Confirm the address"}),
	}
}

// TestProofPage_says_what_it_is_for has the own address confirmed, which changes nothing.
func TestProofPage_says_what_it_is_for(t *testing.T) {
	page := samplePage()
	for address, want := range map[string]string{page.User.Email: "Nothing else changes", "new@example.com": "how your account is signed in to"} {
		view := ProofView{Path: AccountEmailPath, Fields: []CarriedField{{"email", address}}}
		if got := parse(t, ProofPage(page, view)).Find(".page-head__sub").Text(); !strings.Contains(got, want) {
			t.Errorf("for %s the page says %q, want %q", address, got, want)
		}
	}
}
