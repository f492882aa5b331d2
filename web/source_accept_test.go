package web

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"hookwell/models"
)

// TestSourceAccept accepts from a source's page what it refused before its secret was
// corrected: counted, asked for, and done once.
func TestSourceAccept(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		b, org := s.member(t, "Acme", models.RoleAdmin)
		ids := s.fill(t, org)
		at := func(path string) string { return ids.path("/o/:org" + path) }
		operator, _ := s.member(t, org.ID, models.RoleMember)
		if got := b.get(t, at("/sources/:source")).text("#source-setup .banner"); !strings.Contains(got, "1 refused request passes by now") {
			t.Errorf("the source's page says %q; want that one can be accepted", got)
		}
		if got := operator.get(t, at("/sources/:source")).text("#source-setup"); strings.Contains(got, "Accept") {
			t.Errorf("a member is offered %q", got)
		}
		page := b.get(t, at("/sources/:source/accept"))
		wantStatus(t, page, 200)
		if got := page.text("button[type=submit].btn--primary"); got != "Accept 1 request" {
			t.Errorf("the page's button is %q; want Accept 1 request", got)
		}
		for _, typed := range []string{"", "many", "0", "501"} {
			a := b.post(t, at("/sources/:source/accept"), url.Values{"perSecond": {typed}})
			wantStatus(t, a, 422)
			if a.text("#f-perSecond-error") == "" {
				t.Errorf("%q has no fault: %s", typed, a.text("[role=alert]"))
			}
		}
		a := b.post(t, at("/sources/:source/accept"), url.Values{"perSecond": {"5"}})
		wantStatus(t, a, 303)
		log := b.get(t, a.Header.Get("Location"))
		if got := log.text("#replays"); !strings.Contains(got, "Accepting 0 of 1 request") || !strings.Contains(got, "Cancel accepting") {
			t.Errorf("the log says %q; want how far accepting is", got)
		}
		for {
			stepped, err := s.Store.StepReplay(t.Context())
			must(t, err)
			if stepped == nil {
				break
			}
			s.clock.Advance(time.Second)
		}
		if got := b.get(t, at("/sources/:source")).text("#source-setup .banner"); strings.Contains(got, "passes") {
			t.Errorf("the source's page still says %q", got)
		}
		if got := b.get(t, at("/requests/:refused")).text("h1, .page-head"); !strings.Contains(got, "Verified") {
			t.Errorf("the accepted request's page says %q; want Verified", got)
		}
		a = b.post(t, at("/sources/:source/accept"), url.Values{"perSecond": {"5"}})
		wantStatus(t, a, 409)
		if got := a.text("[role=alert]"); !strings.Contains(got, "None of the refused requests") {
			t.Errorf("with none left it says %q", got)
		}
	})
}
