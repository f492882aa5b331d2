package api_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"hookwell/internal/apitest"
	"hookwell/internal/storetest"
	"hookwell/web/api"
)

// batchReply is what a batch answers.
type batchReply struct {
	Data []struct {
		ID         string
		Type       string
		Deliveries int
		Problem    *apitest.Problem
	}
	NextCursor *string
}

func batchOf(events ...string) string { return `{"events":[` + strings.Join(events, ",") + `]}` }

func TestAPIEventBatch_mixed_faults(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		f.Endpoint(t, f.Own)
		good := apitest.Report(t, "payment.failed")
		data := storetest.Example(t, "payment.failed")
		long := fmt.Sprintf(`{"type":"payment.failed","data":{"x":"%s"}}`, strings.Repeat("x", 256<<10))
		items := []struct {
			event       string
			status      int
			code, field string
		}{
			{good, 0, "", ""},
			{`{"type":"nothing.happened","data":{}}`, 422, "invalid", "type"},
			{`7`, 422, "not_an_object", ""},
			{`null`, 422, "not_an_object", ""},
			{`{"type":"payment.failed","data":{}}`, 422, "invalid", "data.amount"},
			{`{"type":"payment.failed","type":"payment.failed","data":{}}`, 422, "invalid", "type"},
			{strings.Replace(good, `"data":{`, `"data":{"x":1,"x":2,`, 1), 422, "invalid", "data.x"},
			{strings.Replace(good, `"data":{`, `"data":{"x":"\udead",`, 1), 422, "invalid", "data.x"},
			{strings.Replace(good, `"data":{`, "\"data\":{\"x\":\"\xff\",", 1), 422, "invalid", "data"},
			{long, 413, "data_too_large", "data"},
			{`{"type":"payment.failed","colour":1,"data":` + data + `}`, 422, "invalid", "colour"},
			{`{"organizationId":"` + f.Other.Organization().ID + `","type":"payment.failed","data":` + data + `}`, 404, "not_found", ""},
			{`{"organizationId":"` + f.Own.Organization().ID + `","type":"payment.failed","data":` + data + `}`, 0, "", ""},
			{`{}`, 422, "invalid", "type"},
			{good, 0, "", ""},
		}
		events := make([]string, len(items))
		for i, item := range items {
			events[i] = item.event
		}
		var answer batchReply
		f.Call(t, f.Key, "POST", "/api/v1/events/batch", batchOf(events...)).Into(t, http.StatusOK, &answer)
		if len(answer.Data) != len(items) {
			t.Fatalf("%d results for %d events", len(answer.Data), len(items))
		}
		for i, item := range items {
			got := answer.Data[i]
			if item.status == 0 {
				if got.Problem != nil || !strings.HasPrefix(got.ID, "evt_") || got.Type != "payment.failed" || got.Deliveries != 1 {
					t.Errorf("event %d: %+v, %+v", i, got, got.Problem)
				}
				continue
			}
			if got.Problem == nil || got.ID != "" || got.Problem.Status != item.status || got.Problem.Code != item.code {
				t.Errorf("event %d: %+v, want %d %s", i, got.Problem, item.status, item.code)
			} else if item.field != "" && (len(got.Problem.Errors) == 0 || got.Problem.Errors[0].Field != item.field) {
				t.Errorf("event %d: errors %+v, want one at %s", i, got.Problem.Errors, item.field)
			}
		}
		if n := f.Count(t, "events"); n != 3 {
			t.Errorf("%d events, want the 3 good ones", n)
		}
	})
}

func TestAPIEventBatch_takes_1000(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		f.Endpoint(t, f.Own)
		events := make([]string, 1001)
		for i := range events {
			events[i] = apitest.Report(t, "payment.failed")
		}
		f.Unchanged(t, func() {
			f.Call(t, f.Key, "POST", "/api/v1/events/batch", batchOf(events...)).IsProblem(t, 422, "invalid", "events")
		})
		var first, again batchReply
		body := batchOf(events[:1000]...)
		r := f.Call(t, f.Key, "POST", "/api/v1/events/batch", body, "Idempotency-Key", "b1")
		r.Into(t, http.StatusOK, &first)
		if f.Count(t, "events") != 1000 || f.Count(t, "deliveries") != 1000 || len(first.Data) != 1000 || r.Header.Get("Idempotent-Replayed") != "" {
			t.Errorf("%d events, %d deliveries, %d results", f.Count(t, "events"), f.Count(t, "deliveries"), len(first.Data))
		}
		repeated := f.Call(t, f.Key, "POST", "/api/v1/events/batch", body, "Idempotency-Key", "b1")
		repeated.Into(t, http.StatusOK, &again)
		if !bytes.Equal(r.Body, repeated.Body) || f.Count(t, "events") != 1000 || repeated.Header.Get("Idempotent-Replayed") != "true" {
			t.Error("the same batch again was not answered as the first")
		}
	})
}

func TestAPIEventBatch_bad_input(t *testing.T) {
	f := newFixture(t)
	good := apitest.Report(t, "payment.failed")
	f.Unchanged(t, func() {
		for name, bad := range map[string]struct {
			body        string
			status      int
			code, field string
		}{
			"invalid JSON in one event": {batchOf(good, `{"type":}`), 400, "invalid_json", ""},
			"an unfinished batch":       {`{"events":[` + good, 400, "invalid_json", ""},
			"a list":                    {`[` + good + `]`, 400, "not_an_object", ""},
			"no events":                 {`{}`, 422, "invalid", "events"},
			"an empty list":             {batchOf(), 422, "invalid", "events"},
			"events an object":          {`{"events":{}}`, 422, "invalid", "events"},
			"events twice":              {`{"events":[` + good + `],"events":[` + good + `]}`, 422, "invalid", "events"},
			"unknown field":             {`{"events":[` + good + `],"atomic":true}`, 422, "invalid", "atomic"},
			"over 8 MiB":                {batchOf(good) + strings.Repeat(" ", api.MaxBatchBytes), 413, "batch_too_large", ""},
		} {
			t.Run(name, func(t *testing.T) {
				f.Call(t, f.Key, "POST", "/api/v1/events/batch", bad.body).IsProblem(t, bad.status, bad.code, bad.field)
			})
		}
	})
}

func TestAPIEventBatch_platform_key(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		own, other := f.Own.Organization().ID, f.Other.Organization().ID
		in := func(id string) string {
			return strings.Replace(apitest.Report(t, "payment.failed"), "{", `{"organizationId":"`+id+`",`, 1)
		}
		statuses := func(path, body string) string {
			t.Helper()
			var answer batchReply
			f.Call(t, f.Platform, "POST", path, body).Into(t, http.StatusOK, &answer)
			var all []string
			for _, item := range answer.Data {
				if item.Problem == nil {
					all = append(all, "accepted")
				} else {
					all = append(all, fmt.Sprint(item.Problem.Status))
				}
			}
			return strings.Join(all, " ")
		}
		none := apitest.Report(t, "payment.failed")
		if got := statuses("/api/v1/events/batch", batchOf(in(own), in(other), in("nobody"), none)); got != "accepted accepted 404 422" {
			t.Error(got)
		}
		if got := statuses("/api/v1/events/batch?organizationId="+own, batchOf(in(own), in(other), none)); got != "accepted 422 accepted" {
			t.Error(got)
		}
		inBody := strings.Replace(batchOf(none), "{", `{"organizationId":"`+other+`",`, 1)
		if got := statuses("/api/v1/events/batch?organizationId="+other, inBody); got != "accepted" {
			t.Error(got)
		}
		f.Call(t, f.Platform, "POST", "/api/v1/events/batch?organizationId="+own, inBody).IsProblem(t, 422, "invalid", "organizationId")
		if n := f.Count(t, "events"); n != 5 {
			t.Errorf("%d events, want 5", n)
		}
	})
}
