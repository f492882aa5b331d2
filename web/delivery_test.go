package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"hookwell/models"
)

const hostile = `<script>alert(1)</script>"><img src=x onerror=alert(2)><a href="javascript:alert(3)">x</a></pre>{{7*7}}`

// bench is an owner with one endpoint, whose receiver answers as told.
func bench(t *testing.T, s *site, status int, body string) (b *browser, endpoint, slug string) {
	t.Helper()
	b, org := s.member(t, "Acme", models.RoleOwner)
	created := b.post(t, "/o/"+org.Slug+"/endpoints", endpointFields(receiver(t, status, body).URL))
	wantStatus(t, created, http.StatusCreated)
	return b, created.Header.Get("Content-Location"), org.Slug
}

func TestDelivery(t *testing.T) {
	t.Run("shows_what_a_receiver_sent_as_text", func(t *testing.T) {
		s := newSite(t, nil)
		b, endpoint, slug := bench(t, s, 500, hostile)
		answered := b.post(t, endpoint+"/test", url.Values{"type": {"org.member.added"}})
		wantStatus(t, answered, http.StatusOK)
		link := b.get(t, "/o/"+slug+"/deliveries").doc.Find("#deliveries a.rowlink").AttrOr("href", "")
		for _, page := range []*shown{answered, b.get(t, link), b.get(t, link, "HX-Request", "true")} {
			if !strings.Contains(page.doc.Text(), "<script>alert(1)</script>") {
				t.Error("the body is not shown")
			}
			if page.doc.Find("img, script:not([nonce]), a[href^=javascript], [onerror]").Length() > 0 {
				t.Error("what the receiver sent became part of the page")
			}
		}
	})
	t.Run("of_a_test_is_not_resent_and_the_page_says_why", func(t *testing.T) {
		s := newSite(t, nil)
		b, endpoint, slug := bench(t, s, 200, "")
		b.post(t, endpoint+"/test", url.Values{"type": {"org.member.added"}})
		link := b.get(t, "/o/"+slug+"/deliveries").doc.Find("#deliveries a.rowlink").AttrOr("href", "")
		a := b.post(t, link+"/resend", nil)
		wantStatus(t, a, http.StatusConflict)
		if got := a.text("#toasts > .toast"); !strings.Contains(got, "test") {
			t.Errorf("the page says %q", got)
		}
	})
	t.Run("is_copied_as_curl_without_a_secret", func(t *testing.T) {
		s := newSite(t, nil)
		b, org := s.member(t, "Acme", models.RoleOwner)
		form := endpointFields(receiver(t, 401, "").URL + "/in")
		form["headerName"], form["headerValue"] = []string{"Authorization"}, []string{"Bearer not-for-anybodys-eyes"}
		created := b.post(t, "/o/"+org.Slug+"/endpoints", form)
		wantStatus(t, created, http.StatusCreated)
		endpoint := created.Header.Get("Content-Location")
		wantStatus(t, b.post(t, endpoint+"/test", url.Values{"type": {"org.member.added"}}), http.StatusOK)
		link := b.get(t, "/o/"+org.Slug+"/deliveries").doc.Find("#deliveries a.rowlink").AttrOr("href", "")
		page := b.get(t, link)
		button := page.doc.Find(`button:contains("Copy as curl")`)
		command := page.doc.Find("#"+button.AttrOr("data-copy-from", "none")).AttrOr("data-text", "")
		for _, wanted := range []string{"/in' \\", "'Authorization: ••••'", "'webhook-signature: v1,", `--data-raw '{"id":"`} {
			if !strings.Contains(command, wanted) {
				t.Errorf("the command lacks %s: %s", wanted, command)
			}
		}
		secret, _, _ := strings.Cut(created.body[strings.Index(created.body, "whsec_")+len("whsec_"):], "<")
		if len(secret) < 32 {
			t.Fatalf("no secret to look for: %q", secret)
		}
		for _, hidden := range []string{"not-for-anybodys-eyes", "whsec_", secret[:32]} {
			if strings.Contains(command, hidden) {
				t.Errorf("%s is in the command", hidden)
			}
		}
	})
	t.Run("is_resent", func(t *testing.T) {
		s := newSite(t, nil)
		b, org := s.member(t, "Acme", models.RoleMember)
		path := s.fill(t, org).path("/o/:org/deliveries/:delivery")
		wantLocation(t, b.post(t, path+"/resend", nil), path)
	})
	t.Run("row_is_a_row_alone", func(t *testing.T) {
		s := newSite(t, nil)
		b, org := s.member(t, "Acme", models.RoleGuest)
		a := b.get(t, s.fill(t, org).path("/o/:org/deliveries/:delivery/row"))
		wantStatus(t, a, http.StatusOK)
		if !strings.HasPrefix(strings.TrimSpace(a.body), "<tr") || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("not a row: %.80s", a.body)
		}
	})
}

func TestDeliveries(t *testing.T) {
	s := newSite(t, nil)
	b, org := s.member(t, "Acme", models.RoleGuest)
	s.fill(t, org)
	tenant := s.tenantOf(t, org)
	payment, _ := s.Store.Catalog().Lookup("payment.failed")
	for range models.DefaultLimit + 5 {
		_, err := tenant.Publish(t.Context(), models.NewEvent{Type: payment.Type, Data: payment.Example})
		must(t, err)
	}
	count := func(t *testing.T, query string, status int) int {
		t.Helper()
		a := b.get(t, "/o/"+org.Slug+"/deliveries"+query)
		wantStatus(t, a, status)
		return a.doc.Find("#deliveries tbody tr").Length()
	}
	for query, rows := range map[string]int{
		"": models.DefaultLimit, "?type=org.member.added": 1, "?type=org.*": 1, "?state=delivered": 0, "?state=pending&type=org.*": 1,
		"?state=nonsense": models.DefaultLimit, "?period=nonsense": models.DefaultLimit, "?period=1h&type=org.*": 1, "?until=2020-01-01": 0,
		"?endpoint=ep_none": 0, "?cursor=nonsense": models.DefaultLimit,
	} {
		t.Run("query "+query, func(t *testing.T) {
			if got := count(t, query, http.StatusOK); got != rows {
				t.Errorf("%d rows, want %d", got, rows)
			}
		})
	}
	t.Run("are_paged_to_their_end", func(t *testing.T) {
		path, total := "/o/"+org.Slug+"/deliveries", 0
		for range 3 {
			a := b.get(t, path)
			total += a.doc.Find("#deliveries tbody tr").Length()
			next, more := a.doc.Find(`nav[aria-label=Pages] a[href*=cursor]`).Attr("href")
			if !more {
				break
			}
			path = next
		}
		if want := models.DefaultLimit + 6; total != want {
			t.Errorf("%d rows in all, want %d", total, want)
		}
	})
	t.Run("say_at_the_field_what_no_time_is", func(t *testing.T) {
		if got := count(t, "?since=yesterday", http.StatusUnprocessableEntity); got != 0 {
			t.Errorf("%d rows", got)
		}
	})
	t.Run("come_as_a_part_by_htmx", func(t *testing.T) {
		a := b.get(t, "/o/"+org.Slug+"/deliveries", "HX-Request", "true")
		if strings.Contains(a.body, "<html") || a.doc.Find("#deliveries tbody tr").Length() != models.DefaultLimit {
			t.Error("not the log alone")
		}
	})
}

func TestFind(t *testing.T) {
	s := newSite(t, nil)
	b, org := s.member(t, "Acme", models.RoleGuest)
	_, other := s.member(t, "Globex", models.RoleOwner)
	ids, theirs := s.fill(t, org), s.fill(t, other)
	for q, location := range map[string]string{
		ids["delivery"]: ids.path("/o/:org/deliveries/:delivery"), " " + ids["delivery"] + " ": ids.path("/o/:org/deliveries/:delivery"),
		ids["endpoint"]: ids.path("/o/:org/endpoints/:endpoint"), ids["event"]: ids.path("/o/:org/events/:event"),
		"payment.failed": "/o/" + org.Slug + "/deliveries?type=payment.failed", "payment": "/o/" + org.Slug + "/deliveries?type=payment.%2A",
	} {
		wantLocation(t, b.get(t, "/o/"+org.Slug+"/find?q="+url.QueryEscape(q)), location)
	}
	for _, q := range []string{"", "nothing", "*", theirs["delivery"], theirs["endpoint"], theirs["event"], "evt_none", "dlv_", "%"} {
		a := b.get(t, "/o/"+org.Slug+"/find?q="+url.QueryEscape(q))
		wantStatus(t, a, http.StatusNotFound)
		if a.text("#toasts > .toast") == "" {
			t.Errorf("q=%q: nothing is said", q)
		}
	}
}

func TestEndpoint(t *testing.T) {
	s := newSite(t, nil)
	b, org := s.member(t, "Acme", models.RoleAdmin)
	ids := s.fill(t, org)
	path := ids.path("/o/:org/endpoints/:endpoint")
	with := func(change ...string) url.Values {
		form := endpointFields("http://127.0.0.1:9/hook")
		for i := 0; i < len(change); i += 2 {
			form.Set(change[i], change[i+1])
		}
		return form
	}
	for name, c := range map[string]struct {
		form  url.Values
		field string
	}{
		"no_url":           {with("url", "ftp://example.com"), "url"},
		"private_address":  {with("url", "https://10.0.0.1/hook"), "url"},
		"no_type":          {with("eventTypes", ""), "eventTypes"},
		"unknown_type":     {with("eventTypes", "no.such"), "eventTypes"},
		"no_number":        {with("timeoutSeconds", "soon"), "timeoutSeconds"},
		"too_many":         {with("maxInFlight", "1000"), "maxInFlight"},
		"unknown_schedule": {with("schedule", "hourly"), "schedule"},
		"unknown_format":   {with("signatureFormat", "md5"), "signatureFormat"},
	} {
		for _, to := range []string{ids.path("/o/:org/endpoints"), path + "/edit"} {
			t.Run(name+"_has_its_fault_at_its_field "+to, func(t *testing.T) {
				before := s.dump(t)
				c.form.Set("description", "kept as typed")
				a := b.post(t, to, c.form)
				wantStatus(t, a, http.StatusUnprocessableEntity)
				if a.text("#f-"+c.field+"-error") == "" {
					t.Errorf("no fault at %s: %s", c.field, a.text("main"))
				}
				if a.text("#f-description") != "kept as typed" {
					t.Error("the form forgot what was typed")
				}
				if s.dump(t) != before {
					t.Error("something was changed")
				}
			})
		}
	}
	t.Run("is_saved", func(t *testing.T) {
		form := with("name", "Billing", "timeoutSeconds", "7", "schedule", "brisk")
		form["eventTypes"] = []string{"payment.*", "payment.failed", "org.member.added"}
		wantLocation(t, b.post(t, path+"/edit", form), path)
		e, err := s.tenantOf(t, org).Endpoint(t.Context(), ids["endpoint"])
		must(t, err)
		if got, want := fmt.Sprintf("%s %d %s %v", e.Name, e.TimeoutSeconds, e.Schedule.Name, e.EventTypes), "Billing 7 brisk [org.member.added payment.*]"; got != want {
			t.Errorf("saved as %s, want %s", got, want)
		}
	})
	t.Run("is_disabled_enabled_and_deleted", func(t *testing.T) {
		enabled := func() bool {
			e, err := s.tenantOf(t, org).Endpoint(t.Context(), ids["endpoint"])
			must(t, err)
			return e.Enabled()
		}
		wantLocation(t, b.post(t, path+"/disable", nil), path)
		if enabled() {
			t.Error("still enabled")
		}
		wantLocation(t, b.post(t, path+"/enable", nil), path)
		if !enabled() {
			t.Error("still disabled")
		}
		wantLocation(t, b.post(t, path+"/delete", nil), ids.path("/o/:org/endpoints"))
		wantStatus(t, b.get(t, path), http.StatusNotFound)
		wantStatus(t, b.get(t, ids.path("/o/:org/deliveries/:delivery")), http.StatusOK)
	})
}

func TestBench(t *testing.T) {
	s := newSite(t, nil)
	b, path, _ := bench(t, s, 200, "thanks")
	t.Run("gives_the_sample_of_a_type", func(t *testing.T) {
		partial := b.get(t, path+"/test?type=payment.failed", "HX-Request", "true")
		if partial.doc.Find("#test-form option[selected]").AttrOr("value", "") != "payment.failed" || strings.Contains(partial.body, "<html") {
			t.Errorf("not the form of the type: %.200s", partial.body)
		}
		whole := b.get(t, path+"/test?type=payment.failed")
		if whole.doc.Find("#test-form option[selected]").AttrOr("value", "") != "payment.failed" || !strings.Contains(whole.body, "<html") {
			t.Error("not the page with the form of the type")
		}
	})
	t.Run("names_the_field_that_is_at_fault", func(t *testing.T) {
		for data, where := range map[string]string{`{}`: "required", `{`: "", `{"a":1,"a":2}`: "", strings.Repeat(" ", 300<<10) + "{}": ""} {
			before := s.dump(t)
			for _, htmx := range []string{"", "true"} {
				a := b.post(t, path+"/test", url.Values{"type": {"payment.failed"}, "data": {data}}, "HX-Request", htmx)
				wantStatus(t, a, http.StatusUnprocessableEntity)
				if got := a.text("#f-data-error"); got == "" || !strings.Contains(got, where) {
					t.Errorf("%.20s: the fault is %q", data, got)
				}
			}
			if s.dump(t) != before {
				t.Error("something was changed")
			}
		}
		a := b.post(t, path+"/test", url.Values{"type": {"no.such"}, "data": {"{}"}})
		wantStatus(t, a, http.StatusUnprocessableEntity)
		if a.text("#f-type-error") == "" {
			t.Error("no fault at the type")
		}
	})
	t.Run("works_without_scripts", func(t *testing.T) {
		a := b.post(t, path+"/test", url.Values{"type": {"payment.failed"}, "data": {""}})
		wantStatus(t, a, http.StatusOK)
		if !strings.Contains(a.text("#test-answer"), "thanks") || !strings.Contains(a.body, "<html") {
			t.Error("the page does not show the answer")
		}
	})
}

func TestCatalog(t *testing.T) {
	s := newSite(t, nil)
	b, org := s.member(t, "Acme", models.RoleGuest)
	s.fill(t, org)
	for _, kind := range s.Store.Catalog().Types() {
		for _, tab := range []string{"", "schema", "verify", "endpoints", "nonsense"} {
			a := b.get(t, "/o/"+org.Slug+"/catalog/"+kind.Type+"?tab="+tab)
			wantStatus(t, a, http.StatusOK)
			if got := a.text("#type-title"); got != kind.Type {
				t.Errorf("the page of %s is titled %q", kind.Type, got)
			}
		}
	}
	wantStatus(t, b.get(t, "/o/"+org.Slug+"/catalog/no.such"), http.StatusNotFound)
}

func TestKeys(t *testing.T) {
	s := newSite(t, nil)
	b, org := s.member(t, "Acme", models.RoleAdmin)
	path := "/o/" + org.Slug + "/keys"
	a := b.post(t, path, url.Values{"name": {""}})
	wantStatus(t, a, http.StatusUnprocessableEntity)
	if a.text("#f-name-error") == "" || a.text("#f-scopes-error") == "" {
		t.Errorf("the faults are not at their fields: %s", a.text("main"))
	}
	created := b.post(t, path, url.Values{"name": {"Production"}, "scopes": {"read"}})
	wantStatus(t, created, http.StatusCreated)
	_, text, _ := strings.Cut(created.body, "hwk_")
	text = "hwk_" + text[:40]
	if _, _, err := s.Store.AuthenticateKey(t.Context(), text); err != nil {
		t.Fatalf("the key that was shown is refused: %v", err)
	}
	revoke := b.get(t, path).doc.Find("dialog form[action$='/revoke']").AttrOr("action", "")
	wantLocation(t, b.post(t, revoke, nil), path)
	if _, _, err := s.Store.AuthenticateKey(t.Context(), text); !models.IsKind(err, models.Unauthorized) {
		t.Errorf("the revoked key still works: %v", err)
	}
}
