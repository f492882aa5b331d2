package web

import (
	"encoding/json"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"hookwell/inbound"
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
		t.Run("a_body_is_downloaded_as_bytes_in_a_sandbox", func(t *testing.T) {
			a := b.get(t, at("/requests/:request/body"))
			wantStatus(t, a, 200)
			for name, want := range map[string]string{"Content-Type": "application/octet-stream", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
				"Content-Disposition": `attachment; filename="` + ids["request"] + `.json"`} {
				if got := a.Header.Get(name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			if got := a.Header.Get("Content-Security-Policy"); !strings.HasSuffix(got, "; sandbox") {
				t.Errorf("Content-Security-Policy is %q, want a sandbox", got)
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

// TestSourceMappings_preview shows what was typed with what it would make, as a page and
// to htmx, and saves nothing.
func TestSourceMappings_preview(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		b, org := s.member(t, "Acme", models.RoleAdmin)
		ids := s.fill(t, org)
		path := ids.path("/o/:org/sources/:source/mappings")
		typed := `[ {"name": "mine", "events": ["*"], "type": "payment.failed", "data": {"paymentId": {"path": "$.id"}, "amount": {"cel": "body.nothing.there"}}} ]`
		before := s.dump(t)
		for _, htmx := range []string{"", "true"} {
			a := b.post(t, path, url.Values{"mappings": {typed}, "preview": {"on"}, "version": {"0"}}, "HX-Request", htmx)
			wantStatus(t, a, 200)
			if got := a.doc.Find("#mappings-preview .story > li").Length(); got == 0 {
				t.Fatalf("htmx %q: the preview has no request: %s", htmx, a.text("#mappings-preview"))
			}
			if got := a.text("#mappings-preview"); !strings.Contains(got, "mappings[0].data.amount") || !strings.Contains(got, "body.nothing.there") {
				t.Errorf("htmx %q: the preview is %q; want the place and the expression that fail", htmx, got)
			}
			if htmx == "" && (a.doc.Find("textarea[name=mappings]").Text() != typed && strings.TrimPrefix(a.doc.Find("textarea[name=mappings]").Text(), "\n") != typed) {
				t.Errorf("what was typed came back as %q", a.doc.Find("textarea[name=mappings]").Text())
			}
			if htmx == "true" && a.doc.Find("textarea, nav").Length() != 0 {
				t.Error("htmx gets more than the preview")
			}
			a = b.post(t, path, url.Values{"mappings": {`[{"name": "A b"}]`}, "preview": {"on"}, "version": {"0"}}, "HX-Request", htmx)
			wantStatus(t, a, 422)
			if got := a.text("#mappings-preview"); !strings.Contains(got, "mappings[0].name") {
				t.Errorf("htmx %q: the preview of mappings with faults is %q", htmx, got)
			}
		}
		if after := s.dump(t); after != before {
			t.Errorf("a preview changed something: %s", changed(before, after))
		}
	})
}

// TestSourceForm_scheme sets a scheme field by field, says all faults at once, each at
// its field, and takes a scheme as JSON.
func TestSourceForm_scheme(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		b, org := s.member(t, "Acme", models.RoleAdmin)
		s.fill(t, org)
		r := s.tenantOf(t, org).Receiving()
		create := func(slug string, with url.Values) *shown {
			with.Set("name", slug)
			with.Set("slug", slug)
			if with.Get("provider") == "" {
				with.Set("provider", "generic_hmac")
			}
			return b.post(t, "/o/"+org.Slug+"/sources", with)
		}
		saved := func(slug string) *models.Source {
			list, err := r.Sources(t.Context())
			must(t, err)
			for i := range list {
				if list[i].Slug == slug {
					return &list[i]
				}
			}
			t.Fatalf("there is no source %s", slug)
			return nil
		}
		t.Run("every_fault_at_its_field", func(t *testing.T) {
			a := create("wrong", url.Values{"schemeHeader": {"no header"}, "schemeMessage": {"{body"}, "schemeFormat": {"pairs"}, "schemeEntry": {""}, "schemeSeparator": {""}, "schemeTolerance": {"soon"},
				"schemeTimeName": {"a b"}, "schemeKey": {"morse"}, "schemeEncoding": {"roman"}})
			wantStatus(t, a, 422)
			for _, name := range []string{"schemeHeader", "schemeMessage", "schemeEntry", "schemeSeparator", "schemeTolerance", "schemeTimeName", "schemeKey", "schemeEncoding"} {
				if a.text("#f-"+name+"-error") == "" {
					t.Errorf("%s has no fault: %s", name, a.text("[role=alert]"))
				}
			}
			if got := a.doc.Find("#f-schemeHeader").AttrOr("value", ""); got != "no header" {
				t.Errorf("the header came back as %q", got)
			}
			a = create("wrong", url.Values{"schemeTimeFrom": {""}, "schemeMessage": {"{timestamp}.{body}"}})
			wantStatus(t, a, 422)
			if a.text("#f-schemeTimeFrom-error") == "" {
				t.Errorf("a time that is signed but nowhere has no fault at its field: %s", a.text("[role=alert]"))
			}
		})
		t.Run("as_it_comes", func(t *testing.T) {
			wantStatus(t, create("usual", url.Values{}), 303)
			if got := saved("usual").Scheme; got != "" {
				t.Errorf("the scheme is %s; want the provider's", got)
			}
		})
		t.Run("field_by_field", func(t *testing.T) {
			wantStatus(t, create("own", url.Values{"schemeAlgorithm": {"hmac-sha512"}, "schemeHeader": {" X-Mine "}, "schemePrefix": {""}, "schemeFormat": {"pairs"}, "schemeEntry": {"v1"}, "schemeSeparator": {","},
				"schemeEncoding": {"base64"}, "schemeTimeFrom": {"signature"}, "schemeTimeName": {"t"}, "schemeTolerance": {"60"}}), 303)
			own := saved("own")
			var scheme inbound.Scheme
			must(t, json.Unmarshal([]byte(own.Scheme), &scheme))
			want := inbound.Scheme{Algorithm: "hmac-sha512", Encoding: "base64", Key: "utf8", Message: "{timestamp}.{body}", Signature: &inbound.SignaturePlace{Header: "X-Mine", Format: "pairs", Key: "v1", Separator: ","},
				Timestamp: &inbound.TimestampPlace{From: "signature", Name: "t", Unit: "s", ToleranceSeconds: 60}}
			if !reflect.DeepEqual(scheme, want) {
				t.Errorf("the scheme is %s; want what was typed", own.Scheme)
			}
			edit := "/o/" + org.Slug + "/sources/" + own.ID + "/edit"
			a := b.get(t, edit)
			if got := a.doc.Find("#f-schemeFormat option[selected]").AttrOr("value", ""); got != "pairs" {
				t.Errorf("the form has the format %q", got)
			}
			wantStatus(t, b.post(t, edit, url.Values{"schemeTimeFrom": {""}, "schemeMessage": {"{body}"}}), 303)
			if got := saved("own").Scheme; strings.Contains(got, "timestamp") || !strings.Contains(got, `"X-Mine"`) {
				t.Errorf("the edited scheme is %s; want it without a time, and otherwise as it was", got)
			}
			a = b.post(t, edit, url.Values{"schemeHeader": {"X-Other"}, "version": {"0"}})
			wantStatus(t, a, 409)
			if got := a.text("#f-schemeHeader-error"); !strings.Contains(got, "Saved meanwhile: “X-Mine”") {
				t.Errorf("the fault of a form that is older is %q", got)
			}
		})
		t.Run("as_JSON", func(t *testing.T) {
			wantStatus(t, create("pasted", url.Values{"schemeJSON": {`{"algorithm":"hmac-sha256","encoding":"hex","key":"utf8","signature":{"header":"X-Pasted"},"message":"{body}"}`}}), 303)
			if got := saved("pasted").Scheme; !strings.Contains(got, "X-Pasted") {
				t.Errorf("the scheme is %s", got)
			}
			for text, field := range map[string]string{`{"algorithm":`: "schemeJSON", `{"algorithm":"token","signature":{"header":"X"}}`: "schemeAlgorithm", `{"algorithm":"hmac-sha256","encoding":"hex","key":"utf8","signature":{"header":"a b"},"message":"{body}"}`: "schemeHeader",
				`{"algorithm":"hmac-sha256","encoding":"hex","key":"utf8","signature":{"header":"X-A","prefixx":"a"},"message":"{body}"}`: "schemeJSON"} {
				a := create("wrong", url.Values{"schemeJSON": {text}})
				wantStatus(t, a, 422)
				if a.text("#f-"+field+"-error") == "" {
					t.Errorf("%s has no fault at %s: %s", text, field, a.text("[role=alert]"))
				}
				if kept := strings.TrimSpace(a.doc.Find("#f-schemeJSON").Text()); field == "schemeJSON" && kept != text {
					t.Errorf("the JSON came back as %q; want %q", kept, text)
				}
			}
		})
		t.Run("a_token", func(t *testing.T) {
			wantStatus(t, create("token", url.Values{"provider": {"token"}, "schemeHeader": {"X-Token"}, "schemeOptionalPrefix": {"Key "}}), 303)
			if got, want := saved("token").Scheme, `{"algorithm":"token","signature":{"header":"X-Token","optionalPrefix":"Key "}}`; got != want {
				t.Errorf("the scheme is %s; want %s", got, want)
			}
			a := b.get(t, "/o/"+org.Slug+"/sources/new?provider=token")
			if n := a.doc.Find("#f-schemeMessage, #f-schemeAlgorithm, #f-toleranceSeconds").Length(); n != 0 {
				t.Errorf("the form of a token has %d fields of a signature", n)
			}
		})
		t.Run("the_tolerance", func(t *testing.T) {
			a := create("clock", url.Values{"provider": {"stripe"}, "toleranceSeconds": {"90000"}})
			wantStatus(t, a, 422)
			if a.text("#f-toleranceSeconds-error") == "" || a.doc.Find("#f-toleranceSeconds").AttrOr("value", "") != "90000" {
				t.Errorf("the tolerance has no fault: %s", a.text("[role=alert]"))
			}
			wantStatus(t, create("clock", url.Values{"provider": {"stripe"}, "toleranceSeconds": {"600"}}), 303)
			edit := "/o/" + org.Slug + "/sources/" + saved("clock").ID + "/edit"
			for typed, want := range map[string]int{"900": 900, "": 0} {
				wantStatus(t, b.post(t, edit, url.Values{"toleranceSeconds": {typed}}), 303)
				if got := saved("clock").ToleranceSeconds; got != want {
					t.Errorf("the tolerance is %d; want %d", got, want)
				}
			}
			for _, typed := range []string{"soon", "-1", "0", "86401"} {
				wantStatus(t, b.post(t, edit, url.Values{"toleranceSeconds": {typed}}), 422)
			}
			if n := b.get(t, "/o/"+org.Slug+"/sources/new?provider=github").doc.Find("#f-toleranceSeconds").Length(); n != 0 {
				t.Error("the form of a provider that signs no time has a tolerance")
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
		wantStatus(t, b.get(t, at("/requests/:request/body")), 409)
		a = b.post(t, at("/requests/:request/replay"), url.Values{})
		if wantStatus(t, a, 409); !strings.Contains(a.text("#toasts"), "body was dropped on") {
			t.Errorf("a replay is refused with %q", a.text("#toasts"))
		}
	})
}
