package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"hookwell/models"
)

// mailSite is a site on SQLite that sends mail.
func mailSite(t *testing.T, change func(*Options)) *site {
	t.Helper()
	return openSite(t, mailing(t, true), change)
}

// letters are the messages to an address that were not read yet; others' are kept.
func (s *site) letters(t *testing.T, address string) (own []models.Letter) {
	t.Helper()
	for {
		list, err := s.Store.ClaimMail(t.Context())
		must(t, err)
		if len(list) == 0 {
			return own
		}
		for i := range list {
			must(t, s.Store.MailSent(t.Context(), &list[i]))
			if list[i].To == address {
				own = append(own, list[i])
			}
		}
	}
}

// mailedToken is that of the newest link to an address.
func (s *site) mailedToken(t *testing.T, address string) string {
	t.Helper()
	list := s.letters(t, address)
	for i := len(list) - 1; i >= 0; i-- {
		if token := list[i].Values.Token; token != "" {
			return token
		}
	}
	t.Fatalf("no link went to %s: %v", address, list)
	return ""
}

func TestForgotten_password(t *testing.T) {
	t.Run("without_mail_the_operator_helps", func(t *testing.T) {
		s := newSite(t, nil)
		page := s.browser(t).get(t, "/forgot")
		wantStatus(t, page, http.StatusOK)
		if !strings.Contains(page.body, "hookwell user reset-password") || page.doc.Find("form").Length() != 0 {
			t.Errorf("it says %q", page.text("main"))
		}
		wantStatus(t, s.browser(t).post(t, "/forgot", url.Values{"email": {"a@example.com"}}), http.StatusConflict)
	})
	t.Run("known_and_unknown_addresses_are_answered_alike", func(t *testing.T) {
		s := mailSite(t, nil)
		b, _ := s.member(t, "Acme", models.RoleGuest)
		known := s.browser(t).post(t, "/forgot", url.Values{"email": {b.email}})
		unknown := s.browser(t).post(t, "/forgot", url.Values{"email": {"nobody@example.com"}})
		wantStatus(t, known, http.StatusOK)
		wantStatus(t, unknown, http.StatusOK)
		if known.text("main") != unknown.text("main") || len(known.Header) != len(unknown.Header) {
			t.Errorf("%q and %q", known.text("main"), unknown.text("main"))
		}
		wantStatus(t, s.browser(t).post(t, "/forgot", url.Values{"email": {"nobody"}}), http.StatusUnprocessableEntity)
	})
	t.Run("a_link_sets_the_password_once", func(t *testing.T) {
		s := mailSite(t, nil)
		b, _ := s.member(t, "Acme", models.RoleGuest)
		stranger := s.browser(t)
		for range 8 { // which would delay others, but not who has the address
			stranger.post(t, "/login", url.Values{"email": {b.email}, "password": {"not this one at all"}})
		}
		wantStatus(t, s.browser(t).post(t, "/forgot", url.Values{"email": {b.email}}), http.StatusOK)
		path := "/reset/" + s.mailedToken(t, b.email)
		other := s.browser(t)
		page := other.get(t, path)
		wantStatus(t, page, http.StatusOK)
		if page.Header.Get("Referrer-Policy") != "strict-origin" || page.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("the page's address gets out: %v", page.Header)
		}
		wantStatus(t, other.post(t, path, url.Values{"new": {"short"}}), http.StatusUnprocessableEntity)
		b.wantSignedIn(t, true)
		wantLocation(t, other.post(t, path, url.Values{"new": {fresh}}), "/login")
		b.wantSignedIn(t, false)
		if got := other.get(t, "/login").text("#toasts .toast"); !strings.Contains(got, "The password is set.") {
			t.Errorf("it says %q", got)
		}
		gone := s.browser(t).get(t, path)
		wantStatus(t, gone, http.StatusNotFound)
		if gone.text("h1") != "This link has ended" {
			t.Errorf("it says %q", gone.text("main"))
		}
		wantStatus(t, s.browser(t).post(t, path, url.Values{"new": {fresh}}), http.StatusNotFound)
		wantLocation(t, other.post(t, "/login", url.Values{"email": {b.email}, "password": {fresh}}), "/")
		if strings.Contains(s.log.String(), path) {
			t.Error("the log holds the link")
		}
	})
}

func TestSignup_by_mail(t *testing.T) {
	s := mailSite(t, nil)
	first := s.browser(t)
	wantLocation(t, first.post(t, "/signup", url.Values{"name": {"Ada"}, "email": {"ada@example.com"}, "password": {password}}), "/")
	form := func(email string) url.Values {
		return url.Values{"name": {"Bob"}, "email": {email}, "password": {password}}
	}
	known, unknown := s.browser(t).post(t, "/signup", form("ada@example.com")), s.browser(t).post(t, "/signup", form("bob@example.com"))
	wantStatus(t, known, http.StatusOK)
	wantStatus(t, unknown, http.StatusOK)
	if strings.ReplaceAll(known.text("main"), "ada@", "bob@") != unknown.text("main") || len(known.Header) != len(unknown.Header) {
		t.Errorf("%q and %q", known.text("main"), unknown.text("main"))
	}
	b := s.browser(t)
	b.email = "bob@example.com"
	path := "/signup/" + s.mailedToken(t, b.email)
	wantStatus(t, b.get(t, path), http.StatusOK)
	wantStatus(t, b.get(t, path), http.StatusOK) // a program that follows links has used nothing up
	wantLocation(t, b.post(t, path, nil), "/")
	b.wantSignedIn(t, true)
	wantStatus(t, s.browser(t).get(t, path), http.StatusNotFound)
}

func TestChange_of_email(t *testing.T) {
	s := mailSite(t, nil)
	b, _ := s.member(t, "Acme", models.RoleGuest)
	asked := b.post(t, "/account/email", url.Values{"email": {"new@example.com"}})
	wantStatus(t, asked, http.StatusUnprocessableEntity)
	form := asked.fieldsOf("main form")
	form.Set("confirm-password", "not this one at all")
	wrong := b.post(t, "/account/email", form)
	wantStatus(t, wrong, http.StatusUnprocessableEntity)
	if wrong.text("#f-confirm-password-error") == "" || wrong.fieldsOf("main form").Get("email") != "new@example.com" {
		t.Error("no fault at the password, or what was typed is gone")
	}
	form.Set("confirm-password", password)
	wantLocation(t, b.post(t, "/account/email", form), "/account")
	path := "/email/" + s.mailedToken(t, "new@example.com")
	if !strings.Contains(b.get(t, "/account").body, b.email) {
		t.Error("the address changed before it was confirmed")
	}
	before := b.cookie(t, "hookwell")
	wantStatus(t, b.get(t, path), http.StatusOK)
	wantLocation(t, b.post(t, path, nil), "/account")
	if !strings.Contains(b.get(t, "/account").body, "new@example.com") || b.cookie(t, "hookwell") == before {
		t.Error("the address did not change, or the session kept its token")
	}
	wantStatus(t, s.browser(t).post(t, "/login", url.Values{"email": {b.email}, "password": {password}}), http.StatusUnprocessableEntity)
	wantLocation(t, s.browser(t).post(t, "/login", url.Values{"email": {"new@example.com"}, "password": {password}}), "/")
}

func TestOrganization_that_asks_for_two_factors(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		b, org := s.member(t, "Acme", models.RoleOwner)
		ids := s.fill(t, org)
		tenant := s.tenantOf(t, org)
		_, key, err := tenant.CreateKey(t.Context(), models.NewKey{Name: "k", Scopes: []string{"read"}})
		must(t, err)
		s.exec(t, "UPDATE organizations SET require_two_factor = true WHERE id = '"+org.ID+"'")
		asked := "/account/two-factor?org=" + org.Slug
		for _, r := range s.pageTable(t) {
			if r.inOrganization() {
				wantLocation(t, b.send(t, r, ids, "Accept", "text/html"), asked)
			}
		}
		a := b.get(t, "/o/"+org.Slug+"/deliveries", "HX-Request", "true")
		wantStatus(t, a, http.StatusForbidden)
		if got := a.Header.Get("HX-Redirect"); got != asked {
			t.Errorf("htmx is led to %q", got)
		}
		wantStatus(t, b.get(t, "/o/"+org.Slug+"/stream", "Accept", "text/event-stream"), http.StatusForbidden)
		page := b.get(t, asked)
		if !strings.Contains(page.text(".banner"), "Acme asks for two-factor sign-in") {
			t.Errorf("the page says %q", page.text("main"))
		}
		if got := b.get(t, "/account/two-factor?org=never-was").doc.Find(".banner").Length(); got != 0 {
			t.Error("an unknown organization asks for it")
		}
		request, err := http.NewRequest(http.MethodGet, s.url+"/api/v1/deliveries", nil)
		must(t, err)
		request.Header.Set("Authorization", "Bearer "+key)
		wantStatus(t, b.do(t, request), http.StatusOK)
		stranger, _ := s.member(t, "Globex", models.RoleOwner)
		wantStatus(t, stranger.get(t, "/o/"+org.Slug+"/deliveries"), http.StatusNotFound)
		b.setUp(t)
		wantStatus(t, b.get(t, "/o/"+org.Slug+"/deliveries"), http.StatusOK)
	})
}
