package store_test

import (
	"testing"
	"time"

	"hookwell/models"
	"hookwell/models/pipeline"
	"hookwell/models/store"
	"hookwell/webhook"
)

// state is the endpoint's circuit and what waits for it.
func (f *fixture) state(t *testing.T, e *models.Endpoint) models.Backlog {
	t.Helper()
	health, err := f.tenant.Backlogs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return health[e.ID]
}

func logIDs(t *testing.T, tenant *store.Tenant) (ids []string) {
	for _, d := range deliveries(t, tenant) {
		ids = append(ids, d.ID)
	}
	return ids
}

func TestCircuit(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := endpoint(t, f.tenant, nil)
		for range 12 {
			publish(t, f.tenant, "payment.failed")
		}
		ids := logIDs(t, f.tenant)
		circuit := func(want models.Circuit) {
			t.Helper()
			s := f.state(t, e)
			if got := s.Circuit(f.Now()); got != want {
				t.Fatalf("the circuit is %s after %d failures, want %s", got, s.Failures, want)
			}
		}
		for n := range 4 {
			f.record(t, f.claim(t, e, 1, ids...)[0], 503, webhook.CauseStatus)
			if n == 1 { // an answer shows that somebody is there, though it is a refusal
				f.record(t, f.claim(t, e, 1, ids...)[0], 404, webhook.CauseStatus)
			}
		}
		circuit(models.CircuitClosed)
		stragglers := f.claim(t, e, 4, ids...)
		f.record(t, stragglers[0], 0, webhook.CauseTimeout)
		f.record(t, stragglers[1], 0, webhook.CauseTimeout)
		circuit(models.CircuitClosed)
		f.record(t, stragglers[2], 0, webhook.CauseTimeout)
		circuit(models.CircuitOpen)

		before := logIDs(t, f.tenant)
		if jobs := f.claim(t, e, 5, before...); len(jobs) != 0 {
			t.Fatalf("%d were claimed through an open circuit", len(jobs))
		}
		if lanes, err := f.Engine().Due(t.Context()); err != nil || len(lanes) != 0 {
			t.Fatalf("the due scan woke %v, %v", lanes, err)
		}
		f.clock.Advance(20 * time.Second)
		f.record(t, stragglers[3], 503, webhook.CauseStatus)
		f.clock.Advance(11 * time.Second)
		circuit(models.CircuitHalfOpen) // what was on its way when it opened holds it no longer

		probe := f.claim(t, e, 5, ids...)
		if len(probe) != 1 || len(f.claim(t, e, 5, ids...)) != 0 {
			t.Fatalf("%d probes, want one", len(probe))
		}
		f.record(t, probe[0], 500, webhook.CauseStatus)
		circuit(models.CircuitOpen)
		f.clock.Advance(31 * time.Second)
		probe = f.claim(t, e, 5, ids...)
		f.record(t, probe[0], 200, "")
		circuit(models.CircuitClosed)
		if jobs := f.claim(t, e, 5, ids...); len(jobs) != 5 {
			t.Errorf("%d claimed through a closed circuit, want 5", len(jobs))
		}
		// Waiting was charged to nobody.
		for _, d := range deliveries(t, f.tenant) {
			attempts, err := f.tenant.Attempts(t.Context(), d.ID)
			if err != nil || len(attempts) != d.AttemptCount {
				t.Errorf("%d attempts on record, %d counted, %v", len(attempts), d.AttemptCount, err)
			}
		}
	})
}

func TestCircuitLetsAPersonThrough(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := endpoint(t, f.tenant, nil)
		for range 6 {
			publish(t, f.tenant, "payment.failed")
		}
		ids := logIDs(t, f.tenant)
		for _, job := range f.claim(t, e, 5, ids...) {
			f.record(t, job, 503, webhook.CauseStatus)
		}
		if _, err := f.tenant.Resend(t.Context(), ids[0]); err != nil {
			t.Fatal(err)
		}
		jobs := f.claim(t, e, 5, ids...)
		if len(jobs) != 1 || jobs[0].DeliveryID != ids[0] {
			t.Fatalf("claimed %v, want the resend alone", jobs)
		}
		f.record(t, jobs[0], 200, "")
		if got := f.state(t, e); got.Circuit(f.Now()) != models.CircuitClosed {
			t.Error("its success did not close the circuit")
		}
	})
}

func TestRateLimit(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := endpoint(t, f.tenant, func(in *models.EndpointInput) { in.RateLimitPerSecond, in.MaxInFlight = 20, 100 })
		for range 60 {
			publish(t, f.tenant, "payment.failed")
		}
		ids := logIDs(t, f.tenant)
		lane := func() (int, time.Duration) {
			t.Helper()
			lanes := []pipeline.Lane{{EndpointID: e.ID, DeliveryIDs: ids, Slots: 100}}
			jobs, outlooks, err := f.Engine().Claim(t.Context(), lanes)
			if err != nil {
				t.Fatal(err)
			}
			return len(jobs), outlooks[0].Wait
		}
		began := f.Now()
		n, wait := lane()
		if n != 2 || wait <= 0 || wait > 100*time.Millisecond {
			t.Fatalf("%d at once and then a wait of %s; want a tenth of a second's share, 2", n, wait)
		}
		total := n
		for range 20 { // two seconds
			f.clock.Advance(100 * time.Millisecond)
			n, _ = lane()
			total += n
		}
		passed := f.Now().Sub(began)
		if most := 3 + int(passed.Seconds()*20); total < 40 || total > most {
			t.Errorf("%d in %s, want 40 to %d", total, passed, most)
		}
	})
}

// The last success of a busy endpoint is noted with others', and not lost.
func TestLastSuccessIsNoted(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		endpoints := []*models.Endpoint{endpoint(t, f.tenant, nil), endpoint(t, f.tenant, nil)}
		succeed := func(e *models.Endpoint) {
			t.Helper()
			f.record(t, f.claim(t, e, 1, f.one(t, e))[0], 200, "")
		}
		for _, e := range endpoints {
			succeed(e)
			if f.state(t, e).LastSuccessAt == nil {
				t.Error("the first success is not noted at once")
			}
		}
		before := f.Now()
		f.clock.Advance(time.Minute)
		for _, e := range endpoints {
			succeed(e)
			succeed(e)
		}
		must(t, f.Engine().FlushSuccesses(t.Context()))
		for _, e := range endpoints {
			if at := f.state(t, e).LastSuccessAt; at == nil || !at.After(before.Add(time.Minute-time.Second)) {
				t.Errorf("the last success is at %v, want a minute after %v", at, before)
			}
		}
		failed := f.one(t, endpoints[0])
		f.record(t, f.claim(t, endpoints[0], 1, failed)[0], 500, webhook.CauseStatus)
		succeed(endpoints[0])
		if state := f.state(t, endpoints[0]); state.Failures != 0 {
			t.Errorf("a success after %d failures is not noted at once", state.Failures)
		}
	})
}
