package web

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"hookwell/models"
)

func TestSession(t *testing.T) {
	t.Run("is_none_for_who_only_looks", func(t *testing.T) {
		s := newSite(t, nil)
		b := s.browser(t)
		for _, path := range []string{"/", "/login", "/signup", "/orgs", "/o/acme", "/nothing"} {
			b.get(t, path)
		}
		b.post(t, "/login", url.Values{"email": {"nobody@example.com"}, "password": {"wrong"}})
		if got := s.sessionsStored(t); got != 0 || b.cookie(t, "hookwell") != "" {
			t.Errorf("%d sessions were stored", got)
		}
	})
	t.Run("changes_its_token_at_every_sign_in", func(t *testing.T) {
		s := newSite(t, nil)
		b, _ := s.member(t, "Acme", models.RoleOwner)
		before := b.cookie(t, "hookwell")
		form := url.Values{"email": {b.email}, "password": {password}}
		wantLocation(t, b.post(t, "/login", form), "/")
		if after := b.cookie(t, "hookwell"); after == before || after == "" {
			t.Error("the token stayed the same")
		}
		if got := s.sessionsStored(t); got != 1 {
			t.Errorf("%d sessions are stored, want the new one alone", got)
		}
	})
	t.Run("is_not_taken_from_a_token_that_somebody_chose", func(t *testing.T) {
		s := newSite(t, nil)
		_, org := s.member(t, "Acme", models.RoleOwner)
		b := s.browser(t)
		a := b.get(t, "/o/"+org.Slug, "Cookie", "hookwell=chosen")
		wantStatus(t, a, http.StatusSeeOther)
		form := url.Values{"_csrf": {b.token(t)}, "email": {"x@example.com"}, "name": {"X"}, "password": {password}}
		request := b.request(t, http.MethodPost, "/signup", form)
		request.AddCookie(&http.Cookie{Name: "hookwell", Value: "chosen"})
		wantStatus(t, b.do(t, request), http.StatusSeeOther)
		if got := b.cookie(t, "hookwell"); got == "chosen" || got == "" {
			t.Errorf("the session's token is %q", got)
		}
	})
	t.Run("ends_at_sign_out", func(t *testing.T) {
		s := newSite(t, nil)
		b, org := s.member(t, "Acme", models.RoleOwner)
		token, otherTab := b.cookie(t, "hookwell"), b.request(t, http.MethodPost, "/logout", url.Values{"_csrf": {b.token(t)}})
		wantLocation(t, b.post(t, "/logout", nil), "/login")
		if b.cookie(t, "hookwell") != "" || s.sessionsStored(t) != 0 {
			t.Error("the session is still there")
		}
		wantLocation(t, b.do(t, otherTab), "/login")
		wantStatus(t, s.browser(t).get(t, "/o/"+org.Slug+"/keys", "Cookie", "hookwell="+token), http.StatusSeeOther)
	})
	t.Run("ends_when_the_password_changes", func(t *testing.T) {
		s := newSite(t, nil)
		b, _ := s.member(t, "Acme", models.RoleOwner)
		must(t, s.Store.Operator().ResetPassword(t.Context(), b.email, models.PasswordChange{New: "another long passphrase"}))
		wantLocation(t, b.get(t, "/orgs"), "/login?next=%2Forgs")
		if got := s.sessionsStored(t); got != 0 {
			t.Errorf("%d sessions are left", got)
		}
	})
	t.Run("ends_after_a_week_without_use_and_after_30_days_at_all", func(t *testing.T) {
		s := newSite(t, nil)
		b, _ := s.member(t, "Acme", models.RoleOwner)
		for range 4 {
			s.clock.Advance(6 * 24 * time.Hour)
			wantStatus(t, b.get(t, "/orgs"), http.StatusOK)
		}
		s.clock.Advance(5 * 24 * time.Hour)
		wantStatus(t, b.get(t, "/orgs"), http.StatusOK)
		s.clock.Advance(2 * 24 * time.Hour)
		wantStatus(t, b.get(t, "/orgs"), http.StatusSeeOther)

		idle, _ := s.member(t, "Globex", models.RoleOwner)
		s.clock.Advance(7*24*time.Hour + time.Minute)
		wantStatus(t, idle.get(t, "/orgs"), http.StatusSeeOther)
	})
	t.Run("is_written_once_in_a_while_and_not_at_each_request", func(t *testing.T) {
		s := newSite(t, nil)
		b, _ := s.member(t, "Acme", models.RoleOwner)
		if cookies := b.get(t, "/orgs").Cookies(); len(cookies) != 0 {
			t.Errorf("a page that changes nothing sets %v", cookies)
		}
		s.clock.Advance(sessionGrain + time.Second)
		if cookies := b.get(t, "/orgs").Cookies(); len(cookies) != 1 {
			t.Errorf("the use was not noted: %v", cookies)
		}
	})
	t.Run("is_not_brought_back_by_a_request_that_overlaps_its_end", func(t *testing.T) {
		s := newSite(t, nil)
		b, _ := s.member(t, "Acme", models.RoleOwner)
		s.overlap = func() { s.exec(t, `DELETE FROM sessions`) }
		s.clock.Advance(sessionGrain + time.Second) // so that the request wants to write it
		wantStatus(t, b.get(t, "/overlaps"), http.StatusOK)
		if got := s.sessionsStored(t); got != 0 {
			t.Errorf("%d sessions are back", got)
		}
	})
}

func TestFlash_is_shown_once(t *testing.T) {
	s := newSite(t, nil)
	b, org := s.member(t, "Acme", models.RoleOwner)
	ids := s.fill(t, org)
	path := ids.path("/o/:org/endpoints/:endpoint")
	wantLocation(t, b.post(t, path+"/disable", nil), path)
	if got := b.get(t, path).text("#toasts .toast"); got == "" {
		t.Error("nothing is said")
	}
	if got := b.get(t, path).text("#toasts .toast"); got != "" {
		t.Errorf("it is said again: %q", got)
	}
}
