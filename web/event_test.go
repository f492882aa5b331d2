package web

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hookwell/models"
	"hookwell/models/store"
)

// report publishes an example of a type and answers the event's id.
func (s *site) report(t *testing.T, tenant *store.Tenant, eventType string) string {
	t.Helper()
	kind, _ := s.Store.Catalog().Lookup(eventType)
	accepted, err := tenant.Publish(t.Context(), models.NewEvent{Type: kind.Type, Data: kind.Example})
	must(t, err)
	return accepted.ID
}

// verdictRows are the verdicts as the page has them: endpoint, state, why.
func verdictRows(a *shown) map[string]string {
	rows := map[string]string{}
	for _, row := range a.doc.Find("table tbody tr").EachIter() {
		cells := row.Find("td")
		rows[row.Find("td").First().Find("a").Text()] = strings.Join(strings.Fields(cells.Eq(1).Text()+": "+cells.Eq(4).Text()), " ")
	}
	return rows
}

func TestEvent(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		b, org := s.member(t, "Acme", models.RoleMember)
		tenant := s.tenantOf(t, org)
		addEndpoint(t, tenant, "Everything", "*")
		off := addEndpoint(t, tenant, "Off", "*")
		addEndpoint(t, tenant, "Members only", "org.*")
		_, err := tenant.DisableEndpoint(t.Context(), off.ID)
		must(t, err)
		id := s.report(t, tenant, "payment.failed")
		path := "/o/" + org.Slug + "/events/" + id
		a := b.get(t, path)
		wantStatus(t, a, http.StatusOK)

		t.Run("every_endpoint_has_a_verdict", func(t *testing.T) {
			got := verdictRows(a)
			if !strings.HasPrefix(got["Off"], "Not sent: Disabled since ") {
				t.Errorf("Off is %q", got["Off"])
			}
			delete(got, "Off")
			want := map[string]string{"Everything": "Pending: Due now, waits for a free slot", "Members only": "Not sent: Not subscribed to this type"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
		t.Run("the_payload_is_as_sent", func(t *testing.T) {
			event, err := tenant.Event(t.Context(), id)
			must(t, err)
			if got := a.doc.Find("#payload-raw").AttrOr("data-text", ""); got != string(event.Body) {
				t.Errorf("the payload is %s, sent was %s", got, event.Body)
			}
		})
		t.Run("the_waiting_delivery_can_be_tried_now", func(t *testing.T) {
			form := a.doc.Find("form[action$='/resend']")
			if got := strings.TrimSpace(form.Find("button").Text()); got != "Try now" {
				t.Errorf("the button says %q", got)
			}
			guest, _ := s.member(t, org.ID, models.RoleGuest)
			if guest.get(t, path).doc.Find("form[action$='/resend']").Length() > 0 {
				t.Error("a guest is offered it")
			}
		})
		t.Run("comes_as_a_part_by_htmx", func(t *testing.T) {
			part := b.get(t, path, "HX-Request", "true")
			if strings.Contains(part.body, "<html") || part.doc.Find("#event").Length() != 1 {
				t.Errorf("no part: %.80s", part.body)
			}
		})
		t.Run("is_led_to_and_leads_on", func(t *testing.T) {
			delivery := a.doc.Find("a[href*='/deliveries/dlv_']").AttrOr("href", "")
			for from, to := range map[string]string{delivery: path, path: "/o/" + org.Slug + "/catalog/payment.failed",
				"/o/" + org.Slug + "/catalog/payment.failed":  "/o/" + org.Slug + "/events?type=payment.failed",
				"/o/" + org.Slug + "/endpoints/" + off.ID:     "/o/" + org.Slug + "/events?missed=" + off.ID,
				"/o/" + org.Slug + "/events?missed=" + off.ID: path} {
				if b.get(t, from).doc.Find("main a[href='"+to+"']").Length() == 0 {
					t.Errorf("%s does not lead to %s", from, to)
				}
			}
		})
	})
}

func TestEvents(t *testing.T) {
	s := newSite(t, nil)
	b, org := s.member(t, "Acme", models.RoleGuest)
	tenant := s.tenantOf(t, org)
	list := "/o/" + org.Slug + "/events"
	t.Run("say_why_there_is_none", func(t *testing.T) {
		a := b.get(t, list)
		wantStatus(t, a, http.StatusOK)
		if got := a.text(".empty"); !strings.HasPrefix(got, "No event yet") {
			t.Errorf("the page says %q", got)
		}
	})
	narrow := addEndpoint(t, tenant, "Members only", "org.*")
	s.report(t, tenant, "org.member.added")
	for range models.DefaultLimit + 2 {
		s.report(t, tenant, "payment.failed")
	}
	full := models.DefaultLimit
	for query, rows := range map[string]int{
		"": full, "?type=org.member.added": 1, "?type=org.*": 1, "?type=nothing": 0, "?origin=api": full, "?origin=test": 0, "?origin=nonsense": full,
		"?period=1h&type=org.*": 1, "?until=2020-01-01": 0, "?since=2020-01-01": full, "?cursor=nonsense": full,
		"?missed=" + narrow.ID: full, "?type=org.*&missed=" + narrow.ID: 0, "?missed=ep_none": 0,
	} {
		t.Run("query "+query, func(t *testing.T) {
			a := b.get(t, list+query)
			wantStatus(t, a, http.StatusOK)
			if got := a.doc.Find("#events tbody tr").Length(); got != rows {
				t.Errorf("%d rows, want %d", got, rows)
			}
		})
	}
	t.Run("are_paged_to_their_end", func(t *testing.T) {
		seen, path := map[string]bool{}, list
		for range 3 {
			a := b.get(t, path)
			for _, link := range a.doc.Find("#events a.rowlink").EachIter() {
				seen[link.AttrOr("href", "")] = true
			}
			next, more := a.doc.Find(`nav[aria-label=Pages] a[href*=cursor]`).Attr("href")
			if !more {
				break
			}
			path = next
		}
		if want := full + 3; len(seen) != want {
			t.Errorf("%d events in all, want %d", len(seen), want)
		}
	})
	t.Run("say_what_became_of_them", func(t *testing.T) {
		for query, want := range map[string]string{"?type=org.*": "1 pending", "?type=payment.*": "Not sent"} {
			if got := strings.TrimSpace(b.get(t, list+query).doc.Find("#events .state-counts").First().Text()); got != want {
				t.Errorf("%s: %q, want %q", query, got, want)
			}
		}
	})
	t.Run("say_at_the_field_what_no_time_is", func(t *testing.T) {
		a := b.get(t, list+"?since=yesterday")
		wantStatus(t, a, http.StatusUnprocessableEntity)
		if a.text("#f-since-error") == "" {
			t.Error("no fault at since")
		}
	})
	t.Run("refresh_when_a_delivery_changes", func(t *testing.T) {
		newest, older := b.get(t, list), b.get(t, list+"?cursor="+s.report(t, tenant, "payment.failed"))
		for name, c := range map[string]struct {
			a    *shown
			live bool
		}{"newest": {newest, true}, "older": {older, false}} {
			if _, live := c.a.doc.Find("#events").Attr("data-live"); live != c.live {
				t.Errorf("the %s page is live: %v", name, live)
			}
		}
		part := b.get(t, list, "HX-Request", "true")
		before, after := newest.doc.Find("#events").AttrOr("data-version", ""), part.doc.Find("#events").AttrOr("data-version", "")
		if before == "" || before == after || strings.Contains(part.body, "<html") {
			t.Errorf("version %q, then %q", before, after)
		}
	})
}
