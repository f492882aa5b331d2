package web

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hookwell/models"
)

// shownOver is longer than a secret is shown to who sends its form again.
const shownOver = 6 * time.Minute

// sendAll sends one form several times at once.
func (b *browser) sendAll(t *testing.T, times int, path string, form url.Values) []*shown {
	t.Helper()
	answers, requests := make([]*shown, times), make([]*http.Request, times)
	for i := range requests {
		requests[i] = b.request(t, http.MethodPost, path, form)
	}
	var wait sync.WaitGroup
	for i := range requests {
		wait.Go(func() { answers[i] = b.do(t, requests[i]) })
	}
	wait.Wait()
	return answers
}

// count is how many rows a table has.
func (s *site) count(t *testing.T, table string) (n int) {
	t.Helper()
	must(t, s.db.QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&n))
	return n
}

// formSent is a form that makes one row of a table.
type formSent struct {
	path  string
	form  url.Values
	table string // and condition
	shows *regexp.Regexp
}

func creatingForms(ids rows) map[string]formSent {
	secret, key, link := regexp.MustCompile(`whsec_[A-Za-z0-9+/=]{20,}`), regexp.MustCompile(`hwk_[A-Z2-7]{30,}`), regexp.MustCompile(`/invite/[A-Z2-7]{20,}`)
	at := func(path string) string { return ids.path("/o/:org" + path) }
	return map[string]formSent{
		"an_endpoint":     {at("/endpoints"), endpointFields("http://127.0.0.1:9/once"), "endpoints", secret},
		"a_key":           {at("/keys"), url.Values{"name": {"k"}, "scopes": {"read"}}, "api_keys", key},
		"an_invitation":   {at("/invitations"), url.Values{"email": {"eve@example.com"}, "role": {"member"}, "by": {"link"}}, "invitations", link},
		"a_fresh_link":    {at("/invitations/:invitation/resend"), url.Values{"by": {"link"}}, "audit_entries WHERE action = 'invitation.resent'", link},
		"an_organization": {"/orgs", url.Values{"name": {"Twice"}}, "organizations", nil},
		"a_rotation":      {at("/endpoints/:endpoint/secret/rotate"), url.Values{"overlapHours": {"24"}}, "endpoint_secrets", secret},
		"a_test_event":    {at("/endpoints/:endpoint/test"), url.Values{"type": {"org.member.added"}}, "events WHERE test", nil},
		"a_recovery":      {at("/endpoints/:endpoint/recover"), url.Values{"since": {"2020-01-01T00:00"}}, "recoveries", nil},
		"a_resend":        {at("/deliveries/:delivery/resend"), url.Values{}, "audit_entries WHERE action = 'delivery.resent'", nil},
		"a_source":        {at("/sources"), url.Values{"provider": {"github"}, "name": {"Once"}}, "sources", nil},
		"a_secret":        {at("/sources/:source/secrets"), url.Values{"secret": {"whsec_c29tZWJvZHktZWxzZXMtc2VjcmV0LTAxMg"}}, "source_secrets", nil},
		"a_new_URL":       {at("/sources/:source/rotate-url"), url.Values{"hours": {"48"}}, "audit_entries WHERE action = 'source.url_rotated'", nil},
		"a_replay":        {at("/requests/:request/replay"), url.Values{"force": {"on"}}, "audit_entries WHERE action = 'request.replayed'", nil},
		"acceptances":     {at("/sources/:source/accept"), url.Values{"perSecond": {"5"}}, "request_replays", nil},
		"replays":         {at("/requests/replay"), url.Values{"perSecond": {"5"}}, "request_replays", nil},
		"an_acceptance":   {at("/requests/:refused/accept"), url.Values{}, "audit_entries WHERE action = 'request.accepted'", nil},
		"a_selection":     {at("/deliveries/resend"), url.Values{"id": {ids["delivery"]}}, "audit_entries WHERE action = 'delivery.resent'", nil},
	}
}

func TestSentForm_makes_one(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		b, org := s.member(t, "Acme", models.RoleOwner)
		ids := s.fill(t, org)
		noRecovery(t, s.Store, s.tenantOf(t, org), ids)
		forms := creatingForms(ids)
		for _, name := range slices.Sorted(maps.Keys(forms)) { // acceptances before the one that leaves nothing to them
			f := forms[name]
			t.Run(name, func(t *testing.T) {
				f.form.Set("_csrf", b.token(t))
				before := s.count(t, f.table)
				answers := b.sendAll(t, 4, f.path, f.form)
				if made := s.count(t, f.table) - before; made != 1 {
					t.Fatalf("four at once made %d", made)
				}
				answers = append(answers, b.do(t, b.request(t, http.MethodPost, f.path, f.form)))
				for _, a := range answers {
					if a.StatusCode != answers[0].StatusCode || a.StatusCode >= 400 || a.Header.Get("Location") != answers[0].Header.Get("Location") {
						t.Errorf("%d to %q and %d to %q", answers[0].StatusCode, answers[0].Header.Get("Location"), a.StatusCode, a.Header.Get("Location"))
					}
					if f.shows != nil && (f.shows.FindString(a.body) == "" || f.shows.FindString(a.body) != f.shows.FindString(answers[0].body)) {
						t.Errorf("one shows %q, another %q", f.shows.FindString(answers[0].body), f.shows.FindString(a.body))
					}
				}
				s.clock.Advance(5 * time.Hour)
				late := b.do(t, b.request(t, http.MethodPost, f.path, f.form))
				if late.StatusCode >= 400 || s.count(t, f.table)-before != 1 {
					t.Errorf("five hours later: %d, and %d were made", late.StatusCode, s.count(t, f.table)-before)
				}
				if f.shows != nil && f.shows.MatchString(late.body) {
					t.Error("five hours later the secret is shown again")
				}
				changed := url.Values{"_csrf": {b.token(t)}}
				for name, values := range f.form {
					if name != "_csrf" {
						changed[name] = values
					}
				}
				if name == "an_endpoint" || name == "a_key" || name == "a_test_event" {
					b.do(t, b.request(t, http.MethodPost, f.path, changed))
					if made := s.count(t, f.table) - before; made != 2 {
						t.Errorf("a second form with the same contents: %d were made", made)
					}
				}
			})
		}
	})
}

// What leads in, or uses something up, does so for each form once, and the
// second click gets what the first one got.
func TestSentForm_signs_up_once(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		b := s.browser(t)
		form := url.Values{"name": {"Ada"}, "email": {"ada@example.com"}, "password": {password}, "_csrf": {b.token(t)}}
		anew := func() *browser { // the cookie of the first answer did not arrive
			other := s.browser(t)
			address, err := url.Parse(s.url)
			must(t, err)
			other.client.Jar.SetCookies(address, b.client.Jar.Cookies(address))
			return other
		}
		first, second, late := anew(), anew(), anew()
		for _, one := range []*browser{first, second} {
			wantLocation(t, one.do(t, one.request(t, http.MethodPost, "/signup", form)), "/")
			wantStatus(t, one.get(t, "/orgs"), http.StatusOK)
		}
		if s.count(t, "users") != 1 {
			t.Errorf("%d accounts", s.count(t, "users"))
		}
		s.clock.Advance(shownOver)
		a := late.do(t, late.request(t, http.MethodPost, "/signup", form))
		wantStatus(t, a, http.StatusConflict)
		wantStatus(t, late.get(t, "/orgs"), http.StatusSeeOther)
	})
}

func TestSentForm_makes_codes_once(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		b, _ := s.member(t, "Acme", models.RoleOwner)
		b.setUp(t) // with a proof, which renews the session
		form := url.Values{"_csrf": {b.token(t)}}
		answers := b.sendAll(t, 4, "/account/two-factor/recovery-codes", form)
		for _, answer := range answers {
			wantStatus(t, answer, http.StatusOK)
			if codes := answer.doc.Find("pre.secret").Text(); codes == "" || codes != answers[0].doc.Find("pre.secret").Text() {
				t.Errorf("one shows %q, another %q", answers[0].doc.Find("pre.secret").Text(), codes)
			}
		}
		s.clock.Advance(shownOver)
		wantLocation(t, b.do(t, b.request(t, http.MethodPost, "/account/two-factor/recovery-codes", form)), "/account/two-factor")
	})
}

// A second click on what takes something away is no fault either.
func TestSentForm_ends_once(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		b, org := s.member(t, "Acme", models.RoleOwner)
		other, _ := s.member(t, org.ID, models.RoleOwner)
		ids := s.fill(t, org)
		for _, path := range []string{"/o/:org/recoveries/:recovery/cancel", "/o/:org/notices/:notice/dismiss", "/o/:org/deliveries/:delivery/cancel",
			"/o/:org/invitations/:invitation/revoke", "/o/:org/endpoints/:endpoint/delete", "/o/:org/team/:member/transfer", "/o/:org/team/leave"} {
			form := url.Values{"_csrf": {b.token(t)}}
			for _, a := range b.sendAll(t, 2, ids.path(path), form) {
				if a.StatusCode != http.StatusSeeOther {
					t.Errorf("%s: %d: %s", path, a.StatusCode, a.text("main"))
				}
			}
		}
		form := url.Values{"_csrf": {other.token(t)}, "confirm": {org.Slug}}
		for range 2 {
			wantLocation(t, other.do(t, other.request(t, http.MethodPost, "/o/"+org.Slug+"/settings/delete", form)), "/orgs")
		}
	})
}

// Nobody else can name the form, and a form of another page is another form.
func TestSentForm_is_its_senders_own(t *testing.T) {
	s := newSite(t, nil)
	b, org := s.member(t, "Acme", models.RoleAdmin)
	form := url.Values{"name": {"k"}, "scopes": {"read"}, "_csrf": {b.token(t)}}
	path := "/o/" + org.Slug + "/keys"
	wantStatus(t, b.do(t, b.request(t, http.MethodPost, path, form)), http.StatusCreated)
	colleague, _ := s.member(t, org.ID, models.RoleAdmin)
	a := colleague.do(t, colleague.request(t, http.MethodPost, path, form))
	if a.StatusCode < 400 || strings.Contains(a.body, "hwk_") {
		t.Errorf("another person’s form: %d", a.StatusCode)
	}
	var stored string
	must(t, s.db.QueryRow("SELECT made || ' ' || hex(shown) || ' ' || hex(id) FROM sent_forms").Scan(&stored))
	if strings.Contains(stored, fmt.Sprintf("%X", "hwk_")) {
		t.Error("the key lies in the open")
	}
	s.clock.Advance(25 * time.Hour)
	must(t, s.Store.PruneForms(t.Context()))
	if n := s.count(t, "sent_forms"); n != 0 {
		t.Errorf("%d forms are kept after a day", n)
	}
}

// Links work once; the second click on their button gets in like the first.
func TestSentForm_uses_a_link_once(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		p := newPortalSite(t, s, "")
		path := p.link(t, `{"role":"guest"}`)
		visitor := s.browser(t)
		token, _ := visitor.get(t, path).doc.Find("input[name=_csrf]").Attr("value")
		form := url.Values{"_csrf": {token}}
		address, err := url.Parse(s.url)
		must(t, err)
		anew := func() *browser { // the cookie of the first answer did not arrive
			other := s.browser(t)
			other.client.Jar.SetCookies(address, visitor.client.Jar.Cookies(address))
			return other
		}
		first, second, late := anew(), anew(), anew()
		for _, b := range []*browser{first, second} {
			wantLocation(t, b.do(t, b.request(t, http.MethodPost, path, form)), "/o/"+p.org.Slug)
			wantStatus(t, b.get(t, "/o/"+p.org.Slug), http.StatusOK)
		}
		other := s.browser(t)
		wantStatus(t, other.do(t, other.request(t, http.MethodPost, path, url.Values{"_csrf": {other.token(t)}})), http.StatusNotFound)
		s.clock.Advance(shownOver)
		wantStatus(t, late.do(t, late.request(t, http.MethodPost, path, form)), http.StatusNotFound)

		_, org := s.member(t, "Globex", models.RoleOwner)
		_, invited, err := s.tenantOf(t, org).Invite(t.Context(), models.NewInvitation{Email: "eve@example.com", Role: models.RoleMember})
		must(t, err)
		path = "/invite/" + invited
		token, _ = visitor.get(t, path).doc.Find("form[action='" + path + "'] input[name=_csrf]").Attr("value")
		form = url.Values{"_csrf": {token}, "name": {"Eve"}, "password": {password}}
		for _, b := range []*browser{anew(), anew()} {
			wantLocation(t, b.do(t, b.request(t, http.MethodPost, path, form)), "/o/"+org.Slug)
			wantStatus(t, b.get(t, "/o/"+org.Slug), http.StatusOK)
		}
		if n := s.count(t, "users WHERE email = 'eve@example.com'"); n != 1 {
			t.Errorf("%d accounts", n)
		}
	})
}
