package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"hookwell/models"
	"hookwell/models/store"
)

// app is an authenticator app that was given a key.
type app struct {
	site   *site
	secret string
}

func (a app) code(t *testing.T) string {
	t.Helper()
	code, err := totp.GenerateCode(a.secret, a.site.Store.Now())
	must(t, err)
	return code
}

// confirming proves who one is with the form that asks for it.
var confirming = url.Values{"confirm-password": {password}}

// setUp turns the browser's second factor on and answers the recovery codes.
func (b *browser) setUp(t *testing.T) (app, []string) {
	t.Helper()
	wantLocation(t, b.post(t, "/account/two-factor/begin", confirming), "/account/two-factor")
	page := b.get(t, "/account/two-factor")
	a := app{b.site, page.doc.Find("[data-copy]").AttrOr("data-copy", "")}
	on := b.post(t, "/account/two-factor/enable", url.Values{"code": {a.code(t)}})
	wantStatus(t, on, http.StatusOK)
	codes := strings.Fields(on.doc.Find("pre.secret").Text())
	b.site.clock.Advance(time.Minute)
	return a, codes
}

func TestTwoFactor(t *testing.T) {
	t.Run("is_set_up_and_asked_for", func(t *testing.T) {
		eachSite(t, func(t *testing.T, s *site) {
			b, org := s.member(t, "Acme", models.RoleOwner)
			wantLocation(t, b.post(t, "/account/two-factor/begin", confirming), "/account/two-factor")
			page := b.get(t, "/account/two-factor")
			if page.Header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(page.doc.Find("svg.qr path").AttrOr("d", ""), "M4 4h7v1h-7z") {
				t.Error("the page may be stored, or shows no QR code")
			}
			a := app{s, page.doc.Find("[data-copy]").AttrOr("data-copy", "")}
			wrong := b.post(t, "/account/two-factor/enable", url.Values{"code": {"000000"}})
			wantStatus(t, wrong, http.StatusUnprocessableEntity)
			if wrong.text("#f-code-error") == "" || !strings.Contains(wrong.body, a.secret) {
				t.Error("a wrong code ends the set-up, or is told nowhere")
			}
			before := b.cookie(t, "hookwell")
			on := b.post(t, "/account/two-factor/enable", url.Values{"code": {a.code(t)}})
			wantStatus(t, on, http.StatusOK)
			codes := strings.Fields(on.doc.Find("pre.secret").Text())
			if len(codes) != 10 || on.Header.Get("Cache-Control") != "no-store" || b.cookie(t, "hookwell") == before {
				t.Errorf("%d codes; Cache-Control %q; or the session kept its token", len(codes), on.Header.Get("Cache-Control"))
			}
			if later := b.get(t, "/account/two-factor"); strings.Contains(later.body, codes[0]) || strings.Contains(later.body, a.secret) {
				t.Error("codes or key are shown a second time")
			}
			s.clock.Advance(time.Minute)
			s.secondStep(t, b, a, codes, "/o/"+org.Slug+"/keys")
		})
	})
	t.Run("half_signed_in_opens_nothing", func(t *testing.T) {
		s := newSite(t, nil)
		b, org := s.member(t, "Acme", models.RoleOwner)
		a, _ := b.setUp(t)
		ids := s.fill(t, org)
		half := s.browser(t)
		wantLocation(t, half.post(t, "/login", url.Values{"email": {b.email}, "password": {password}}), "/login/code")
		for _, r := range s.table(t) {
			if strings.HasPrefix(r.path, "/o/") || strings.HasPrefix(r.path, "/account") || r.path == "/orgs" {
				if unsafe(r.method) {
					wantStatus(t, half.post(t, ids.path(r.path), r.form), http.StatusSeeOther)
				} else {
					wantStatus(t, half.get(t, ids.path(r.path)), http.StatusSeeOther)
				}
			}
		}
		if got := b.get(t, "/account").doc.Find("section[aria-labelledby=sessions-title] tbody tr").Length(); got != 1 {
			t.Errorf("%d sessions are listed, want the whole one alone", got)
		}
		s.clock.Advance(halfLife + time.Second)
		wantLocation(t, half.get(t, "/login/code"), "/login")
		wantLocation(t, half.post(t, "/login/code", url.Values{"code": {a.code(t)}}), "/login")

		wantLocation(t, half.post(t, "/login", url.Values{"email": {b.email}, "password": {password}}), "/login/code")
		must(t, s.Store.Operator().ResetPassword(t.Context(), b.email, models.PasswordChange{New: fresh}))
		wantLocation(t, half.post(t, "/login/code", url.Values{"code": {a.code(t)}}), "/login")
	})
	t.Run("codes_are_throttled", func(t *testing.T) {
		s := newSite(t, nil)
		b, _ := s.member(t, "Acme", models.RoleOwner)
		a, _ := b.setUp(t)
		half := s.browser(t)
		wantLocation(t, half.post(t, "/login", url.Values{"email": {b.email}, "password": {password}}), "/login/code")
		for range 6 {
			wantStatus(t, half.post(t, "/login/code", url.Values{"code": {"000000"}}), http.StatusUnprocessableEntity)
		}
		refused := half.post(t, "/login/code", url.Values{"code": {a.code(t)}})
		wantStatus(t, refused, http.StatusTooManyRequests)
		if refused.Header.Get("Retry-After") != "1" || refused.text("#f-code-error") == "" {
			t.Error("when to try again is not said")
		}
		// The person's own browser is not held back.
		wantLocation(t, b.post(t, "/logout", nil), "/login")
		wantLocation(t, b.post(t, "/login", url.Values{"email": {b.email}, "password": {password}}), "/login/code")
		wantLocation(t, b.post(t, "/login/code", url.Values{"code": {a.code(t)}}), "/")
	})
	t.Run("is_turned_off_with_password_and_code", func(t *testing.T) {
		s := newSite(t, nil)
		b, _ := s.member(t, "Acme", models.RoleOwner)
		a, codes := b.setUp(t)
		s.clock.Advance(store.ProofLife)
		for field, form := range map[string]url.Values{
			"confirm-password": {"confirm-password": {"not this one at all"}, "confirm-code": {a.code(t)}},
			"confirm-code":     {"confirm-password": {password}, "confirm-code": {"000000"}},
		} {
			refused := b.post(t, "/account/two-factor/disable", form)
			wantStatus(t, refused, http.StatusUnprocessableEntity)
			if refused.text("#f-"+field+"-error") == "" {
				t.Errorf("no fault at %s", field)
			}
		}
		renewed := b.post(t, "/account/two-factor/recovery-codes", url.Values{"confirm-password": {password}, "confirm-code": {codes[0]}})
		wantStatus(t, renewed, http.StatusOK)
		if got := strings.Fields(renewed.doc.Find("pre.secret").Text()); len(got) != 10 || got[0] == codes[0] {
			t.Errorf("the new codes are %v", got)
		}
		wantLocation(t, b.post(t, "/account/two-factor/disable", nil), "/account/two-factor")
		wantLocation(t, s.browser(t).post(t, "/login", url.Values{"email": {b.email}, "password": {password}}), "/")
	})
}

// secondStep signs a new browser in with a code, then with a recovery code.
func (s *site) secondStep(t *testing.T, b *browser, a app, codes []string, next string) {
	t.Helper()
	first := url.Values{"email": {b.email}, "password": {password}, "next": {next}}
	other := s.browser(t)
	wantLocation(t, other.get(t, "/login/code"), "/login")
	wantLocation(t, other.post(t, "/login", first), "/login/code")
	other.wantSignedIn(t, false)
	half := other.cookie(t, "hookwell")
	code := a.code(t)
	wantStatus(t, other.post(t, "/login/code", url.Values{"code": {"000000"}}), http.StatusUnprocessableEntity)
	wantLocation(t, other.post(t, "/login/code", url.Values{"code": {code}}), next)
	other.wantSignedIn(t, true)
	if other.cookie(t, "hookwell") == half {
		t.Error("the session kept its token")
	}
	third := s.browser(t)
	wantLocation(t, third.post(t, "/login", first), "/login/code")
	wantStatus(t, third.post(t, "/login/code", url.Values{"code": {code}}), http.StatusUnprocessableEntity)
	wantLocation(t, third.post(t, "/login/code", url.Values{"code": {codes[3]}}), next)
	wantLocation(t, third.post(t, "/logout", nil), "/login")
	wantLocation(t, third.post(t, "/login", first), "/login/code")
	wantStatus(t, third.post(t, "/login/code", url.Values{"code": {codes[3]}}), http.StatusUnprocessableEntity)
}
