package web

import (
	"net/http"
	"net/url"
	"testing"

	"hookwell/models"
)

func TestSignIn_is_throttled(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		b, _ := s.member(t, "Acme", models.RoleOwner)
		wrong := url.Values{"email": {b.email}, "password": {"not this one at all"}}
		stranger := s.browser(t)
		for range 6 {
			wantStatus(t, stranger.post(t, "/login", wrong), http.StatusUnprocessableEntity)
		}
		refused := stranger.post(t, "/login", wrong)
		wantStatus(t, refused, http.StatusTooManyRequests)
		if got := refused.Header.Get("Retry-After"); got != "1" {
			t.Errorf("Retry-After is %q", got)
		}
		if got := refused.text("#f-password-error"); got != "Too many attempts. Try again in 1 second." {
			t.Errorf("it says %q", got)
		}
		unknown := s.browser(t)
		for i := range 7 {
			status := http.StatusUnprocessableEntity
			if i == 6 {
				status = http.StatusTooManyRequests
			}
			answer := unknown.post(t, "/login", url.Values{"email": {"nobody@example.com"}, "password": {"not this one at all"}})
			wantStatus(t, answer, status)
			if status == refused.StatusCode && answer.text("#f-password-error") != refused.text("#f-password-error") {
				t.Error("an unknown account is told otherwise")
			}
		}
		// The person's own browser, at the same address, is not held back.
		wantLocation(t, b.post(t, "/logout", nil), "/login")
		b.signIn(t)
	})
}
