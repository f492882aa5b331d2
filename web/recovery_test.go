package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"hookwell/models"
	"hookwell/models/pipeline"
	"hookwell/webhook"
)

// fails makes deliveries of an endpoint that tries once, each failed.
func (s *site) fails(t *testing.T, org *models.Organization, n int) (*models.Endpoint, []string) {
	t.Helper()
	tenant := s.tenantOf(t, org)
	schedule, err := webhook.NewSchedule([]int{0})
	must(t, err)
	in := models.NewEndpointInput()
	in.URL, in.EventTypes, in.Schedule = "http://127.0.0.1:9/once", []string{"payment.*"}, schedule
	e, _, err := tenant.CreateEndpoint(t.Context(), in)
	must(t, err)
	kind, _ := s.Store.Catalog().Lookup("payment.failed")
	for range n {
		_, err := tenant.Publish(t.Context(), models.NewEvent{Type: kind.Type, Data: kind.Example})
		must(t, err)
	}
	list, _, err := tenant.Deliveries(t.Context(), models.DeliveryFilter{EndpointID: e.ID}, models.Page{})
	must(t, err)
	var ids []string
	for _, d := range list {
		ids = append(ids, d.ID)
	}
	jobs, _, err := s.Store.Engine().Claim(t.Context(), []pipeline.Lane{{EndpointID: e.ID, DeliveryIDs: ids, Slots: n}})
	must(t, err)
	var results []*pipeline.Result
	for _, job := range jobs {
		results = append(results, &pipeline.Result{Job: job, Exchange: webhook.Exchange{StartedAt: s.Store.Now(), StatusCode: 503, Cause: webhook.CauseStatus}})
	}
	must(t, s.Store.Engine().Record(t.Context(), results))
	return e, ids
}

func TestSelection(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		b, org := s.member(t, "Acme", models.RoleMember)
		_, ids := s.fails(t, org, 3)
		_, other := s.member(t, "Globex", models.RoleOwner)
		_, theirs := s.fails(t, other, 1)
		path := "/o/" + org.Slug + "/deliveries"
		log := b.get(t, path+"?state=failed")
		if n := log.doc.Find("form[data-selection] tbody input[name=id]").Length(); n != 3 {
			t.Errorf("%d rows can be chosen", n)
		}
		action := log.doc.Find("form[data-selection]").AttrOr("action", "")
		before := s.dump(t)
		wantStatus(t, b.post(t, action, url.Values{"id": {ids[0], theirs[0]}}), http.StatusNotFound)
		wantLocation(t, b.post(t, action, nil), path+"?state=failed")
		if s.dump(t) != before {
			t.Error("something was changed")
		}
		if said := b.get(t, path).text("#toasts > .toast"); !strings.Contains(said, "Select at least one") {
			t.Errorf("nothing chosen: %q", said)
		}
		wantLocation(t, b.post(t, action, url.Values{"id": ids[:2]}), path+"?state=failed")
		if said := b.get(t, path).text("#toasts > .toast"); !strings.Contains(said, "2 deliveries will be sent again.") {
			t.Errorf("said %q", said)
		}
		cancel, _ := log.doc.Find("form[data-selection] button[formaction]").Attr("formaction")
		wantLocation(t, b.post(t, cancel, url.Values{"id": ids[1:]}), path+"?state=failed")
		said := b.get(t, path).text("#toasts > .toast")
		if !strings.Contains(said, "1 delivery cancelled.") || !strings.Contains(said, "Not dlv_…"+ids[2][len(ids[2])-7:]+": This delivery is failed") {
			t.Errorf("said %q", said)
		}
	})
}

func TestSelection_is_not_for_guests(t *testing.T) {
	s := newSite(t, nil)
	b, org := s.member(t, "Acme", models.RoleGuest)
	s.fill(t, org)
	if n := b.get(t, "/o/"+org.Slug+"/deliveries").doc.Find(".tick, .bulk").Length(); n != 0 {
		t.Errorf("%d controls", n)
	}
}

func TestDelivery_is_cancelled(t *testing.T) {
	s := newSite(t, nil)
	b, org := s.member(t, "Acme", models.RoleMember)
	path := s.fill(t, org).path("/o/:org/deliveries/:delivery")
	if b.get(t, path).doc.Find("#cancel").Length() != 1 {
		t.Error("no button")
	}
	wantLocation(t, b.post(t, path+"/cancel", nil), path)
	page := b.get(t, path)
	if !strings.Contains(page.text("h1 ~ .state"), "Cancelled") || page.doc.Find("#cancel").Length() != 0 {
		t.Errorf("the page shows %q", page.text(".page-head"))
	}
	again := b.post(t, path+"/cancel", nil)
	wantStatus(t, again, http.StatusConflict)
	if said := again.text("#toasts > .toast"); !strings.Contains(said, "nothing left to cancel") {
		t.Errorf("said %q", said)
	}
}

func TestRecover(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		b, org := s.member(t, "Acme", models.RoleMember)
		e, _ := s.fails(t, org, 3)
		path := "/o/" + org.Slug + "/endpoints/" + e.ID
		if b.get(t, path).doc.Find(`.page-head a[href$="/recover"]`).Length() != 1 {
			t.Error("the endpoint's page leads to no recovery")
		}
		before := s.dump(t)
		for query, want := range map[string]string{"": "3 failed deliveries", "?causes=5xx&types=payment.*": "3 failed deliveries", "?causes=4xx": "No failed delivery matches",
			"?kind=missing": "There is no event", "?kind=missing&types=org.*": "There is no event"} {
			for _, htmx := range []string{"", "true"} {
				if got := b.get(t, path+"/recover"+query, "HX-Request", htmx).text("#recover-count h2"); !strings.Contains(got, want) {
					t.Errorf("%s counts %q, want %q", query, got, want)
				}
			}
		}
		for query, field := range map[string]string{"?since=yesterday": "since", "?perSecond=many": "perSecond", "?perSecond=101": "perSecond",
			"?causes=2xx": "causes", "?types=A": "types", "?since=2026-01-02&until=2026-01-01": "until", "?kind=missing&causes=5xx": "causes"} {
			a := b.get(t, path+"/recover"+query)
			wantStatus(t, a, http.StatusUnprocessableEntity)
			if a.text("#f-"+field+"-error") == "" {
				t.Errorf("%s: no fault at %s", query, field)
			}
		}
		if s.dump(t) != before {
			t.Error("counting changed something")
		}
		form := url.Values{}
		for _, input := range b.get(t, path+"/recover?perSecond=2").doc.Find("#recover-count form input").EachIter() {
			form.Add(input.AttrOr("name", ""), input.AttrOr("value", ""))
		}
		form.Del("_csrf")
		wantLocation(t, b.post(t, path+"/recover", form), path)
		if r, err := s.Store.StepRecovery(t.Context()); err != nil || r == nil || r.PerSecond != 2 {
			t.Fatal(r, err)
		}
		banner := b.get(t, path+"/recovery", "HX-Request", "true")
		if got := banner.text("#recovery h2"); got != "Recovering: 0 of 3 sent" {
			t.Errorf("the banner says %q", got)
		}
		wantLocation(t, b.post(t, path+"/recover", form), path)
		if said := b.get(t, path).text("#toasts > .toast"); !strings.Contains(said, "is under way") {
			t.Errorf("a second one: %q", said)
		}
		wantLocation(t, b.post(t, banner.doc.Find("form").AttrOr("action", ""), nil), path)
		if got := b.get(t, path).text("#recovery h2"); got != "The recovery was cancelled: 0 of 3 sent" {
			t.Errorf("the banner says %q", got)
		}
	})
}
