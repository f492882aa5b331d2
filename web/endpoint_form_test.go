package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"

	"hookwell/models"
	"hookwell/views"
)

// with is a form with some fields more, or others.
func with(form url.Values, fields url.Values) url.Values {
	for name, values := range fields {
		form[name] = values
	}
	return form
}

func TestOwnScheduleInTheForm(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		b, org := s.member(t, "Acme", models.RoleAdmin)
		list := views.EndpointsPath(org.Slug)
		own := url.Values{"schedule": {"custom"}, "delays": {"0s, 5s, 5m, 1h"}}
		created := b.post(t, list, with(endpointFields("http://127.0.0.1:9/a"), own))
		wantStatus(t, created, http.StatusCreated)
		path := created.Header.Get("Content-Location")
		if got := b.get(t, path+"/edit").doc.Find("input[name=delays]").AttrOr("value", ""); got != "0s, 5s, 5m, 1h" {
			t.Errorf("the list is %q", got)
		}
		own.Set("delays", "0s, soon")
		refused := b.post(t, path+"/edit", with(endpointFields("http://127.0.0.1:9/a"), own))
		wantStatus(t, refused, http.StatusUnprocessableEntity)
		input := refused.doc.Find("input[name=delays]")
		if input.AttrOr("aria-invalid", "") != "true" || input.AttrOr("value", "") != "0s, soon" {
			t.Error("the field is not marked, or what was typed is gone")
		}
		if refused.doc.Find("[role=alert] a[href='#"+input.AttrOr("id", "")+"']").Length() != 1 {
			t.Error("the summary does not lead to the field")
		}
		times := b.get(t, views.ScheduleTimesPath(org.Slug)+"?schedule=custom&delays="+url.QueryEscape("0s, 10m"), "HX-Request", "true")
		if !strings.Contains(times.body, "at once, then ") || strings.Contains(times.body, "<html") {
			t.Errorf("the times are %s", times.body)
		}
	})
}

func TestOwnHeadersInTheForm(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		b, org := s.member(t, "Acme", models.RoleAdmin)
		form := func(names, values, remove []string) url.Values {
			return with(endpointFields("http://127.0.0.1:9/a"), url.Values{"headerName": names, "headerValue": values, "headerRemove": remove})
		}
		created := b.post(t, views.EndpointsPath(org.Slug), form([]string{"x-key", "x-tenant"}, []string{"hush-1", "hush-2"}, nil))
		wantStatus(t, created, http.StatusCreated)
		path := created.Header.Get("Content-Location")
		id := path[strings.LastIndex(path, "/")+1:]
		sent := func(want string) {
			t.Helper()
			kind, _ := s.Store.Catalog().Lookup("org.member.added")
			job, err := s.tenantOf(t, org).BeginTest(t.Context(), id, kind.Type, kind.Example)
			must(t, err)
			var got []string
			for _, h := range job.Message.Headers {
				got = append(got, h.Name+"="+h.Value)
			}
			if strings.Join(got, " ") != want {
				t.Errorf("the endpoint's own headers are %q, want %q", got, want)
			}
			for _, page := range []string{path, path + "/edit"} {
				if strings.Contains(b.get(t, page).body, "hush") {
					t.Errorf("%s shows a value", page)
				}
			}
		}
		sent("x-key=hush-1 x-tenant=hush-2")
		wantLocation(t, b.post(t, path+"/edit", form([]string{"x-key", "x-tenant", "", ""}, []string{"", "", "", ""}, nil)), path)
		sent("x-key=hush-1 x-tenant=hush-2")
		wantLocation(t, b.post(t, path+"/edit", form([]string{"x-key", "x-tenant", "x-new"}, []string{"hush-3", "", "hush-4"}, []string{"x-tenant"})), path)
		sent("x-key=hush-3 x-new=hush-4")

		refused := b.post(t, path+"/edit", form([]string{"x-key", "x-new", "webhook-id", "x-fine", ""}, []string{"", "", "hush-5", "hush-6", "hush-7"}, nil))
		wantStatus(t, refused, http.StatusUnprocessableEntity)
		if strings.Contains(refused.body, "hush") {
			t.Error("the form repeats a value")
		}
		for row, want := range map[int]string{2: "webhook-id cannot be set", 3: "Enter the value of x-fine again", 4: "A header has no name"} {
			input := refused.doc.Find("#f-" + views.HeaderField(row))
			if input.AttrOr("aria-invalid", "") != "true" || !strings.Contains(refused.doc.Find("#"+input.AttrOr("aria-describedby", "none")).Text(), want) {
				t.Errorf("row %d does not say %q", row, want)
			}
		}
		sent("x-key=hush-3 x-new=hush-4")
	})
}

func TestNoticesAndReplay(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		b, org := s.member(t, "Acme", models.RoleAdmin)
		guest, _ := s.member(t, org.ID, models.RoleGuest)
		ids := s.fill(t, org)
		tenant, path, list := s.tenantOf(t, org), ids.path("/o/:org/endpoints/:endpoint"), ids.path("/o/:org/endpoints")
		noRecovery(t, s.Store, tenant, ids)
		if text := guest.get(t, list).text(".todo"); !strings.Contains(text, "was disabled") || strings.Contains(text, "Dismiss") {
			t.Errorf("a guest sees %q", text)
		}
		overview := ids.path("/o/:org")
		if text := guest.get(t, overview).text(".todo"); !strings.Contains(text, "was disabled") || strings.Contains(text, "Dismiss") {
			t.Errorf("on the overview a guest sees %q", text)
		}
		if next := b.get(t, overview).doc.Find(`.todo input[name="next"]`).AttrOr("value", ""); next != overview {
			t.Errorf("dismissing on the overview leads to %q", next)
		}
		wantLocation(t, b.post(t, ids.path("/o/:org/notices/:notice/dismiss"), url.Values{"next": {list}}), list)
		if b.get(t, list).doc.Find(".todo").Length() != 0 {
			t.Error("a dismissed notice stands")
		}
		disabled(t, s.Store, tenant, ids)
		kind, _ := s.Store.Catalog().Lookup("org.member.added")
		for range 3 {
			_, err := tenant.Publish(t.Context(), models.NewEvent{Type: kind.Type, Data: kind.Example})
			must(t, err)
		}
		if text := b.get(t, path).text(".banner.is-off"); !strings.Contains(text, "Enable and send the 3 missed events") {
			t.Errorf("the banner says %q", text)
		}
		wantLocation(t, b.post(t, path+"/enable", url.Values{"replay": {"on"}}), path)
		recoveries, err := tenant.Recoveries(t.Context(), ids["endpoint"])
		must(t, err)
		if recoveries[0].Kind != models.RecoverMissing || recoveries[0].Total != 3 {
			t.Errorf("%+v", recoveries[0])
		}
	})
}

// TestEndpointForm_tells_every_fault fills every field with something wrong: each
// says so, beside what was typed.
func TestEndpointForm_tells_every_fault(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		b, org := s.member(t, "Acme", models.RoleAdmin)
		list := views.EndpointsPath(org.Slug)
		created := b.post(t, list, endpointFields("http://127.0.0.1:9/a"))
		wantStatus(t, created, http.StatusCreated)
		edit := created.Header.Get("Content-Location") + "/edit"
		wrong := url.Values{"url": {"ftp://example.com"}, "name": {strings.Repeat("n", 300)}, "schedule": {"custom"}, "delays": {"0s, soon"},
			"timeoutSeconds": {"ten"}, "maxInFlight": {"1.5"}, "rateLimitPerSecond": {"1,000"}, "retryStatuses": {"5xx, !404"}, "signatureFormat": {"md5"}, "sourceSignature": {"both"}, "secret": {"short"}}
		for path, fields := range map[string][]string{
			list: {"url", "name", "eventTypes", "delays", "retryStatuses", "retryStatuses", "timeoutSeconds", "maxInFlight", "rateLimitPerSecond", "signatureFormat", "sourceSignature", "secret"},
			edit: {"url", "name", "eventTypes", "delays", "retryStatuses", "retryStatuses", "timeoutSeconds", "maxInFlight", "rateLimitPerSecond", "signatureFormat", "sourceSignature"},
		} {
			before := s.dump(t)
			form := with(endpointFields(""), wrong)
			form.Del("eventTypes")
			refused := b.post(t, path, form)
			wantStatus(t, refused, http.StatusUnprocessableEntity)
			var told []string
			refused.doc.Find("[role=alert] a").Each(func(_ int, link *goquery.Selection) {
				told = append(told, strings.TrimPrefix(link.AttrOr("href", ""), "#f-"))
			})
			if path == edit { // the endpoint's secret was not imported, so that the form has no field for one
				told = slices.DeleteFunc(told, func(field string) bool { return field == "secret" })
			}
			if diff := cmp.Diff(fields, told); diff != "" {
				t.Errorf("%s: the summary (-want +got):\n%s", path, diff)
			}
			for _, name := range []string{"url", "delays", "retryStatuses", "timeoutSeconds", "maxInFlight", "rateLimitPerSecond"} {
				input := refused.doc.Find("input[name=" + name + "]")
				if input.AttrOr("aria-invalid", "") != "true" || input.AttrOr("value", "") != wrong.Get(name) {
					t.Errorf("%s: %s is not marked, or holds %q", path, name, input.AttrOr("value", ""))
				}
			}
			for _, name := range []string{"timeoutSeconds", "maxInFlight", "rateLimitPerSecond"} {
				notes := strings.Fields(refused.doc.Find("input[name="+name+"]").AttrOr("aria-describedby", "none"))
				if text := refused.text("#" + strings.Join(notes, ", #")); !strings.Contains(text, "Enter a whole number") {
					t.Errorf("%s: %s says %q", path, name, text)
				}
			}
			if s.dump(t) != before {
				t.Errorf("%s: something changed", path)
			}
		}
		outside := with(endpointFields("http://127.0.0.1:9/a"), url.Values{"timeoutSeconds": {"99999999999999999999"}, "maxInFlight": {"-1"}, "rateLimitPerSecond": {"1001"}})
		refused := b.post(t, edit, outside)
		for _, want := range []string{"Choose 1 to 30 seconds.", "Choose 1 to 100.", "Choose 1 to 1000 requests a second"} {
			if !strings.Contains(refused.text("[role=alert]"), want) {
				t.Errorf("the summary does not say %q", want)
			}
		}
	})
}
