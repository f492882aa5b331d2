package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"hookwell/models"
)

func TestProviderUserInfo(t *testing.T) {
	whole := map[string]any{"sub": "248289761001", "name": "Ada Lovelace", "email": "ada@example.com", "email_verified": true}
	t.Run("is_asked_for_what_the_token_does_not_say", func(t *testing.T) {
		for name, token := range map[string]map[string]any{
			"nothing":     {"sub": "248289761001"},
			"no name":     {"sub": "248289761001", "email": "ada@example.com", "email_verified": true},
			"unverified":  {"sub": "248289761001", "name": "Ada Lovelace", "email": "ada@example.com"},
			"no address":  {"sub": "248289761001", "name": "Ada Lovelace"},
			"all of it":   whole,
			"as a string": {"sub": "248289761001", "name": "Ada Lovelace", "email": "ada@example.com", "email_verified": "true"},
		} {
			t.Run(name, func(t *testing.T) {
				s, i := providedSite(t, models.SignupOpen, true)
				i.claims, i.info = token, whole
				b := s.browser(t)
				wantLocation(t, b.get(t, b.begin(t, i, "/account")), "/account")
				if page := b.get(t, "/account"); !strings.Contains(page.body, "Ada Lovelace") || !strings.Contains(page.body, "ada@example.com") {
					t.Errorf("the account is %q", page.text("main"))
				}
				if complete := len(token) == 4; complete != (i.infos == 0) {
					t.Errorf("UserInfo was asked %d times", i.infos)
				}
			})
		}
	})
	t.Run("of_somebody_else_is_refused", func(t *testing.T) {
		s, i := providedSite(t, models.SignupOpen, true)
		i.claims = map[string]any{"sub": "248289761001"}
		i.info = map[string]any{"sub": "eve", "name": "Eve", "email": "eve@example.com", "email_verified": true}
		b := s.browser(t)
		wantStatus(t, b.get(t, b.begin(t, i, "")), http.StatusServiceUnavailable)
		b.wantSignedIn(t, false)
	})
	t.Run("verifies_no_other_address", func(t *testing.T) {
		s, i := providedSite(t, models.SignupOpen, true)
		i.claims = map[string]any{"sub": "248289761001", "name": "Ada", "email": "boss@example.com"}
		i.info = whole
		b := s.browser(t)
		wantStatus(t, b.get(t, b.begin(t, i, "")), http.StatusForbidden)
	})
	for name, token := range map[string]map[string]any{
		"no_address":   {"sub": "248289761001", "name": "Ada Lovelace"},
		"not_verified": {"sub": "248289761001", "name": "Ada Lovelace", "email": "ada@example.com"},
	} {
		t.Run("that_is_away_is_why_there_is_"+name, func(t *testing.T) {
			s, i := providedSite(t, models.SignupOpen, true)
			i.claims = token
			b := s.browser(t)
			refused := b.get(t, b.begin(t, i, ""))
			wantStatus(t, refused, http.StatusServiceUnavailable)
			if !strings.Contains(refused.text("main"), "does not answer as it should") {
				t.Errorf("it says %q", refused.text("main"))
			}
			b.wantSignedIn(t, false)
			i.info = whole
			again := s.browser(t)
			wantLocation(t, again.get(t, again.begin(t, i, "/account")), "/account")
		})
	}
	t.Run("that_is_away_refuses_nobody_who_is_known", func(t *testing.T) {
		s, i := providedSite(t, models.SignupOpen, true)
		b := s.browser(t)
		wantLocation(t, b.get(t, b.begin(t, i, "")), "/")
		i.claims = map[string]any{"sub": "248289761001"}
		again := s.browser(t)
		wantLocation(t, again.get(t, again.begin(t, i, "")), "/")
		if !strings.Contains(s.log.String(), "UserInfo") {
			t.Error("the log does not say that UserInfo is away")
		}
		if page := again.get(t, "/account"); !strings.Contains(page.text("section[aria-labelledby=identity-title]"), "ada@example.com") {
			t.Error("the address that it said before is forgotten")
		}
	})
}

func TestProviderRefusals(t *testing.T) {
	for code, want := range map[string]struct {
		status int
		says   string
	}{
		"access_denied":           {http.StatusForbidden, "did not let you in, or you declined"},
		"login_required":          {http.StatusForbidden, "wants you to sign in there first"},
		"server_error":            {http.StatusServiceUnavailable, "a fault of its own (server_error)"},
		"temporarily_unavailable": {http.StatusServiceUnavailable, "a fault of its own (temporarily_unavailable)"},
		"invalid_scope":           {http.StatusServiceUnavailable, "refuses the way in which it is asked (invalid_scope)"},
		"something_new":           {http.StatusServiceUnavailable, "does not answer as it should"},
	} {
		t.Run(code, func(t *testing.T) {
			s, i := providedSite(t, models.SignupOpen, true)
			i.errors = url.Values{"error": {code}, "error_description": {"code 4711 <b>of</b> the provider"}}
			b := s.browser(t)
			refused := b.get(t, b.begin(t, i, ""))
			wantStatus(t, refused, want.status)
			if !strings.Contains(refused.text("main"), want.says) || strings.Contains(refused.body, "4711") {
				t.Errorf("it says %q", refused.text("main"))
			}
			if log := s.log.String(); !strings.Contains(log, code) || !strings.Contains(log, "4711") {
				t.Errorf("the log says %s", log)
			}
			if n := s.sessionsStored(t); n != 0 {
				t.Errorf("%d sessions are stored", n)
			}
		})
	}
	t.Run("another_issuer", func(t *testing.T) {
		s, i := providedSite(t, models.SignupOpen, true)
		i.called = i.URL + "/"
		refused := s.browser(t).post(t, "/login/provider", nil)
		wantStatus(t, refused, http.StatusServiceUnavailable)
		if !strings.Contains(refused.text("main"), "calls itself by another address") || !strings.Contains(s.log.String(), "HOOKWELL_OIDC_ISSUER") ||
			!strings.Contains(s.log.String(), i.URL+"/") {
			t.Errorf("it says %q, the log %s", refused.text("main"), s.log.String())
		}
		i.called = ""
		wantStatus(t, s.browser(t).post(t, "/login/provider", nil), http.StatusOK)
	})
	t.Run("no_subject", func(t *testing.T) {
		s, i := providedSite(t, models.SignupOpen, false)
		for n, subject := range []any{"", nil, " ", "  ", "\t", "a\n", "a\x00", "\u200b", "ä", strings.Repeat("s", 256)} {
			i.claims["sub"], i.claims["email"] = subject, fmt.Sprintf("a%d@example.com", n)
			b := s.browser(t)
			if got := b.get(t, b.begin(t, i, "")); got.StatusCode < 400 {
				t.Errorf("the subject %q is let in with %d", subject, got.StatusCode)
			}
			b.wantSignedIn(t, false)
		}
		i.claims["sub"] = strings.Repeat("s", 255)
		b := s.browser(t)
		wantLocation(t, b.get(t, b.begin(t, i, "/account")), "/account")
	})
	for address, says := range map[string]string{
		"jörg@example.com": "Letters such as “ö” before the @ are not taken",
		"":                 "does not say your address",
	} {
		t.Run("the address "+address, func(t *testing.T) {
			s, i := providedSite(t, models.SignupOpen, true)
			i.claims["email"] = address
			i.info = i.claims
			b := s.browser(t)
			refused := b.get(t, b.begin(t, i, ""))
			wantStatus(t, refused, http.StatusForbidden)
			if !strings.Contains(refused.text("main"), says) {
				t.Errorf("it says %q", refused.text("main"))
			}
		})
	}
	t.Run("an internationalized domain is taken", func(t *testing.T) {
		s, i := providedSite(t, models.SignupOpen, true)
		i.claims["email"] = "ada@Bücher.example"
		b := s.browser(t)
		wantLocation(t, b.get(t, b.begin(t, i, "/account")), "/account")
		if !strings.Contains(b.get(t, "/account").body, "ada@xn--bcher-kva.example") {
			t.Error("the address is another")
		}
	})
}

// TestBegunSignInsLeaveNothing begins more sign-ins than anybody would.
func TestBegunSignInsLeaveNothing(t *testing.T) {
	s, i := providedSite(t, models.SignupOpen, true)
	before := s.dump(t)
	for range 300 {
		b := s.browser(t)
		b.begin(t, i, "")
		if strings.Contains(b.cookie(t, "hookwell_provider"), "state") {
			t.Fatal("the cookie is not sealed")
		}
	}
	if n := s.sessionsStored(t); n != 0 || s.dump(t) != before {
		t.Errorf("%d sessions are stored, or other rows", n)
	}
}
