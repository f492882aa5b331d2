package web

import (
	"net/url"
	"strings"
	"testing"

	"hookwell/models"
)

// TestSourceForms says everything that is wrong at its field, keeps what was typed,
// and changes nothing.
func TestSourceForms(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		b, org := s.member(t, "Acme", models.RoleAdmin)
		ids := s.fill(t, org)
		at := func(path string) string { return ids.path("/o/:org" + path) }
		t.Run("settings", func(t *testing.T) {
			a := b.post(t, at("/sources/:source/edit"), url.Values{"name": {""}, "allowNetworks": {"10.0.0.0/8\nnowhere"}, "maxBodyBytes": {"much"}, "rateLimitPerSecond": {"0"},
				"responseStatus": {"204"}, "responseBody": {"hello"}, "dedupe": {"never"}})
			wantStatus(t, a, 422)
			for _, name := range []string{"name", "allowNetworks", "maxBodyBytes", "rateLimitPerSecond", "responseBody"} {
				if a.text("#f-"+name+"-error") == "" {
					t.Errorf("%s has no fault: %s", name, a.text("[role=alert]"))
				}
			}
			if got := strings.TrimSpace(a.doc.Find("#f-allowNetworks").Text()); got != "10.0.0.0/8\nnowhere" {
				t.Errorf("the networks came back as %q", got)
			}
			source, err := s.tenantOf(t, org).Receiving().Source(t.Context(), ids["source"])
			must(t, err)
			if source.Name != "Stripe" || source.MaxBodyBytes != models.DefaultSourceBody {
				t.Errorf("the source is %q with %d bytes, want it as it was", source.Name, source.MaxBodyBytes)
			}
		})
		t.Run("bodies_kept", func(t *testing.T) {
			for typed, want := range map[string]int{"-1": 422, "soon": 422, "36501": 422, "7": 303} {
				a := b.post(t, at("/sources/:source/edit"), url.Values{"bodyRetentionDays": {typed}})
				wantStatus(t, a, want)
				if want == 422 && a.text("#f-bodyRetentionDays-error") == "" {
					t.Errorf("%q has no fault: %s", typed, a.text("[role=alert]"))
				}
			}
		})
		t.Run("an_earlier_version", func(t *testing.T) {
			wantStatus(t, b.post(t, at("/sources/:source/edit"), url.Values{"name": {"Theirs"}}), 303)
			a := b.post(t, at("/sources/:source/edit"), url.Values{"name": {"Mine"}, "version": {"0"}})
			wantStatus(t, a, 409)
			if got := a.text("#f-name-error"); !strings.Contains(got, "Saved meanwhile: “Theirs”") {
				t.Errorf("the fault is %q", got)
			}
		})
		t.Run("mappings", func(t *testing.T) {
			a := b.post(t, at("/sources/:source/mappings"), url.Values{"mappings": {`[{"name": "A b", "events": [], "type": "nothing.here", "data": {}}]`}})
			wantStatus(t, a, 422)
			if got := a.text("#f-mappings-error"); !strings.Contains(got, "mappings[0].name") || !strings.Contains(got, "mappings[0].events") {
				t.Errorf("the faults are %q", got)
			}
			wantStatus(t, b.post(t, at("/sources/:source/mappings"), url.Values{"mappings": {"[]"}}), 303)
			wantStatus(t, b.post(t, at("/sources/:source/mappings"), url.Values{"shipped": {"on"}}), 303)
			source, err := s.tenantOf(t, org).Receiving().Source(t.Context(), ids["source"])
			must(t, err)
			if source.Mappings != "" {
				t.Errorf("the source has mappings of its own: %s", source.Mappings)
			}
		})
		t.Run("a_secret", func(t *testing.T) {
			a := b.post(t, at("/sources/:source/secrets"), url.Values{"secret": {"we_1Pasted"}, "overlapHours": {""}})
			wantStatus(t, a, 422)
			if got := a.text("#f-secret-error"); got == "" || strings.Contains(a.body, "we_1Pasted") {
				t.Errorf("the fault is %q; the page repeats what was pasted: %v", got, strings.Contains(a.body, "we_1Pasted"))
			}
			a = b.post(t, at("/sources/:source/rotate-url"), url.Values{"hours": {"many"}})
			wantStatus(t, a, 422)
			if a.text("#f-hours-error") == "" {
				t.Error("the hours have no fault")
			}
		})
		t.Run("guests_see_no_URL_and_no_body", func(t *testing.T) {
			guest, _ := s.member(t, org.ID, models.RoleGuest)
			for _, path := range []string{"/sources/:source", "/requests/:request", "/requests/:refused"} {
				if a := guest.get(t, at(path)); strings.Contains(a.body, "/in/") && !strings.Contains(a.text("#received"), "POST /in/…") || strings.Contains(a.body, "cus_sample") {
					t.Errorf("%s shows a guest a URL or a body", path)
				}
			}
		})
	})
}

// TestDroppedBody shows when a request's body was dropped, and offers nothing that
// needs it.
func TestDroppedBody(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		_, org := s.member(t, "Acme", models.RoleAdmin)
		ids := s.fill(t, org)
		at := func(path string) string { return ids.path("/o/:org" + path) }
		_, err := s.tenantOf(t, org).Receiving().UpdateSource(t.Context(), ids["source"], func(in *models.SourceInput) error { in.BodyRetentionDays = 7; return nil })
		must(t, err)
		_, err = s.Store.Engine().ProcessRequests(t.Context())
		must(t, err)
		s.clock.Advance(8 * models.Day)
		must(t, s.Store.Engine().DropBodies(t.Context()))
		b, _ := s.member(t, org.ID, models.RoleAdmin)
		a := b.get(t, at("/requests/:request"))
		if got := a.text("#body-dropped"); !strings.Contains(got, "dropped") || !strings.Contains(got, "replayed") || a.doc.Find("#replay").Length() != 0 {
			t.Errorf("the page of a request without body says %q, and offers %d replays", got, a.doc.Find("#replay").Length())
		}
		a = b.post(t, at("/requests/:request/replay"), url.Values{})
		if wantStatus(t, a, 409); !strings.Contains(a.text("#toasts"), "body was dropped on") {
			t.Errorf("a replay is refused with %q", a.text("#toasts"))
		}
	})
}
