package api_test

import (
	"fmt"
	"net/http"
	"testing"
)

func TestAPIRecover(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		d := f.Delivery(t, f.Own)
		f.attemptOnce(t, d)
		_, err := f.Database.ExecContext(t.Context(), `UPDATE deliveries SET state = 'failed', ended_at = created_at;
			INSERT INTO undelivered (delivery_id, organization_id, endpoint_id, event_type, state) SELECT id, organization_id, endpoint_id, event_type, state FROM deliveries`)
		must(t, err)
		_, err = f.Database.ExecContext(t.Context(), "DELETE FROM delivery_work")
		must(t, err)
		path := "/api/v1/endpoints/" + d.EndpointID + "/recover"
		f.Unchanged(t, func() {
			for body, field := range map[string]string{`{}`: "since", `{"since":"soon"}`: "since", `{"since":"2026-01-01T00:00:00Z","causes":["2xx"]}`: "causes",
				`{"since":"2026-01-01T00:00:00Z","types":"payment.failed"}`: "types", `{"since":"2026-01-01T00:00:00Z","perSecond":0}`: "perSecond",
				`{"since":"2026-01-01T00:00:00Z","all":true}`: "all", `{"since":"2026-01-01T00:00:00Z","kind":"lost"}`: "kind"} {
				f.Call(t, f.Key, "POST", path, body).IsProblem(t, 422, "invalid", field)
			}
		})
		answer := f.Call(t, f.Key, "POST", path, `{"since":"2026-01-01T00:00:00Z","types":["payment.*"],"causes":["5xx"],"until":null}`)
		got := answer.Object(t, http.StatusAccepted)
		if got["count"] != 1.0 || got["state"] != "running" || got["kind"] != "failed" || got["sent"] != 0.0 || got["perSecond"] != 10.0 || got["endpointId"] != d.EndpointID {
			t.Errorf("answer %v", got)
		}
		own := fmt.Sprint("/api/v1/recoveries/", got["id"])
		if answer.Header.Get("Location") != own {
			t.Errorf("Location %q", answer.Header.Get("Location"))
		}
		f.Unchanged(t, func() {
			f.Call(t, f.Key, "POST", path, `{"since":"2026-01-01T00:00:00Z"}`).IsProblem(t, 409, "recovery_running", "")
		})
		if read := f.Call(t, f.Key, "GET", own, "").Object(t, http.StatusOK); read["count"] != 1.0 {
			t.Errorf("read %v", read)
		}
		if end := f.Call(t, f.Key, "POST", own+"/cancel", "").Object(t, http.StatusOK); end["state"] != "cancelled" || end["endedAt"] == nil {
			t.Errorf("cancelled %v", end)
		}
		f.Call(t, f.Key, "POST", own+"/cancel", "").IsProblem(t, 409, "ended", "")
		must(t, f.Own.DeleteEndpoint(t.Context(), d.EndpointID))
		f.Call(t, f.Key, "POST", path, `{"since":"2026-01-01T00:00:00Z"}`).IsProblem(t, 409, "endpoint_deleted", "")
	})
}
