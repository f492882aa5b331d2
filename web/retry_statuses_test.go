package web

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"hookwell/models"
	"hookwell/views"
)

// TestEndpointForm_retryStatuses sets which statuses are retried, in the form, and
// reads it on the endpoint's page and in the audit log.
func TestEndpointForm_retryStatuses(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		b, org := s.member(t, "Acme", models.RoleAdmin)
		list := views.EndpointsPath(org.Slug)
		input := b.get(t, list+"/new").doc.Find("input[name=retryStatuses]")
		if input.Length() != 1 || input.AttrOr("value", "none") != "" {
			t.Fatalf("the form of a new endpoint has %d inputs, holding %q; want an empty one", input.Length(), input.AttrOr("value", "none"))
		}
		hint := b.get(t, list+"/new").text("#" + input.AttrOr("aria-describedby", "none"))
		if !strings.Contains(hint, "408, 429, 500-599") || !strings.Contains(hint, "!401, !404") {
			t.Errorf("the hint says %q; want both kinds of examples", hint)
		}
		created := b.post(t, list, with(endpointFields("http://127.0.0.1:9/a"), url.Values{"retryStatuses": {"500-599 , 429,408"}}))
		wantStatus(t, created, http.StatusCreated)
		if policy := created.text("[aria-labelledby=policy-title]"); !strings.Contains(policy, "only 408, 429, 500-599") {
			t.Errorf("the endpoint's page says %q", policy)
		}
		path := created.Header.Get("Content-Location")
		drawn := b.get(t, path+"/edit")
		if got := drawn.doc.Find("input[name=retryStatuses]").AttrOr("value", ""); got != "408,429,500-599" {
			t.Errorf("the form holds %q", got)
		}
		form := with(endpointFields("http://127.0.0.1:9/a"), url.Values{"version": {drawn.doc.Find("input[name=version]").AttrOr("value", "")}, "retryStatuses": {"408, 429, 500-599"}})
		without := maps.Clone(form)
		without.Del("retryStatuses")
		wantLocation(t, b.post(t, path+"/edit", without), path) // a form without it leaves it
		again := b.post(t, path+"/edit", with(maps.Clone(form), url.Values{"retryStatuses": {"!401"}}))
		wantStatus(t, again, http.StatusConflict) // drawn before the last save
		notes := again.text("main")
		if !strings.Contains(notes, "Saved meanwhile: “408,429,500-599”") || again.doc.Find("input[name=retryStatuses]").AttrOr("value", "") != "!401" {
			t.Errorf("the conflict says %q", notes)
		}
		same := b.post(t, path+"/edit", form) // differs in spaces alone
		wantLocation(t, same, path)
		form.Set("version", again.doc.Find("input[name=version]").AttrOr("value", ""))
		form.Set("retryStatuses", "!401")
		wantLocation(t, b.post(t, path+"/edit", form), path)
		if log := b.get(t, "/o/"+org.Slug+"/audit").text("main"); !strings.Contains(log, "Retried statuses: all but 401, was only 408, 429, 500-599") {
			t.Errorf("the audit log says %q", log)
		}
	})
}
