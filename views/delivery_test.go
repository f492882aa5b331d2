package views

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"

	"hookwell/models"
	"hookwell/views/ui"
	"hookwell/webhook"
)

func TestPaths(t *testing.T) {
	for got, want := range map[string]string{
		OrganizationPath("acme"):                  "/o/acme",
		FindPath("acme"):                          "/o/acme/find",
		StreamPath("acme"):                        "/o/acme/stream",
		EndpointNewPath("acme"):                   "/o/acme/endpoints/new",
		EndpointEditPath("acme", "ep_1"):          "/o/acme/endpoints/ep_1/edit",
		EndpointEnablePath("acme", "ep_1"):        "/o/acme/endpoints/ep_1/enable",
		EndpointDisablePath("acme", "ep_1"):       "/o/acme/endpoints/ep_1/disable",
		EndpointDeletePath("acme", "ep_1"):        "/o/acme/endpoints/ep_1/delete",
		EndpointTestPath("acme", "ep_1"):          "/o/acme/endpoints/ep_1/test",
		DeliveryRowPath("acme", "dlv_1"):          "/o/acme/deliveries/dlv_1/row",
		DeliveryResendPath("acme", "dlv_1"):       "/o/acme/deliveries/dlv_1/resend",
		EventTypePath("acme", "payment.failed"):   "/o/acme/catalog/payment.failed",
		EventTypePath("acme", "../x?y"):           "/o/acme/catalog/..%2Fx%3Fy",
		KeyRevokePath("acme", "key_1"):            "/o/acme/keys/key_1/revoke",
		withNext(LoginPath, "/o/acme?a=b&c"):      "/login?next=%2Fo%2Facme%3Fa%3Db%26c",
		DeliveryQuery{}.Path("acme"):              "/o/acme/deliveries",
		DeliveryQuery{Type: "org.*"}.Path("acme"): "/o/acme/deliveries?type=org.%2A",
	} {
		if got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

func TestDeliveryQuery(t *testing.T) {
	parseQuery := func(pairs ...string) DeliveryQuery {
		return ParseDeliveryQuery(func(key string) string {
			for i := 0; i < len(pairs); i += 2 {
				if pairs[i] == key {
					return pairs[i+1]
				}
			}
			return ""
		})
	}
	t.Run("unknown_words_count_as_none", func(t *testing.T) {
		if got := parseQuery("state", "lost", "period", "forever"); got.narrowed() {
			t.Errorf("%+v", got)
		}
	})
	t.Run("filters_by_what_is_chosen_alone", func(t *testing.T) {
		filter, _ := parseQuery("state", "failed", "type", "org.*", "endpoint", "ep_1").Filter(sampleNow)
		want := models.DeliveryFilter{States: []models.State{models.Failed}, Types: []string{"org.*"}, EndpointID: "ep_1"}
		if !reflect.DeepEqual(filter, want) {
			t.Errorf("Filter() returned %+v; want %+v", filter, want)
		}
		if filter, _ := parseQuery().Filter(sampleNow); !reflect.DeepEqual(filter, models.DeliveryFilter{}) {
			t.Errorf("Filter() of nothing returned %+v", filter)
		}
	})
	t.Run("a_span_goes_before_a_period", func(t *testing.T) {
		got := parseQuery("period", "1h", "since", "2026-04-19")
		filter, faults := got.Filter(sampleNow)
		if got.Period != "" || !filter.Since.Equal(time.Date(2026, 4, 19, 0, 0, 0, 0, time.UTC)) || !filter.Until.IsZero() || len(faults) > 0 {
			t.Errorf("Filter() of %+v returned %+v, %v", got, filter, faults)
		}
	})
	t.Run("a_period_ends_now", func(t *testing.T) {
		filter, _ := parseQuery("period", "24h").Filter(sampleNow)
		if !filter.Since.Equal(sampleNow.Add(-24*time.Hour)) || !filter.Until.IsZero() {
			t.Errorf("Filter() of 24h returned %+v", filter)
		}
	})
	t.Run("what_is_no_time_is_a_fault", func(t *testing.T) {
		_, faults := parseQuery("since", "yesterday", "until", "2026-13-01").Filter(sampleNow)
		if len(faults) != 2 || faults[0].Field != "since" || faults[1].Field != "until" {
			t.Errorf("%v", faults)
		}
	})
	t.Run("a_chip_takes_its_filter_out_and_the_page_back", func(t *testing.T) {
		f := DeliveryQuery{State: models.Failed, EndpointID: "ep_crm", Type: "payment.*", Period: "1h", Cursor: "c"}
		doc := parse(t, DeliveriesPage(samplePage(), DeliveriesView{Query: f}))
		got := doc.Find(".chip a").Map(func(_ int, s *goquery.Selection) string { return s.AttrOr("href", "") })
		want := []string{
			"/o/acme/deliveries?period=1h&state=failed&type=payment.%2A",
			"/o/acme/deliveries?endpoint=ep_crm&period=1h&state=failed",
			"/o/acme/deliveries?endpoint=ep_crm&state=failed&type=payment.%2A",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestDeliveryLog(t *testing.T) {
	t.Run("a_row_fetches_itself", func(t *testing.T) {
		d := sampleDeliveries()[0]
		doc, err := goquery.NewDocumentFromReader(strings.NewReader("<table><tbody>" + render(t, DeliveryRow(samplePage(), d)) + "</tbody></table>"))
		if err != nil {
			t.Fatal(err)
		}
		row := doc.Find("#" + DeliveryRowID(d.ID))
		if row.AttrOr("hx-get", "") != DeliveryRowPath("acme", d.ID) || row.AttrOr("data-live-id", "") != d.ID || row.AttrOr("hx-swap", "") != "outerHTML" {
			t.Error(name(row))
		}
	})
	t.Run("only_the_newest_page_takes_in_new_rows", func(t *testing.T) {
		view := DeliveriesView{Rows: sampleDeliveries(), Older: "next"}
		doc := parse(t, DeliveryLog(samplePage(), view))
		if doc.Find("#"+DeliveryLogID+"[data-live]").Length() != 1 || doc.Find("a:contains(Newest)").Length() != 0 {
			t.Error("the newest page is not live, or leads to itself")
		}
		view.Query.Cursor = "next"
		doc = parse(t, DeliveryLog(samplePage(), view))
		if doc.Find("[data-live]").Length() != 0 || doc.Find("a:contains(Newest)").Length() != 1 {
			t.Error("an older page is live, or does not lead back")
		}
	})
	t.Run("nothing_says_why", func(t *testing.T) {
		filtered := parse(t, DeliveryLog(samplePage(), DeliveriesView{Query: DeliveryQuery{State: models.Failed}}))
		if got := filtered.Find(".empty h2").Text(); got != "No delivery matches" {
			t.Errorf("%q", got)
		}
		none := parse(t, DeliveryLog(samplePage(), DeliveriesView{}))
		if got := none.Find(".empty h2").Text(); got != "No delivery yet" {
			t.Errorf("%q", got)
		}
	})
}

func TestRail(t *testing.T) {
	draw := func(state models.State, attempts, planned int, cause webhook.Cause) string {
		doc := parse(t, ui.Rail(models.Delivery{State: state, AttemptCount: attempts, PlannedAttempts: planned, LastCause: cause}))
		marks := doc.Find("rect").Map(func(_ int, s *goquery.Selection) string {
			return map[string]string{"r-ok": "|", "r-bad": ".", "r-plan": "o"}[s.AttrOr("class", "")]
		})
		return strings.Join(marks, "") + " " + strings.TrimSpace(doc.Find(".rail").Text())
	}
	for got, want := range map[string]string{
		draw(models.Pending, 0, 3, ""):                               "ooo 0 of 3",
		draw(models.Retrying, 2, 4, webhook.CauseTimeout):            "..oo 2 of 4",
		draw(models.Delivered, 3, 10, ""):                            "..| 3 of 10",
		draw(models.Delivered, 3, 10, webhook.CauseTimeout):          ".|. 3 of 10", // a resend failed after the success
		draw(models.Failed, 3, 3, webhook.CauseStatus):               "... 3 of 3",
		draw(models.Failed, 4, 3, webhook.CauseStatus):               ".... 4 attempts",
		draw(models.Cancelled, 1, 3, webhook.CauseRefused):           ". 1 of 3",
		draw(models.Failed, 100, 3, webhook.CauseStatus):             strings.Repeat(".", ui.MaxBars) + " 100 attempts",
		draw(models.Delivered, 1, 10, webhook.CauseResponseTooLarge): ". 1 of 10",
	} {
		if got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

func TestAnswerChip(t *testing.T) {
	for _, c := range []struct {
		status      int
		cause       webhook.Cause
		class, text string
	}{
		{200, "", "code is-ok", "200"},
		{302, webhook.CauseRedirect, "code is-warn", "302"},
		{401, webhook.CauseStatus, "code is-bad", "401"},
		{503, webhook.CauseStatus, "code is-bad", "503"},
		{0, webhook.CauseTimeout, "code code--cause is-bad", "timeout"},
		{200, webhook.CauseResponseTooLarge, "code code--cause is-bad", "response_too_large"},
		{0, "", "muted", "–"},
	} {
		chip := parse(t, ui.AnswerChip(c.status, c.cause)).Find("span")
		if chip.AttrOr("class", "") != c.class || chip.Text() != c.text {
			t.Errorf("%d %s: %s", c.status, c.cause, name(chip))
		}
	}
}

// timeline is what the timeline's lines say, spaces joined.
func timeline(doc *goquery.Document) []string {
	return doc.Find(".timeline li").Map(func(_ int, s *goquery.Selection) string { return strings.Join(strings.Fields(s.Text()), " ") })
}

func TestDeliveryPage_timeline(t *testing.T) {
	t.Run("made_and_planned", func(t *testing.T) {
		doc := parse(t, DeliveryPage(samplePage(), sampleDeliveryView(nil)))
		want := []string{
			"1 09:33:18 at once timeout 192 ms",
			"2 09:33:23 5 s later 401 192 ms",
			"3 in 2 min 13 s 09:44:31",
			"4 about 10:14 30 min later",
			"5 about 12:14 2 h later",
			"6 about 17:14 5 h later",
			"7 Tue, about 03:14 10 h later",
			"8 Tue, about 17:14 14 h later",
			"9 Wed, about 13:14 20 h later",
			"10 Thu, about 13:14 1 d later, the last",
		}
		if diff := cmp.Diff(want, timeline(doc)); diff != "" {
			t.Error(diff)
		}
		if got := doc.Find(".attempt[aria-current] a").AttrOr("href", ""); got != "/o/acme/deliveries/dlv_01kpcvh2x3f9qa7t5m8rw4z03?attempt=2#attempt" {
			t.Errorf("current %q", got)
		}
	})
	t.Run("a_disabled_endpoint_gives_no_times", func(t *testing.T) {
		view := sampleDeliveryView(nil)
		view.Endpoint.DisabledAt = agoP(time.Hour)
		doc := parse(t, DeliveryPage(samplePage(), view))
		if got := timeline(doc)[2]; got != "3 once the endpoint is enabled" {
			t.Errorf("%q", got)
		}
		if got := doc.Find(".banner h2").Text(); got != "Waits because the endpoint is disabled" {
			t.Errorf("banner %q", got)
		}
	})
	t.Run("under_way", func(t *testing.T) {
		view := sampleDeliveryView(nil)
		view.Delivery.InFlight = true
		doc := parse(t, DeliveryPage(samplePage(), view))
		if got := timeline(doc)[2]; got != "3 under way" {
			t.Errorf("%q", got)
		}
		if doc.Find("#resend").Length() != 0 {
			t.Error("a resend is offered during an attempt")
		}
	})
	t.Run("a_status_that_is_not_retried", func(t *testing.T) {
		view := sampleDeliveryView(nil)
		view.Delivery.State, view.Delivery.NextAttemptAt, view.Delivery.LastCause = models.Failed, nil, webhook.CauseNotRetried
		view.Attempts[1].Error = "The receiver refused the signature (401). Not tried again: the endpoint's setting retries only 408, 429, 500-599."
		doc := parse(t, DeliveryPage(samplePage(), view))
		if got := timeline(doc); len(got) != 2 || !strings.HasSuffix(got[1], "401 192 ms") {
			t.Errorf("the timeline is %q", got)
		}
		const says = "Not tried again: the endpoint's setting retries only 408, 429, 500-599."
		if title, text := doc.Find(".banner h2").Text(), doc.Find(".banner p").Text(); title != "The receiver refused the signature (401)" ||
			!strings.HasPrefix(text, says+" Check that it verifies") || !strings.HasSuffix(text, "Then resend it, or let the endpoint retry this status.") {
			t.Errorf("the banner says %q, %q", title, text)
		}
		if foot := doc.Find(".panel__foot").First().Text(); foot != says+" A resend adds attempt 3." {
			t.Errorf("the timeline's foot says %q", foot)
		}
		words, _ := why(sampleNow, view.Event, models.Verdict{Endpoint: view.Endpoint, Delivery: view.Delivery})
		if words != "The receiver refused the signature (401): not tried again" {
			t.Errorf("the verdict says %q", words)
		}
	})
	t.Run("a_resend_says_so", func(t *testing.T) {
		view := sampleDeliveryView(nil)
		view.Delivery.State, view.Delivery.AttemptCount, view.Delivery.PlannedAttempts = models.Delivered, 2, 1
		view.Attempts[1].Trigger, view.Attempts[1].Cause, view.Attempts[1].StatusCode = models.TriggerPerson, "", 200
		view.Delivery.LastCause, view.Delivery.LastStatusCode = "", 200
		doc := parse(t, DeliveryPage(samplePage(), view))
		if got := timeline(doc); len(got) != 2 || got[1] != "2 09:33:23 resent 200 192 ms" {
			t.Errorf("%q", got)
		}
		if doc.Find(".banner").Length() != 0 {
			t.Error("a banner over what was delivered")
		}
	})
}

func TestDeliveryPage_says_what_to_do(t *testing.T) {
	view := sampleDeliveryView(nil)
	doc := parse(t, DeliveryPage(samplePage(), view))
	what, do := webhook.CauseStatus.Advice(401)
	if got := doc.Find(".banner h2").Text(); got+"." != what {
		t.Errorf("what %q", got)
	}
	if got := doc.Find(".banner p").Text(); got != "2 attempts failed so far; the next is in 2 min 13 s. "+do {
		t.Errorf("do %q", got)
	}
	view.Endpoint = nil
	doc = parse(t, DeliveryPage(samplePage(), view))
	if doc.Find("#resend, .banner a").Length() != 0 {
		t.Error("a deleted endpoint is still offered")
	}
}

func TestDeliveryPage_chooses_an_attempt(t *testing.T) {
	view := sampleDeliveryView(nil)
	for chosen, want := range map[int]string{0: "Attempt 2", 1: "Attempt 1", 99: "Attempt 2"} {
		view.Chosen = chosen
		doc := parse(t, DeliveryPage(samplePage(), view))
		if got := doc.Find("#attempt-title").Text(); got != want {
			t.Errorf("%d: %q", chosen, got)
		}
	}
	view.Chosen = 1
	doc := parse(t, DeliveryPart(samplePage(), view))
	if got := doc.Find("#"+DeliveryID).AttrOr("hx-get", ""); !strings.HasSuffix(got, "?attempt=1") {
		t.Errorf("it fetches %q again", got)
	}
}

func TestTimingParts(t *testing.T) {
	parts := timingParts(webhook.Timings{Connect: 100 * time.Millisecond, FirstByte: 300 * time.Millisecond})
	if len(parts) != 2 || parts[0].x != "0.0" || parts[0].width != "99.0" || parts[1].x != "100.0" || parts[1].width != "299.0" {
		t.Errorf("%+v", parts)
	}
	if got := timingParts(webhook.Timings{}); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestDeliveryPage_says_that_a_request_was_begun_twice(t *testing.T) {
	const said = "Begun twice"
	view := sampleDeliveryView(nil)
	if html := render(t, DeliveryPage(samplePage(), view)); strings.Contains(html, said) {
		t.Error("said of an attempt that began once")
	}
	for i := range view.Attempts {
		view.Attempts[i].Requests = 2
	}
	if html := render(t, DeliveryPage(samplePage(), view)); !strings.Contains(html, said) {
		t.Error("not said")
	}
}
