package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"hookwell/models"
)

const fresh = "another long passphrase"

// again is the same person in another browser.
func (b *browser) again(t *testing.T) *browser {
	t.Helper()
	other := b.site.browser(t)
	other.email = b.email
	other.signIn(t)
	return other
}

func (b *browser) wantSignedIn(t *testing.T, want bool) {
	t.Helper()
	status := http.StatusSeeOther
	if want {
		status = http.StatusOK
	}
	wantStatus(t, b.get(t, "/orgs"), status)
}

func TestAccount(t *testing.T) {
	t.Run("name", func(t *testing.T) {
		s := newSite(t, nil)
		b, _ := s.member(t, "Acme", models.RoleGuest)
		refused := b.post(t, "/account", url.Values{"name": {" "}})
		wantStatus(t, refused, http.StatusUnprocessableEntity)
		if refused.text("#f-name-error") == "" {
			t.Error("no fault at the name")
		}
		wantLocation(t, b.post(t, "/account", url.Values{"name": {"Augusta <Ada>"}}), "/account")
		if got := b.get(t, "/account").doc.Find("#f-name").AttrOr("value", ""); got != "Augusta <Ada>" {
			t.Errorf("the name is %q", got)
		}
	})
	t.Run("password", func(t *testing.T) {
		eachSite(t, func(t *testing.T, s *site) {
			b, _ := s.member(t, "Acme", models.RoleOwner)
			other := b.again(t)
			before := b.cookie(t, "hookwell")
			for field, form := range map[string]url.Values{
				"present": {"present": {"not this one at all"}, "new": {fresh}},
				"new":     {"present": {password}, "new": {"short"}},
			} {
				refused := b.post(t, "/account/password", form)
				wantStatus(t, refused, http.StatusUnprocessableEntity)
				if refused.text("#f-"+field+"-error") == "" || strings.Contains(refused.body, fresh) {
					t.Errorf("no fault at %s, or the password came back", field)
				}
			}
			same := b.post(t, "/account/password", url.Values{"present": {password}, "new": {password}})
			wantStatus(t, same, http.StatusUnprocessableEntity)
			other.wantSignedIn(t, true)

			wantLocation(t, b.post(t, "/account/password", url.Values{"present": {password}, "new": {fresh}}), "/account")
			b.wantSignedIn(t, true)
			other.wantSignedIn(t, false)
			if after := b.cookie(t, "hookwell"); after == before || after == "" {
				t.Error("the session kept its token")
			}
			wantStatus(t, s.browser(t).get(t, "/orgs", "Cookie", "hookwell="+before), http.StatusSeeOther)
			wantStatus(t, s.browser(t).post(t, "/login", url.Values{"email": {b.email}, "password": {password}}), http.StatusUnprocessableEntity)
			wantLocation(t, s.browser(t).post(t, "/login", url.Values{"email": {b.email}, "password": {fresh}}), "/")
		})
	})
	t.Run("a_stolen_session_cannot_try_passwords", func(t *testing.T) {
		s := newSite(t, nil)
		b, _ := s.member(t, "Acme", models.RoleOwner)
		for range 6 {
			wantStatus(t, b.post(t, "/account/password", url.Values{"present": {"not this one at all"}, "new": {fresh}}), http.StatusUnprocessableEntity)
		}
		refused := b.post(t, "/account/password", url.Values{"present": {password}, "new": {fresh}})
		wantStatus(t, refused, http.StatusTooManyRequests)
		if refused.Header.Get("Retry-After") == "" || !strings.Contains(refused.text("[role=alert]"), "Too many attempts. Try again in") {
			t.Errorf("it says %q", refused.text("[role=alert]"))
		}
	})
}

func TestSessions_are_listed_and_end(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		b, _ := s.member(t, "Acme", models.RoleGuest)
		stranger, _ := s.member(t, "Globex", models.RoleGuest)
		const phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
		other := s.browser(t)
		wantLocation(t, other.post(t, "/login", url.Values{"email": {b.email}, "password": {password}}, "User-Agent", phone), "/")
		third := b.again(t)
		s.clock.Advance(time.Minute)

		page := b.get(t, "/account")
		rows := page.doc.Find("section[aria-labelledby=sessions-title] tbody tr")
		if rows.Length() != 3 || rows.Find(".tag").Length() != 1 || !strings.Contains(rows.Text(), "Safari on iPhone, iOS") || !strings.Contains(rows.Text(), "127.0.0.1") {
			t.Fatalf("the sessions are shown as %q", rows.Text())
		}
		var path string
		rows.Each(func(_ int, row *goquery.Selection) {
			if strings.Contains(row.Text(), "iPhone") {
				path, _ = row.Find("form").Attr("action")
			}
		})
		wantStatus(t, stranger.post(t, path, nil), http.StatusNotFound)
		other.wantSignedIn(t, true)
		wantLocation(t, b.post(t, path, nil), "/account")
		other.wantSignedIn(t, false)
		third.wantSignedIn(t, true)
		wantStatus(t, b.post(t, path, nil), http.StatusNotFound)

		wantLocation(t, b.post(t, "/account/sessions/revoke", nil), "/account")
		third.wantSignedIn(t, false)
		b.wantSignedIn(t, true)
		stranger.wantSignedIn(t, true)
	})
}
