package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestMainJob goes the way of a newcomer: sign up, name an organization, add
// an endpoint, test it, make a key, leave and come back.
func TestMainJob(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		b := s.browser(t)
		wantLocation(t, b.get(t, "/"), "/signup")
		person := url.Values{"name": {"Ada Lovelace"}, "email": {"Ada@Example.com"}, "password": {password}}
		wantLocation(t, b.post(t, "/signup", person), "/")
		wantLocation(t, b.get(t, "/"), "/orgs")
		wantLocation(t, b.post(t, "/orgs", url.Values{"name": {"Acme Robotics"}}), "/o/acme-robotics/endpoints/new")
		wantLocation(t, b.get(t, "/"), "/o/acme-robotics")
		wantStatus(t, b.get(t, "/o/acme-robotics"), http.StatusOK)
		wantStatus(t, b.get(t, "/o/acme-robotics/endpoints/new"), http.StatusOK)

		created := b.post(t, "/o/acme-robotics/endpoints", endpointFields(receiver(t, 200, "thanks").URL))
		wantStatus(t, created, http.StatusCreated)
		if !strings.Contains(created.body, "whsec_") {
			t.Error("the answer that creates an endpoint does not show its secret")
		}
		path := created.Header.Get("Content-Location")
		page := b.get(t, path)
		wantStatus(t, page, http.StatusOK)
		if strings.Contains(page.body, "whsec_") {
			t.Error("the secret is shown a second time")
		}

		tested := b.post(t, path+"/test", url.Values{"type": {"org.member.added"}, "data": {""}}, "HX-Request", "true")
		wantStatus(t, tested, http.StatusOK)
		if !strings.Contains(tested.body, "thanks") || strings.Contains(tested.body, "<html") {
			t.Errorf("the answer to a test is not the partial with the receiver's answer: %s", tested.body)
		}
		log := b.get(t, "/o/acme-robotics/deliveries")
		link, _ := log.doc.Find("#deliveries tbody a.rowlink").Attr("href")
		delivery := b.get(t, link)
		wantStatus(t, delivery, http.StatusOK)
		if !strings.Contains(delivery.text("main"), "thanks") {
			t.Error("the delivery's page does not show the receiver's answer")
		}

		key := b.post(t, "/o/acme-robotics/keys", url.Values{"name": {"Production"}, "scopes": {"read", "events:write"}})
		wantStatus(t, key, http.StatusCreated)
		if !strings.Contains(key.body, "hwk_") || strings.Contains(b.get(t, "/o/acme-robotics/keys").body, "hwk_"+strings.Split(key.body, "hwk_")[1][:20]) {
			t.Error("the key is not shown exactly once")
		}

		wantLocation(t, b.post(t, "/logout", nil), "/login")
		wantLocation(t, b.get(t, link+"?attempt=1"), "/login?next="+url.QueryEscape(link+"?attempt=1"))
		back := url.Values{"email": {"ada@example.com"}, "password": {password}, "next": {link + "?attempt=1"}}
		wantLocation(t, b.post(t, "/login", back), link+"?attempt=1")
		wantStatus(t, b.get(t, link+"?attempt=1"), http.StatusOK)
	})
}

func endpointFields(address string) url.Values {
	return url.Values{"url": {address}, "eventTypes": {"*"}, "schedule": {"standard"}, "timeoutSeconds": {"15"},
		"maxInFlight": {"20"}, "enabled": {"on"}}
}

func TestSignup(t *testing.T) {
	account := func(change ...string) url.Values {
		form := url.Values{"name": {"Ada"}, "email": {"ada@example.com"}, "password": {password}}
		for i := 0; i < len(change); i += 2 {
			form.Set(change[i], change[i+1])
		}
		return form
	}
	t.Run("faults_stand_at_their_fields_and_the_form_keeps_what_was_typed", func(t *testing.T) {
		s := newSite(t, nil)
		a := s.browser(t).post(t, "/signup", account("password", "short", "email", "nobody"))
		wantStatus(t, a, http.StatusUnprocessableEntity)
		if a.text("#f-password-error") == "" || a.text("#f-email-error") == "" {
			t.Errorf("no faults at the fields: %s", a.text("main"))
		}
		if got, _ := a.doc.Find("#f-email").Attr("value"); got != "nobody" {
			t.Errorf("the email came back as %q", got)
		}
		if strings.Contains(a.body, "short") && a.doc.Find("#f-password").AttrOr("value", "") != "" {
			t.Error("the password came back")
		}
	})
	t.Run("first_needs_the_code_and_then_closes", func(t *testing.T) {
		s := newSite(t, func(o *Options) { o.Signup, o.SignupCode = "first", "open-sesame" })
		b := s.browser(t)
		for _, code := range []string{"", "open-sesam", "wrong"} {
			a := b.post(t, "/signup", account("code", code))
			wantStatus(t, a, http.StatusUnprocessableEntity)
			if a.text("#f-code-error") == "" {
				t.Error("no fault at the code")
			}
		}
		wantLocation(t, b.post(t, "/signup", account("code", " open-sesame ")), "/")
		other := s.browser(t)
		closed := other.get(t, "/signup")
		wantStatus(t, closed, http.StatusForbidden)
		if got := closed.text("h1"); got != "No sign-up here" {
			t.Errorf("a stranger reads %q", got)
		}
		wantStatus(t, other.post(t, "/signup", account("email", "b@example.com", "code", "open-sesame")), http.StatusForbidden)
		if strings.Contains(other.get(t, "/login").body, "/signup") {
			t.Error("the login page offers a sign-up that is closed")
		}
	})
	t.Run("of_a_taken_address_is_a_fault_at_the_field", func(t *testing.T) {
		s := newSite(t, nil)
		wantLocation(t, s.browser(t).post(t, "/signup", account()), "/")
		a := s.browser(t).post(t, "/signup", account("email", "ADA@example.com"))
		wantStatus(t, a, http.StatusUnprocessableEntity)
		if a.text("#f-email-error") == "" {
			t.Error("no fault at the email")
		}
	})
}

func TestLogin(t *testing.T) {
	s := newSite(t, nil)
	known, _ := s.member(t, "Acme", "owner")
	t.Run("answers_a_wrong_password_as_it_does_an_unknown_address", func(t *testing.T) {
		var pages [2]string
		for i, email := range []string{known.email, "nobody@example.com"} {
			a := s.browser(t).post(t, "/login", url.Values{"email": {email}, "password": {"wrong horse battery staple"}})
			wantStatus(t, a, http.StatusUnprocessableEntity)
			pages[i] = strings.ReplaceAll(a.text("main"), email, "")
			if pages[i] == "" || a.text("#f-password-error") == "" {
				t.Error("no fault at the password")
			}
		}
		if pages[0] != pages[1] {
			t.Errorf("the pages differ:\n%s\n%s", pages[0], pages[1])
		}
	})
	t.Run("leads_nowhere_but_to_a_local_path", func(t *testing.T) {
		for _, next := range []string{"//evil.example", `/\evil.example`, "https://evil.example/", "/\t/evil.example", "javascript:alert(1)", `\\evil.example`, "/%5cevil.example", "/o//evil.example", ""} {
			b := s.browser(t)
			wantLocation(t, b.post(t, "/login", url.Values{"email": {known.email}, "password": {password}, "next": {next}}), "/")
			wantLocation(t, b.get(t, "/login?next="+url.QueryEscape(next)), "/")
		}
	})
}
