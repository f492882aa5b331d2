package store_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/models/store"
)

// TestProcess_in_slices has one request become hundreds of events to several
// endpoints. Its transaction writes no more deliveries than a group has, another
// organization's report comes between the slices of the others, and none is lost.
func TestProcess_in_slices(t *testing.T) {
	const items, endpoints = 300, 3
	eachStore(t, func(t *testing.T, f *fixture) {
		for range endpoints {
			endpoint(t, f.tenant, func(in *models.EndpointInput) { in.EventTypes = []string{"payment.*"} })
		}
		small := f.organization(t, "Small")
		endpoint(t, small, nil)
		s := source(t, f.tenant.Receiving(), func(in *models.SourceInput) {
			in.Name, in.Provider, in.Secrets = "Meta", "meta", []string{"0123456789abcdef0123456789abcdef"}
			in.Mappings = `[{"name": "failed", "events": ["*"], "type": "payment.failed", "identity": [{"path": "$.id"}], "data": {"paymentId": {"path": "$.id"},
				"amount": {"const": 1900}, "currency": {"const": "usd"}, "status": {"const": "failed"}, "errorMessage": {"const": "Declined."}}}]`
		})
		watch := &wakeWatch{}
		serving := f.with(t, func(o *store.Options) { o.Waker = watch })
		neighbour := tenantIn(t, serving, small)
		watch.act = func(group int, _ []models.Woken) {
			if group != 1 {
				return
			}
			if got := writtenOf(t, f, f.tenant); got.Deliveries != f.GroupWeight() || got.Unfinished == 0 {
				t.Errorf("by the first commit the request has %+v, want %d deliveries and the rest unfinished", got, f.GroupWeight())
			}
			if accepted, err := neighbour.Publish(t.Context(), models.NewEvent{Type: "payment.failed", Data: payment("n")}); err != nil || accepted.Deliveries != 1 {
				t.Errorf("the neighbour's report: %+v, %v", accepted, err)
			}
			if got := writtenOf(t, f, f.tenant); got.Unfinished == 0 {
				t.Errorf("the neighbour's report waited for all of the request: %+v", got)
			}
		}
		entries := make([]string, items)
		for i := range entries {
			entries[i] = fmt.Sprintf(`{"id":"pay_%d","time":1770000000,"changes":[{"field":"feed","value":{}}]}`, i)
		}
		body := `{"object":"page","entry":[` + strings.Join(entries, ",") + `]}`
		mac := hmac.New(sha256.New, []byte("0123456789abcdef0123456789abcdef"))
		mac.Write([]byte(body))
		got := f.handle(t, s, &inbound.Request{Method: "POST", URL: "https://hooks.example.com" + s.Path, Body: []byte(body), ReceivedAt: f.Now(), RemoteAddress: netip.MustParseAddr("203.0.113.7"),
			Headers: []inbound.Header{{Name: "Content-Type", Value: "application/json"}, {Name: "X-Hub-Signature-256", Value: "sha256=" + hex.EncodeToString(mac.Sum(nil))}}})
		if got.State != inbound.Verified {
			t.Fatalf("Handle() = %+v; want verified", got)
		}
		if n, err := serving.Engine().ProcessRequests(t.Context()); err != nil || n != 1 {
			t.Fatalf("ProcessRequests() = %d, %v; want 1", n, err)
		}
		eventually(t, "the last slice", func() bool { return writtenOf(t, f, f.tenant).Unfinished == 0 })
		if q := request(t, f.tenant.Receiving(), got.RequestID); q.Processing != models.ProcessingProcessed {
			t.Errorf("the request is %s %s %q; want processed", q.Processing, q.Reason, q.Error)
		}
		// The event that relays the request goes to nobody here.
		if got, want := writtenOf(t, f, f.tenant), (written{items + 1, items * endpoints, endpoints, items * endpoints, 0}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
}
