package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"hookwell/models"
)

// tab is a page's form as it was drawn, to be sent later.
func (b *browser) tab(t *testing.T, page, action string, typed url.Values) func() *shown {
	t.Helper()
	a := b.get(t, page)
	wantStatus(t, a, http.StatusOK)
	form := url.Values{}
	for _, input := range a.doc.Find("form[action^='" + action + "'] input[type=hidden]").EachIter() {
		form.Add(input.AttrOr("name", ""), input.AttrOr("value", ""))
	}
	if form.Get("_csrf") == "" {
		t.Fatalf("%s has no form for %s", page, action)
	}
	for name, values := range typed {
		form[name] = values
	}
	request := b.request(t, http.MethodPost, action, form)
	return func() *shown { return b.do(t, request) }
}

func TestStaleForm_at_the_door_leads_on(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		ada, org := s.member(t, "Acme", models.RoleOwner)
		wanted := "/o/" + org.Slug + "/keys"
		b := s.browser(t)
		b.email = ada.email
		mine := url.Values{"email": {strings.ToUpper(b.email)}, "password": {password}}
		login := b.tab(t, "/login?next="+url.QueryEscape(wanted), "/login", mine)
		wrong := b.tab(t, "/login?next="+url.QueryEscape(wanted), "/login", url.Values{"email": {b.email}, "password": {"wrong"}})
		away := b.tab(t, "/login", "/login", url.Values{"next": {"//evil.example/"}, "email": {b.email}, "password": {password}})
		another := b.tab(t, "/login", "/login", url.Values{"email": {"eve@example.com"}, "password": {password}})
		signup := b.tab(t, "/signup?next="+url.QueryEscape(wanted), "/signup", url.Values{"name": {"Ada"}, "email": {b.email}, "password": {password}})
		b.signIn(t)
		before, session := s.dump(t), b.cookie(t, "hookwell")
		wantLocation(t, login(), wanted)
		wantLocation(t, wrong(), wanted) // which says nothing of the password
		wantLocation(t, signup(), wanted)
		wantLocation(t, away(), "/")
		wantLocation(t, another(), "/orgs")
		if said := b.get(t, "/orgs").text(".toast"); !strings.Contains(said, b.email) {
			t.Errorf("who typed another address is told %q", said)
		}
		if s.dump(t) != before || b.cookie(t, "hookwell") != session {
			t.Error("something was changed")
		}
	})
}

func TestStaleForm_second_step_leads_on(t *testing.T) {
	s := newSite(t, nil)
	ada, _ := s.member(t, "Acme", models.RoleOwner)
	a, _ := ada.setUp(t)
	b := s.browser(t)
	b.email = ada.email
	b.signIn(t)
	other := b.tab(t, "/login/code", "/login/code", url.Values{"code": {"000000"}})
	code := b.tab(t, "/login/code", "/login/code", url.Values{"code": {a.code(t)}})
	wantLocation(t, code(), "/")
	wantLocation(t, other(), "/")
}

// A form that was open while one signed in anew comes back with what was typed,
// but for secrets, and goes through from there.
func TestStaleForm_is_offered_again(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		b, org := s.member(t, "Acme", models.RoleOwner)
		path := "/o/" + org.Slug + "/endpoints"
		typed := endpointFields("http://127.0.0.1:9/kept")
		typed.Set("description", "two\nlines & <marks>")
		typed["headerName"], typed["headerValue"] = []string{"X-A", "X-B"}, []string{"topsecret", ""}
		create := b.tab(t, path+"/new", path, typed)
		wantLocation(t, b.post(t, "/logout", nil), "/login")
		b.signIn(t)
		before := s.dump(t)
		a := create()
		wantStatus(t, a, http.StatusForbidden)
		if s.dump(t) != before || a.Header.Get("Cache-Control") != "no-store" {
			t.Error("something was changed, or the page may be stored")
		}
		if strings.Contains(a.body, "topsecret") {
			t.Error("the page repeats a header’s value")
		}
		if got := a.doc.Find("form input[name=description]").AttrOr("value", ""); strings.ReplaceAll(got, "\r\n", "\n") != typed.Get("description") {
			t.Errorf("the description is %q", got)
		}
		if !strings.Contains(a.text("main"), b.email) {
			t.Error("the page does not say who is signed in")
		}
		form := url.Values{}
		for _, input := range a.doc.Find("form[action='" + path + "'] input").EachIter() {
			value := input.AttrOr("value", "")
			if input.AttrOr("type", "") == "password" {
				value = "typed again"
			}
			form.Add(input.AttrOr("name", ""), value)
		}
		form["headerName"], form["headerValue"] = form["headerName"][:1], form["headerValue"][:1]
		wantStatus(t, b.do(t, b.request(t, http.MethodPost, path, form)), http.StatusCreated)
		if n := s.count(t, "endpoints WHERE url = 'http://127.0.0.1:9/kept'"); n != 1 {
			t.Errorf("%d endpoints", n)
		}
	})
	t.Run("but_not_to_who_comes_from_elsewhere", func(t *testing.T) {
		s := newSite(t, nil)
		b, org := s.member(t, "Acme", models.RoleOwner)
		form := url.Values{"name": {"theirs"}, "scopes": {"read"}, "_csrf": {s.browser(t).token(t)}}
		for name, headers := range map[string][2]string{"cross-site": {"cross-site", ""}, "silent": {"", ""}, "another port": {"", "http://127.0.0.1:1"}} {
			request := b.request(t, http.MethodPost, "/o/"+org.Slug+"/keys", form)
			request.Header.Set("Sec-Fetch-Site", headers[0])
			request.Header.Set("Origin", headers[1])
			for _, header := range []string{"Sec-Fetch-Site", "Origin"} {
				if request.Header.Get(header) == "" {
					request.Header.Del(header)
				}
			}
			a := b.do(t, request)
			wantStatus(t, a, http.StatusForbidden)
			if strings.Contains(a.body, "theirs") {
				t.Errorf("%s: the form is offered again", name)
			}
		}
	})
}

// Who opened an invitation and signed in elsewhere sees it as who they are now.
func TestStaleForm_of_an_invitation(t *testing.T) {
	s := newSite(t, nil)
	b, _ := s.member(t, "Globex", models.RoleOwner)
	_, org := s.member(t, "Acme", models.RoleOwner)
	_, token, err := s.tenantOf(t, org).Invite(t.Context(), models.NewInvitation{Email: "eve@example.com", Role: models.RoleMember})
	must(t, err)
	visitor := s.browser(t)
	path := "/invite/" + token
	accept := visitor.tab(t, path, path, url.Values{"name": {"Eve"}, "password": {password}})
	visitor.email = b.email
	visitor.signIn(t)
	a := accept()
	wantStatus(t, a, http.StatusForbidden)
	if s.count(t, "users WHERE email = 'eve@example.com'") != 0 || a.text(".toast") == "" {
		t.Errorf("%s", a.text("main"))
	}
}
