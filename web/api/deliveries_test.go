package api_test

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
func (f *fixture) attemptOnce(t *testing.T, d models.Delivery) {
	t.Helper()
	jobs, _, err := f.Store.Engine().Claim(t.Context(), []pipeline.Lane{{EndpointID: d.EndpointID, DeliveryIDs: []string{d.ID}, Slots: 1}})
	must(t, err)
	if len(jobs) != 1 {
		t.Fatalf("claimed %d", len(jobs))
	}
	exchange := webhook.Exchange{StartedAt: f.Store.Now(), Duration: 12345 * time.Microsecond, StatusCode: 503, Cause: webhook.CauseStatus,
		Error: "The receiver failed (503).", Requests: 2, RemoteAddress: "127.0.0.1:9", Timings: webhook.Timings{Connect: 1500 * time.Microsecond},
		RequestHeaders: []webhook.Header{{Name: "webhook-id", Value: d.EventID}}, ResponseHeaders: []webhook.Header{{Name: "Server", Value: "x"}},
		ResponseBody: []byte("später <b>"), Truncated: true}
	must(t, f.Store.Engine().Record(t.Context(), []*pipeline.Result{{Job: jobs[0], Exchange: exchange}}))
}

func TestAPIDelivery(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		d := f.Delivery(t, f.Own)
		path := "/api/v1/deliveries/" + d.ID
		fresh := f.Call(t, f.Key, "GET", path, "").Object(t, http.StatusOK)
		if fresh["state"] != "pending" || fresh["nextAttemptAt"] == nil || fresh["deliveredAt"] != nil || len(fresh["attempts"].([]any)) != 0 {
			t.Errorf("fresh %v", fresh)
		}
		f.attemptOnce(t, d)
		got := f.Call(t, f.Key, "GET", path, "").Object(t, http.StatusOK)
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
	eachStore(t, func(t *testing.T, f *fixture) {
		d := f.Delivery(t, f.Own)
		f.attemptOnce(t, d)
		path := "/api/v1/deliveries/" + d.ID + "/resend"
		resent := f.Call(t, f.Key, "POST", path, "").Object(t, http.StatusAccepted)
		if resent["id"] != d.ID || resent["state"] != "retrying" {
			t.Errorf("answer %v", resent)
		}
		if at, err := time.Parse(time.RFC3339, resent["nextAttemptAt"].(string)); err != nil || at.After(f.Store.Now()) {
			t.Errorf("next attempt at %v, %v; want now", at, err)
		}
		jobs, _, err := f.Store.Engine().Claim(t.Context(), []pipeline.Lane{{EndpointID: d.EndpointID, DeliveryIDs: []string{d.ID}, Slots: 1}})
		must(t, err)
		if len(jobs) != 1 {
			t.Fatalf("claimed %d", len(jobs))
		}
		f.Unchanged(t, func() { f.Call(t, f.Key, "POST", path, "").IsProblem(t, 409, "in_flight", "") })
		must(t, f.Own.DeleteEndpoint(t.Context(), d.EndpointID))
		f.Unchanged(t, func() { f.Call(t, f.Key, "POST", path, "").IsProblem(t, 409, "endpoint_deleted", "") })
	})
}

func (f *fixture) counted(t *testing.T, query string, want int) {
	t.Helper()
	list := f.Call(t, f.Key, "GET", "/api/v1/deliveries?"+query, "").Object(t, http.StatusOK)
	if got := len(list["data"].([]any)); got != want {
		t.Errorf("%s: %d deliveries, want %d", query, got, want)
	}
}

func TestAPIDeliveryList_filters(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		first := f.Delivery(t, f.Own)
		f.attemptOnce(t, first)
		second := f.Delivery(t, f.Own) // one for each of the two endpoints
		f.Delivery(t, f.Other)
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
		page := f.Call(t, f.Key, "GET", "/api/v1/deliveries?limit=2", "").Object(t, http.StatusOK)
		rest := f.Call(t, f.Key, "GET", "/api/v1/deliveries?limit=2&cursor="+page["nextCursor"].(string), "").Object(t, http.StatusOK)
		if len(page["data"].([]any)) != 2 || len(rest["data"].([]any)) != 1 || rest["nextCursor"] != nil {
			t.Errorf("pages %v and %v", page, rest)
		}
	})
}

// daysAhead keeps the clocks of these tests apart: ids of one process rise,
// whatever a later test's clock says.
var daysAhead atomic.Int64

func TestAPIDeliveryList_times(t *testing.T) {
	f := newFixture(t)
	f.Clock.Advance(time.Duration(daysAhead.Add(2)) * 24 * time.Hour)
	f.Delivery(t, f.Own)
	f.Clock.Advance(time.Hour)
	second := f.Delivery(t, f.Own)
	between := second.CreatedAt.Add(-time.Minute)
	f.counted(t, "since="+between.Format(time.RFC3339), 2)
	f.counted(t, "since="+between.In(time.FixedZone("", 3600)).Format(time.RFC3339), 2) // with a bare +
	f.counted(t, "since="+url.QueryEscape(between.In(time.FixedZone("", 3600)).Format(time.RFC3339)), 2)
	f.counted(t, "until="+between.Format(time.RFC3339Nano), 1)
	f.counted(t, "since="+between.Format(time.RFC3339)+"&until="+between.Format(time.RFC3339), 0)
}

// TestAPIQuery_unknown_parameters holds that no list passes over what it does not know.
func TestAPIQuery_unknown_parameters(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		for _, path := range []string{"/deliveries", "/events", "/endpoints", "/event-types", "/organizations"} {
			key := f.Key
			if path == "/organizations" {
				key = f.Platform
			}
			for query, field := range map[string]string{
				"foo=1": "foo", "Limit=1": "Limit", "foo": "foo", "limit=1&limit=1": "limit", "limit=1&limit=x": "limit", "cursor=&cursor=": "cursor",
				"limit%5B%5D=1": "limit[]",
			} {
				if path == "/event-types" && !strings.Contains(query, "foo") {
					continue
				}
				f.Call(t, key, "GET", "/api/v1"+path+"?"+query, "").IsProblem(t, 422, "invalid", field)
			}
			f.Call(t, key, "GET", "/api/v1"+path, "").Object(t, http.StatusOK)
		}
		f.Call(t, f.Key, "GET", "/api/v1/deliveries?state=pending&state=failed&type=org.*&type=payment.failed&limit=1", "").Object(t, http.StatusOK)
	})
}

func TestAPIQuery_faults_are_at_their_parameter(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		for query, field := range map[string]string{
			"state=lost": "state", "state=pending,": "", "endpointId=1": "endpointId", "endpointId=ep_Z": "endpointId", "eventId=ep_1": "eventId",
			"type=Payment": "type", "type=pay*": "type", "since=yesterday": "since", "since=1969-12-31T23:59:59Z": "since",
			"until=2026-13-01T00:00:00Z": "until", "limit=0": "limit", "limit=201": "limit", "limit=-1": "limit", "limit=many": "limit",
			"cursor=x": "cursor", "cursor=evt_01": "cursor",
		} {
			r := f.Call(t, f.Key, "GET", "/api/v1/deliveries?"+query, "")
			if field == "" {
				r.Object(t, http.StatusOK)
				continue
			}
			r.IsProblem(t, 422, "invalid", field)
		}
		for _, path := range []string{"/events", "/endpoints"} {
			f.Call(t, f.Key, "GET", "/api/v1"+path+"?limit=x", "").IsProblem(t, 422, "invalid", "limit")
			f.Call(t, f.Key, "GET", "/api/v1"+path+"?cursor=x", "").IsProblem(t, 422, "invalid", "cursor")
		}
		for _, path := range []string{"/events/evt_%20", "/events/x", "/endpoints/evt_1", "/deliveries/dlv_Z"} {
			f.Call(t, f.Key, "GET", "/api/v1"+path, "").IsProblem(t, 404, "not_found", "")
		}
	})
}

func TestAPIDeliveryCancel(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		d := f.Delivery(t, f.Own)
		path := "/api/v1/deliveries/" + d.ID + "/cancel"
		got := f.Call(t, f.Key, "POST", path, "").Object(t, http.StatusOK)
		if got["id"] != d.ID || got["state"] != "cancelled" || got["nextAttemptAt"] != nil {
			t.Errorf("answer %v", got)
		}
		f.Unchanged(t, func() { f.Call(t, f.Key, "POST", path, "").IsProblem(t, 409, "ended", "") })
	})
}
