package views

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hookwell/models"
	"hookwell/webhook"
)

func TestWhy(t *testing.T) {
	event := sampleEvent()
	event.CreatedAt = ago(time.Hour)
	e := func(change func(*models.Endpoint)) *models.Endpoint {
		e := sampleEndpoint("ep_1", "One", "https://example.com", "org.*")
		change(e)
		return e
	}
	as := func(*models.Endpoint) {}
	sent := func(state models.State, attempts, status int, cause webhook.Cause, reason models.Reason) models.Verdict {
		d := sampleDelivery(1, "payment.failed", "One", state, attempts, status, cause)
		at := d.CreatedAt.Add(time.Duration(attempts-1) * 10 * time.Second)
		d.DeliveredAt, d.NextAttemptAt = &at, &sampleNow
		return models.Verdict{Endpoint: e(as), Delivery: &d, Reason: reason}
	}
	for name, c := range map[string]struct {
		verdict models.Verdict
		want    string
		timed   bool
	}{
		"delivered at once":       {sent(models.Delivered, 1, 200, "", ""), "192 ms, at once", false},
		"delivered later":         {sent(models.Delivered, 3, 200, "", ""), "192 ms, after 20 s", false},
		"delivered, resend fails": {sent(models.Delivered, 3, 500, webhook.CauseStatus, ""), "After 20 s; a later resend failed", false},
		"failed":                  {sent(models.Failed, 10, 401, webhook.CauseStatus, "status"), "The receiver refused the signature (401)", false},
		"retrying":                {sent(models.Retrying, 2, 503, webhook.CauseStatus, "status"), "Next attempt", true},
		"in flight":               {sent(models.Retrying, 2, 503, webhook.CauseStatus, models.ReasonInFlight), "An attempt is under way", false},
		"parked":                  {sent(models.Pending, 0, 0, "", models.ReasonEndpointDisabled), "Waits because the endpoint is disabled", false},
		"circuit":                 {sent(models.Pending, 0, 0, "", models.ReasonCircuit), "Waits for the circuit to close", false},
		"rate limit":              {sent(models.Pending, 0, 0, "", models.ReasonRateLimit), "Waits for the endpoint’s rate limit", false},
		"queued":                  {sent(models.Pending, 0, 0, "", models.ReasonQueued), "Due now, waits for a free slot", false},
		"scheduled":               {sent(models.Pending, 0, 0, "", models.ReasonScheduled), "First attempt", true},
		"cancelled":               {sent(models.Cancelled, 0, 0, "", models.ReasonPerson), "Cancelled by a member", false},
		"cancelled with endpoint": {sent(models.Cancelled, 0, 0, "", models.ReasonEndpointDeleted), "Its endpoint was deleted", false},
		"not subscribed":          {models.Verdict{Endpoint: e(as), Reason: models.ReasonNotSubscribed}, "Not subscribed to this type", false},
		"subscribed since": {models.Verdict{Endpoint: e(func(e *models.Endpoint) { e.EventTypes = []string{"*"} }), Reason: models.ReasonNotSubscribed},
			"Not subscribed to this type then; it is now", false},
		"disabled": {models.Verdict{Endpoint: e(func(e *models.Endpoint) { e.DisabledAt = agoP(9 * 24 * time.Hour) }), Reason: models.ReasonDisabled},
			"Disabled since 11 April", false},
		"enabled since": {models.Verdict{Endpoint: e(as), Reason: models.ReasonDisabled}, "Disabled at the time", false},
		"disabled again": {models.Verdict{Endpoint: e(func(e *models.Endpoint) { e.DisabledAt = agoP(time.Minute) }), Reason: models.ReasonDisabled},
			"Disabled at the time", false},
		"younger": {models.Verdict{Endpoint: e(func(e *models.Endpoint) { e.CreatedAt = ago(time.Minute) }), Reason: models.ReasonNotCreated},
			"Did not exist yet; created 09:41", false},
		"deleted": {models.Verdict{Endpoint: e(func(e *models.Endpoint) { e.DeletedAt = agoP(2 * time.Hour) }), Reason: models.ReasonDeleted},
			"Deleted by then, 07:42", false},
		"test":    {models.Verdict{Endpoint: e(as), Reason: models.ReasonOtherTest}, "A test event goes to one endpoint", false},
		"unknown": {models.Verdict{Endpoint: e(as), Reason: models.ReasonUnknown}, "Nothing on record kept it out", false},
	} {
		t.Run(name, func(t *testing.T) {
			if words, when := why(sampleNow, event, c.verdict); words != c.want || (when != nil) != c.timed {
				t.Errorf("%q, with a time: %v", words, when != nil)
			}
		})
	}
}

func TestEventPage(t *testing.T) {
	doc := parse(t, EventPage(samplePage(), sampleEventView()))
	t.Run("a_sum_stands_over_the_verdicts", func(t *testing.T) {
		if got := doc.Find("#verdicts-title + p").Text(); got != "4 deliveries: 1 delivered, 1 retrying, 1 pending, 1 cancelled" {
			t.Error(got)
		}
	})
	t.Run("the_first_column_leads_to_the_delivery_or_the_endpoint", func(t *testing.T) {
		var got []string
		for _, row := range doc.Find("#event table tbody tr").EachIter() {
			href := row.Find("td").First().Find("a").AttrOr("href", "none")
			got = append(got, href[:min(len(href), 19)])
		}
		sent, unsent := "/o/acme/deliveries/", "/o/acme/endpoints/e"
		if diff := cmp.Diff([]string{sent, sent, sent, sent, unsent, unsent, unsent, "none"}, got); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("the_attempts_are_of_what_needs_somebody_most", func(t *testing.T) {
		if got := doc.Find("#attempts-title").Text(); got != "Billing sync, so far and to come" {
			t.Error(got)
		}
		if n := doc.Find(".timeline .attempt").Length(); n != 10 {
			t.Errorf("%d attempts", n)
		}
	})
	t.Run("it_listens_for_every_delivery", func(t *testing.T) {
		if ids := strings.Fields(doc.Find("#event").AttrOr("data-live-id", "")); len(ids) != 4 {
			t.Errorf("listens for %v", ids)
		}
	})
	t.Run("it_says_when_it_happened_only_if_that_was_earlier", func(t *testing.T) {
		view := sampleEventView()
		if !strings.Contains(doc.Find(".page-head").Text(), "Happened Today, 08:52:18.000") {
			t.Error("the time is missing")
		}
		view.Event.OccurredAt = view.Event.CreatedAt
		if strings.Contains(parse(t, EventPage(samplePage(), view)).Find(".page-head").Text(), "Happened") {
			t.Error("two times that are the same")
		}
	})
}

func TestEventQuery(t *testing.T) {
	f := EventQuery{Type: "org.*", Origin: models.OriginAPI, MissedBy: "ep_1", Since: "2026-04-20", Cursor: "evt_1"}
	if got := f.Path("acme"); got != "/o/acme/events?cursor=evt_1&missed=ep_1&origin=api&since=2026-04-20&type=org.%2A" {
		t.Error(got)
	}
	for _, part := range []string{"type", "origin", "missed", "period"} {
		if f = f.without(part); f.Cursor != "" {
			t.Error("the cursor stayed")
		}
	}
	if f.narrowed() {
		t.Errorf("%+v is left", f)
	}
}
