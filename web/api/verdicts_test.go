package api_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hookwell/internal/apitest"
	"hookwell/models"
)

func TestAPIEventRead_has_every_verdict(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		all, narrow := addEndpoint(t, f.Own, "All", "*"), addEndpoint(t, f.Own, "", "org.*")
		addEndpoint(t, f.Other, "Theirs", "*")
		id := f.Call(t, f.Key, "POST", "/api/v1/events", apitest.Report(t, "payment.failed")).Object(t, http.StatusAccepted)["id"].(string)
		event := f.Call(t, f.Key, "GET", "/api/v1/events/"+id, "").Object(t, http.StatusOK)
		list, _, err := f.Own.Deliveries(t.Context(), models.DeliveryFilter{EventID: id}, models.Page{})
		must(t, err)
		verdicts := event["verdicts"].([]any)
		first := verdicts[0].(map[string]any)
		if first["nextAttemptAt"] == nil {
			t.Error("no time of the next attempt")
		}
		delete(first, "nextAttemptAt")
		want := []any{
			map[string]any{"endpointId": all.ID, "endpoint": "All", "verdict": "pending", "reason": "queued", "deliveryId": list[0].ID},
			map[string]any{"endpointId": narrow.ID, "endpoint": narrow.URL, "verdict": "not_sent", "reason": "not_subscribed", "deliveryId": nil, "nextAttemptAt": nil},
		}
		if diff := cmp.Diff(want, verdicts); diff != "" {
			t.Error(diff)
		}
		listed := f.Call(t, f.Key, "GET", "/api/v1/events", "").Object(t, http.StatusOK)["data"].([]any)
		if _, has := listed[0].(map[string]any)["verdicts"]; has {
			t.Errorf("the list has verdicts: %v", listed[0])
		}
	})
}
