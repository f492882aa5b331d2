package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"hookwell/models"
	"hookwell/models/store"
)

// TestProofPage holds that a session alone opens no way into the account.
func TestProofPage(t *testing.T) {
	forms := map[string]url.Values{
		"/login/provider": {}, "/account/email": {"email": {"eve@example.com"}}, "/account/two-factor/begin": {}, "/account/two-factor/enable": {"code": {"123456"}},
		"/account/two-factor/disable": {}, "/account/two-factor/recovery-codes": {}, "/account/identities/unlink": {"issuer": {"i"}, "subject": {"s"}},
	}
	t.Run("every_way_in_asks", func(t *testing.T) {
		s, _ := providedSite(t, models.SignupClosed, true)
		b, _ := s.member(t, "Acme", models.RoleOwner)
		b.setUp(t)
		s.clock.Advance(store.ProofLife)
		before := s.dump(t)
		for path, form := range forms {
			s.clock.Advance(time.Hour) // past the delay after tries in vain
			asked := b.post(t, path, form)
			wantStatus(t, asked, http.StatusUnprocessableEntity)
			carried := asked.fieldsOf("main form")
			for name := range form {
				if carried.Get(name) != form.Get(name) {
					t.Errorf("%s: the page carries %q as %q", path, name, carried.Get(name))
				}
			}
			if asked.doc.Find("main form").AttrOr("action", "") != path || asked.text("h1") != "Confirm that it is you" ||
				asked.doc.Find("#f-confirm-password").Length() != 1 || asked.doc.Find("#f-confirm-code").Length() != 1 || asked.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s is asked with %q", path, asked.text("main"))
			}
			carried.Set("confirm-password", password)
			wantStatus(t, b.post(t, path, carried), http.StatusUnprocessableEntity) // the code is missing
		}
		if s.dump(t) != before && !strings.Contains(changed(before, s.dump(t)), "throttles") {
			t.Errorf("without a proof something changed: %s", changed(before, s.dump(t)))
		}
	})
	t.Run("once_in_ten_minutes_and_in_this_session_alone", func(t *testing.T) {
		eachSiteOf(t, store.Options{Mail: true}, func(t *testing.T, s *site) {
			b, _ := s.member(t, "Acme", models.RoleOwner)
			before, other := b.cookie(t, "hookwell"), b.again(t)
			wantStatus(t, b.post(t, "/account/two-factor/begin", nil), http.StatusUnprocessableEntity)
			wantLocation(t, b.post(t, "/account/two-factor/begin", confirming), "/account/two-factor")
			if b.cookie(t, "hookwell") == before {
				t.Error("the session kept its token")
			}
			wantLocation(t, b.post(t, "/account/email", url.Values{"email": {"new@example.com"}}), "/account")
			wantStatus(t, other.post(t, "/account/two-factor/begin", nil), http.StatusUnprocessableEntity)
			s.clock.Advance(store.ProofLife + time.Second)
			wantStatus(t, b.post(t, "/account/two-factor/begin", nil), http.StatusUnprocessableEntity)
			wantLocation(t, b.post(t, "/account/two-factor/begin", confirming), "/account/two-factor")
			wantLocation(t, b.post(t, "/logout", nil), "/login")
			b.signIn(t)
			wantStatus(t, b.post(t, "/account/two-factor/begin", nil), http.StatusUnprocessableEntity)
		})
	})
	t.Run("tries_are_throttled", func(t *testing.T) {
		s := newSite(t, nil)
		b, _ := s.member(t, "Acme", models.RoleOwner)
		var refused *shown
		for n := 0; refused == nil || refused.StatusCode == http.StatusUnprocessableEntity && n < 20; n++ {
			refused = b.post(t, "/account/two-factor/begin", url.Values{"confirm-password": {"not this one at all"}})
		}
		wantStatus(t, refused, http.StatusTooManyRequests)
		if refused.Header.Get("Retry-After") == "" || refused.text("#f-confirm-password-error") == "" {
			t.Error("when to try again is not said")
		}
	})
	t.Run("a_new_password_unlinks_if_asked", func(t *testing.T) {
		s, i := providedSite(t, models.SignupClosed, false)
		b, _ := s.member(t, "Acme", models.RoleOwner)
		wantLocation(t, b.get(t, b.beginWith(t, i, confirming)), "/account")
		if b.get(t, "/account").doc.Find("input[name=unlink]:not([checked])").Length() != 1 {
			t.Error("the form of the password does not offer to unlink")
		}
		stranger := s.browser(t)
		wantLocation(t, b.post(t, "/account/password", url.Values{"present": {password}, "new": {fresh}}), "/account")
		wantLocation(t, stranger.get(t, stranger.begin(t, i, "")), "/")
		wantLocation(t, b.post(t, "/account/password", url.Values{"present": {fresh}, "new": {password}, "unlink": {"on"}}), "/account")
		stranger.wantSignedIn(t, false)
		wantStatus(t, stranger.get(t, stranger.begin(t, i, "")), http.StatusUnauthorized)
	})
	t.Run("the_provider_proves_who_has_no_password", func(t *testing.T) {
		s, i := providedSite(t, models.SignupOpen, false)
		b := s.browser(t)
		wantLocation(t, b.get(t, b.begin(t, i, "")), "/")
		prove := b.post(t, "/account/two-factor/begin", nil).fieldsOf("main form")
		for name, spoil := range map[string]func(claims map[string]any){
			"an old sign-in":   func(claims map[string]any) { claims["auth_time"] = s.Store.Now().Add(-time.Hour).Unix() },
			"no time":          func(claims map[string]any) { delete(claims, "auth_time") },
			"another identity": func(claims map[string]any) { claims["sub"] = "eve" },
		} {
			i.change = spoil
			wantStatus(t, b.get(t, b.beginWith(t, i, prove)), http.StatusForbidden)
			if got := b.post(t, "/account/two-factor/begin", nil); got.StatusCode != http.StatusUnprocessableEntity {
				t.Errorf("%s proves who it is", name)
			}
		}
		i.change = nil
		wantLocation(t, b.get(t, b.beginWith(t, i, prove)), "/account/two-factor")
		a, _ := b.setUp(t)
		s.clock.Advance(store.ProofLife)
		asked := b.post(t, "/account/two-factor/disable", nil)
		wantStatus(t, asked, http.StatusUnprocessableEntity)
		wantStatus(t, b.post(t, "/login/provider", prove), http.StatusUnprocessableEntity) // the code is missing
		prove.Set("confirm-code", a.code(t))
		wantLocation(t, b.get(t, b.beginWith(t, i, prove)), "/account/two-factor")
		wantLocation(t, b.post(t, "/account/two-factor/disable", nil), "/account/two-factor")
	})
}
