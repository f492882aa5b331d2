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
		t.Run("a_body_is_downloaded_as_bytes_in_a_sandbox", func(t *testing.T) {
			a := b.get(t, at("/requests/:request/body"))
			wantStatus(t, a, 200)
			for name, want := range map[string]string{"Content-Type": "application/octet-stream", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
				"Content-Disposition": `attachment; filename="` + ids["request"] + `.json"`, "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'"} {
				if got := a.Header.Get(name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			request, err := s.tenantOf(t, org).Receiving().Request(t.Context(), ids["request"])
			must(t, err)
			if a.body != string(request.Body) {
				t.Errorf("the download has %d bytes, want the %d that were received", len(a.body), len(request.Body))
			}
		})
		t.Run("the_log_counts", func(t *testing.T) {
			a := b.get(t, at("/requests"))
			wantStatus(t, a, 200)
			if got := a.text("nav[aria-label=State]"); got != "All2 Verified1AuthenticatedUnverifiedRefused1" {
				t.Errorf("the states are %q", got)
			}
			if got := a.text("#request-hours"); got != "Last 24 hours: 1 accepted, 1 refused." || a.doc.Find("svg.strip").AttrOr("aria-label", "")+"." != got {
				t.Errorf("the last hours are %q, the strip says %q", got, a.doc.Find("svg.strip").AttrOr("aria-label", ""))
			}
			if got := a.text("select[name=cause]"); !strings.Contains(got, "signature (1)") {
				t.Errorf("the causes are %q", got)
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
