package store_test

import (
	"testing"

	"hookwell/models/pipeline"
	"hookwell/webhook"
)

// The index of what is in flight is never read to record an outcome: it grows
// with everything that was in flight since the last vacuum.
func TestRecordingFindsWorkByItsKey(t *testing.T) {
	f := onlyPostgres(t)
	pool, err := f.DB().DB()
	must(t, err)
	pool.SetMaxOpenConns(1) // a connection tells of what it read when it is asked to
	scans := func() (n int) {
		t.Helper()
		must(t, f.DB().Exec("SELECT pg_stat_force_next_flush()").Error)
		must(t, f.DB().Raw("SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'delivery_work_in_flight'").Scan(&n).Error)
		return n
	}
	e := endpoint(t, f.tenant, nil)
	f.record(t, f.claim(t, e, 1, f.one(t, e))[0], 200, "") // the first success is news, and noted by itself
	// What is believed while much waits and nothing is in flight.
	must(t, f.DB().Exec(`INSERT INTO delivery_work (delivery_id, organization_id, endpoint_id, event_id, event_type, trigger, priority, attempt, position, due_at, wake_at, expires_at, lease_token, cancelled, recovery_id)
		SELECT 'dlv_' || n, 'org_1', 'ep_1', 'evt_1', 'payment.failed', 'schedule', 0, 0, 0, 'infinity', 'infinity', 'infinity', '', false, '' FROM generate_series(1, 5000) n`).Error)
	must(t, f.DB().Exec("ANALYZE delivery_work").Error)
	before := scans()
	ids := make([]string, 20) // of one, the key is always the cheaper way
	for i := range ids {
		ids[i] = f.one(t, e)
	}
	var results []*pipeline.Result
	for _, job := range f.claim(t, e, len(ids), ids...) {
		results = append(results, &pipeline.Result{Job: job, Exchange: webhook.Exchange{StartedAt: f.Now(), StatusCode: 200}})
	}
	claimed := scans()
	if claimed == before {
		t.Fatal("a claim, which counts what is in flight, does not show")
	}
	must(t, f.Engine().Record(t.Context(), results))
	if got := scans(); got != claimed {
		t.Errorf("recording %d outcomes read what is in flight %d times", len(results), got-claimed)
	}
}
