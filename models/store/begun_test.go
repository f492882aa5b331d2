package store_test

import (
	"testing"
	"time"

	"hookwell/models/pipeline"
	"hookwell/webhook"
)

func TestRecord_keeps_how_many_requests_were_begun(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := endpoint(t, f.tenant, nil)
		for name, x := range map[string]webhook.Exchange{
			"delivered":         {StatusCode: 200, Requests: 2},
			"failed":            {StatusCode: 500, Cause: webhook.CauseStatus, Requests: 1},
			"without_a_request": {Cause: webhook.CauseRefused},
		} {
			id := f.one(t, e)
			x.StartedAt, x.Duration = f.Now(), time.Millisecond
			if err := f.Engine().Record(t.Context(), []*pipeline.Result{{Job: f.claim(t, e, 1, id)[0], Exchange: x}}); err != nil {
				t.Fatalf("Record() of %s: %v", name, err)
			}
			attempts, err := f.tenant.Attempts(t.Context(), id)
			if err != nil || len(attempts) != 1 || attempts[0].Requests != x.Requests {
				t.Errorf("%s: recorded %+v, %v; want %d requests", name, attempts, err, x.Requests)
			}
		}
	})
}
