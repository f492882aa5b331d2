package web

import (
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hookwell/models"
	"hookwell/models/pipeline"
	"hookwell/webhook"
)

// attemptOnce makes one attempt of a delivery, with the outcome of a receiver
// that failed.
func (f *apiFixture) attemptOnce(t *testing.T, d models.Delivery) {
	t.Helper()
	jobs, _, err := f.store.Engine().Claim(t.Context(), []pipeline.Lane{{EndpointID: d.EndpointID, DeliveryIDs: []string{d.ID}, Slots: 1}})
	must(t, err)
	if len(jobs) != 1 {
		t.Fatalf("claimed %d", len(jobs))
	}
	exchange := webhook.Exchange{StartedAt: f.store.Now(), Duration: 12345 * time.Microsecond, StatusCode: 503, Cause: webhook.CauseStatus,
		Error: "The receiver failed (503).", Requests: 2, RemoteAddress: "127.0.0.1:9", Timings: webhook.Timings{Connect: 1500 * time.Microsecond},
		RequestHeaders: []webhook.Header{{Name: "webhook-id", Value: d.EventID}}, ResponseHeaders: []webhook.Header{{Name: "Server", Value: "x"}},
		ResponseBody: []byte("später <b>"), Truncated: true}
	must(t, f.store.Engine().Record(t.Context(), []pipeline.Result{{Job: jobs[0], Exchange: exchange}}))
}

func TestAPIDelivery(t *testing.T) {
	apiStores(t, func(t *testing.T, f *apiFixture) {
		d := f.delivery(t, f.own)
		path := "/api/v1/deliveries/" + d.ID
		fresh := f.call(t, f.key, "GET", path, "").object(t, http.StatusOK)
		if fresh["state"] != "pending" || fresh["nextAttemptAt"] == nil || fresh["deliveredAt"] != nil || len(fresh["attempts"].([]any)) != 0 {
			t.Errorf("fresh %v", fresh)
		}
		f.attemptOnce(t, d)
		got := f.call(t, f.key, "GET", path, "").object(t, http.StatusOK)
		for name, want := range map[string]any{"id": d.ID, "eventId": d.EventID, "eventType": "payment.failed", "endpointId": d.EndpointID,
			"state": "retrying", "test": false, "attemptCount": 1.0, "deliveredAt": nil} {
			if got[name] != want {
				t.Errorf("%s is %v, want %v", name, got[name], want)
			}
		}
		attempt := got["attempts"].([]any)[0].(map[string]any)
		for name, want := range map[string]any{"number": 1.0, "trigger": "schedule", "durationMs": 12.345, "statusCode": 503.0, "cause": "status",
			"error": "The receiver failed (503).", "remoteAddress": "127.0.0.1:9", "deliveryId": d.ID, "requests": 2.0} {
			if attempt[name] != want {
				t.Errorf("%s is %v, want %v", name, attempt[name], want)
			}
		}
		timings := attempt["timings"].(map[string]any)
		if timings["connectMs"] != 1.5 || timings["dnsMs"] != nil || timings["firstByteMs"] != nil {
			t.Errorf("timings %v", timings)
		}
		response := attempt["response"].(map[string]any)
		if response["body"] != "später <b>" || response["bodyEncoding"] != "utf-8" || response["truncated"] != true ||
			response["headers"].(map[string]any)["server"] != "x" {
			t.Errorf("response %v", response)
		}
		if body := attempt["request"].(map[string]any)["body"].(string); !strings.HasPrefix(body, `{"id":"`+d.EventID+`"`) {
			t.Errorf("request's body %s", body)
		}
	})
}

func TestAPIDeliveryResend(t *testing.T) {
	apiStores(t, func(t *testing.T, f *apiFixture) {
		d := f.delivery(t, f.own)
		f.attemptOnce(t, d)
		path := "/api/v1/deliveries/" + d.ID + "/resend"
		resent := f.call(t, f.key, "POST", path, "").object(t, http.StatusAccepted)
		if resent["id"] != d.ID || resent["state"] != "retrying" {
			t.Errorf("answer %v", resent)
		}
		if at, err := time.Parse(time.RFC3339, resent["nextAttemptAt"].(string)); err != nil || at.After(f.store.Now()) {
			t.Errorf("next attempt at %v, %v; want now", at, err)
		}
		jobs, _, err := f.store.Engine().Claim(t.Context(), []pipeline.Lane{{EndpointID: d.EndpointID, DeliveryIDs: []string{d.ID}, Slots: 1}})
		must(t, err)
		if len(jobs) != 1 {
			t.Fatalf("claimed %d", len(jobs))
		}
		f.unchanged(t, func() { f.call(t, f.key, "POST", path, "").isProblem(t, 409, "in_flight", "") })
		must(t, f.own.DeleteEndpoint(t.Context(), d.EndpointID))
		f.unchanged(t, func() { f.call(t, f.key, "POST", path, "").isProblem(t, 409, "endpoint_deleted", "") })
	})
}

func (f *apiFixture) counted(t *testing.T, query string, want int) {
	t.Helper()
	list := f.call(t, f.key, "GET", "/api/v1/deliveries?"+query, "").object(t, http.StatusOK)
	if got := len(list["data"].([]any)); got != want {
		t.Errorf("%s: %d deliveries, want %d", query, got, want)
	}
}

func TestAPIDeliveryList_filters(t *testing.T) {
	apiStores(t, func(t *testing.T, f *apiFixture) {
		first := f.delivery(t, f.own)
		f.attemptOnce(t, first)
		second := f.delivery(t, f.own) // one for each of the two endpoints
		f.delivery(t, f.other)
		for query, want := range map[string]int{
			"":                               3,
			"state=retrying":                 1,
			"state=pending,retrying":         3,
			"state=pending&state=retrying":   3,
			"state=failed":                   0,
			"endpointId=" + first.EndpointID: 2,
			"endpointId=ep_nobody":           0,
			"eventId=" + first.EventID:       1,
			"type=payment.failed":            3,
			"type=payment.*,org.*":           3,
			"type=org.*":                     0,
			"state=pending&endpointId=" + second.EndpointID + "&since=2026-01-01T00:00:00Z": 1,
		} {
			f.counted(t, query, want)
		}
		page := f.call(t, f.key, "GET", "/api/v1/deliveries?limit=2", "").object(t, http.StatusOK)
		rest := f.call(t, f.key, "GET", "/api/v1/deliveries?limit=2&cursor="+page["nextCursor"].(string), "").object(t, http.StatusOK)
		if len(page["data"].([]any)) != 2 || len(rest["data"].([]any)) != 1 || rest["nextCursor"] != nil {
			t.Errorf("pages %v and %v", page, rest)
		}
	})
}

// daysAhead keeps the clocks of these tests apart: ids of one process rise,
// whatever a later test's clock says.
var daysAhead atomic.Int64

func TestAPIDeliveryList_times(t *testing.T) {
	f := newAPIFixture(t)
	f.clock.Advance(time.Duration(daysAhead.Add(2)) * 24 * time.Hour)
	f.delivery(t, f.own)
	f.clock.Advance(time.Hour)
	second := f.delivery(t, f.own)
	between := second.CreatedAt.Add(-time.Minute)
	f.counted(t, "since="+between.Format(time.RFC3339), 2)
	f.counted(t, "since="+between.In(time.FixedZone("", 3600)).Format(time.RFC3339), 2) // with a bare +
	f.counted(t, "since="+url.QueryEscape(between.In(time.FixedZone("", 3600)).Format(time.RFC3339)), 2)
	f.counted(t, "until="+between.Format(time.RFC3339Nano), 1)
	f.counted(t, "since="+between.Format(time.RFC3339)+"&until="+between.Format(time.RFC3339), 0)
}

// TestAPIQuery_unknown_parameters holds that no list passes over what it does not know.
func TestAPIQuery_unknown_parameters(t *testing.T) {
	apiStores(t, func(t *testing.T, f *apiFixture) {
		for _, path := range []string{"/deliveries", "/events", "/endpoints", "/event-types", "/organizations"} {
			key := f.key
			if path == "/organizations" {
				key = f.platform
			}
			for query, field := range map[string]string{
				"foo=1": "foo", "Limit=1": "Limit", "foo": "foo", "limit=1&limit=1": "limit", "limit=1&limit=x": "limit", "cursor=&cursor=": "cursor",
				"limit%5B%5D=1": "limit[]",
			} {
				if path == "/event-types" && !strings.Contains(query, "foo") {
					continue
				}
				f.call(t, key, "GET", "/api/v1"+path+"?"+query, "").isProblem(t, 422, "invalid", field)
			}
			f.call(t, key, "GET", "/api/v1"+path, "").object(t, http.StatusOK)
		}
		f.call(t, f.key, "GET", "/api/v1/deliveries?state=pending&state=failed&type=org.*&type=payment.failed&limit=1", "").object(t, http.StatusOK)
	})
}

func TestAPIQuery_faults_are_at_their_parameter(t *testing.T) {
	apiStores(t, func(t *testing.T, f *apiFixture) {
		for query, field := range map[string]string{
			"state=lost": "state", "state=pending,": "", "endpointId=1": "endpointId", "endpointId=ep_Z": "endpointId", "eventId=ep_1": "eventId",
			"type=Payment": "type", "type=pay*": "type", "since=yesterday": "since", "since=1969-12-31T23:59:59Z": "since",
			"until=2026-13-01T00:00:00Z": "until", "limit=0": "limit", "limit=201": "limit", "limit=-1": "limit", "limit=many": "limit",
			"cursor=x": "cursor", "cursor=evt_01": "cursor",
		} {
			r := f.call(t, f.key, "GET", "/api/v1/deliveries?"+query, "")
			if field == "" {
				r.object(t, http.StatusOK)
				continue
			}
			r.isProblem(t, 422, "invalid", field)
		}
		for _, path := range []string{"/events", "/endpoints"} {
			f.call(t, f.key, "GET", "/api/v1"+path+"?limit=x", "").isProblem(t, 422, "invalid", "limit")
			f.call(t, f.key, "GET", "/api/v1"+path+"?cursor=x", "").isProblem(t, 422, "invalid", "cursor")
		}
		for _, path := range []string{"/events/evt_%20", "/events/x", "/endpoints/evt_1", "/deliveries/dlv_Z"} {
			f.call(t, f.key, "GET", "/api/v1"+path, "").isProblem(t, 404, "not_found", "")
		}
	})
}
