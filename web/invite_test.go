package web

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"hookwell/models"
)

var csrfValue = regexp.MustCompile(`name="_csrf" value="[^"]+"`)

// sameBut is what a page shows and asks for, without some words and the token
// of its forms.
func sameBut(t *testing.T, a *shown, words ...string) string {
	t.Helper()
	html, err := a.doc.Find("main").Html()
	must(t, err)
	html = csrfValue.ReplaceAllString(html, "")
	for _, word := range words {
		html = strings.ReplaceAll(html, word, "...")
	}
	return a.text("title") + html
}

// TestInvitation_tells_nothing compares the pages and the answers behind the
// link of an invitation to somebody who has an account and to somebody who has
// none, as whoever invited can.
func TestInvitation_tells_nothing(t *testing.T) {
	s := mailSite(t, nil)
	owner, org := s.member(t, "Acme", models.RoleOwner)
	known, _ := s.member(t, "Globex", models.RoleGuest)
	pages, answers := map[string]string{}, map[string]string{}
	for _, email := range []string{known.email, "nobody@example.com"} {
		link := owner.invite(t, org.Slug, email, models.RoleMember)
		page := s.browser(t).get(t, link)
		wantStatus(t, page, http.StatusOK)
		if page.doc.Find("main a[href^='/login?']").Length() != 1 || page.doc.Find("main form[action='"+link+"']").Length() != 1 {
			t.Errorf("to sign in and to make an account are not both offered to %s: %s", email, page.text("main"))
		}
		answer := s.browser(t).post(t, link, url.Values{"name": {"Mallory"}, "password": {password}})
		wantStatus(t, answer, http.StatusOK)
		pages[email], answers[email] = sameBut(t, page, email, link, url.QueryEscape(link)), sameBut(t, answer, email, link)
	}
	if pages[known.email] != pages["nobody@example.com"] {
		t.Errorf("the page of an address with an account is\n%s\nand of one without\n%s", pages[known.email], pages["nobody@example.com"])
	}
	if answers[known.email] != answers["nobody@example.com"] {
		t.Errorf("the answers differ:\n%s\n%s", answers[known.email], answers["nobody@example.com"])
	}
	b := s.browser(t)
	b.email = "nobody@example.com"
	wantLocation(t, b.post(t, "/signup/"+s.mailedToken(t, b.email), nil), "/")
	wantStatus(t, b.get(t, "/o/"+org.Slug), http.StatusOK)
}

func TestMail_is_bounded(t *testing.T) {
	s := mailSite(t, nil)
	owner, org := s.member(t, "Acme", models.RoleOwner)
	invite := func(email string) *shown {
		return owner.post(t, "/o/"+org.Slug+"/invitations", url.Values{"email": {email}, "role": {"member"}, "by": {"mail"}})
	}
	wantLocation(t, invite("victim@example.com"), "/o/"+org.Slug+"/team")
	list, err := s.tenantOf(t, org).Invitations(t.Context())
	must(t, err)
	resend := func() *shown {
		return owner.post(t, "/o/"+org.Slug+"/invitations/"+list[0].ID+"/resend", url.Values{"by": {"mail"}})
	}
	wantLocation(t, resend(), "/o/"+org.Slug+"/team")
	wantLocation(t, resend(), "/o/"+org.Slug+"/team")
	again := resend()
	wantStatus(t, again, http.StatusTooManyRequests)
	if !strings.Contains(again.text("main"), "This address, whatever follows a + in it, was sent 3 messages within the hour.") || again.Header.Get("Retry-After") == "" {
		t.Errorf("sent again, it says %q", again.text("main"))
	}
	wantLocation(t, owner.post(t, "/o/"+org.Slug+"/invitations/"+list[0].ID+"/revoke", nil), "/o/"+org.Slug+"/team")
	refused := invite("victim@example.com")
	wantStatus(t, refused, http.StatusTooManyRequests)
	if got := refused.text("#f-email-error"); !strings.Contains(got, "This address, whatever follows a + in it, was sent 3 messages within the hour. Try again in") {
		t.Errorf("at its field it says %q", got)
	}
	if got, _ := refused.doc.Find("#f-email").Attr("value"); got != "victim@example.com" {
		t.Errorf("the form holds %q", got)
	}
}

func TestSignup_is_bounded(t *testing.T) {
	s := newSite(t, func(o *Options) { o.Signup = models.SignupOpen })
	account := func(i int) url.Values {
		return url.Values{"name": {"Ada"}, "email": {fmt.Sprintf("ada%d@example.com", i)}, "password": {password}}
	}
	for i := range 10 {
		wantLocation(t, s.browser(t).post(t, "/signup", account(i)), "/")
	}
	refused := s.browser(t).post(t, "/signup", account(10))
	wantStatus(t, refused, http.StatusTooManyRequests)
	if refused.Header.Get("Retry-After") == "" || !strings.Contains(refused.text("main"), "10 accounts were made from your network within the hour. Try again in") {
		t.Errorf("it says %q", refused.text("main"))
	}
}
