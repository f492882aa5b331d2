package store_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"hookwell/models"
	"hookwell/models/pipeline"
	"hookwell/models/store"
	"hookwell/webhook"
)

// countingMeter notes what it is told.
type countingMeter struct {
	sync.Mutex
	counts map[string]int
	waits  []time.Duration
}

func (m *countingMeter) add(what string, n int) {
	m.Lock()
	defer m.Unlock()
	m.counts[what] += n
}

func (m *countingMeter) Accepted(origin models.Origin, events, deliveries int) {
	m.add("events by "+string(origin), events)
	m.add("deliveries by "+string(origin), deliveries)
}

func (m *countingMeter) Attempted(results []*pipeline.Result) {
	for i := range results {
		m.add(fmt.Sprintf("attempts %s %s", results[i].Trigger(), results[i].Exchange.Cause), 1)
		if wait, ok := results[i].FirstWait(); ok {
			m.Lock()
			m.waits = append(m.waits, wait)
			m.Unlock()
		}
	}
}

func (m *countingMeter) Ended(state models.State, cause webhook.Cause, deliveries int) {
	m.add(fmt.Sprintf("ended %s %s", state, cause), deliveries)
}

func (m *countingMeter) want(t *testing.T, what string, n int) {
	t.Helper()
	m.Lock()
	defer m.Unlock()
	if m.counts[what] != n {
		t.Errorf("%s: %d, want %d; all: %v", what, m.counts[what], n, m.counts)
	}
}

func TestMeter(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		m := &countingMeter{counts: map[string]int{}}
		metered := *f
		metered.Store = f.with(t, func(o *store.Options) { o.Meter = m })
		f = &metered
		tenant, err := f.Operator().Tenant(t.Context(), f.tenant.Organization().ID)
		must(t, err)
		f.tenant = tenant
		e := endpoint(t, tenant, func(in *models.EndpointInput) {
			in.Schedule = webhook.Schedule{Delays: []time.Duration{0, time.Minute}}
		})
		endpoint(t, tenant, func(in *models.EndpointInput) { in.EventTypes = []string{"org.created"} })

		t.Run("counts_what_is_accepted_and_delivered", func(t *testing.T) {
			id := f.one(t, e)
			f.record(t, f.claim(t, e, 1, id)[0], http.StatusOK, "")
			m.want(t, "events by api", 1)
			m.want(t, "deliveries by api", 1)
			m.want(t, "attempts schedule ", 1)
			m.want(t, "ended delivered ", 1)
		})
		t.Run("counts_a_failure_once_its_last_attempt_failed", func(t *testing.T) {
			id := f.one(t, e)
			f.record(t, f.claim(t, e, 1, id)[0], 500, webhook.CauseStatus)
			m.want(t, "ended failed status", 0)
			f.clock.Advance(2 * time.Minute)
			f.record(t, f.claim(t, e, 1, id)[0], 0, webhook.CauseTimeout)
			m.want(t, "attempts schedule status", 1)
			m.want(t, "attempts schedule timeout", 1)
			m.want(t, "ended failed timeout", 1)
		})
		t.Run("counts_what_was_interrupted_expired_and_cancelled", func(t *testing.T) {
			cut, _, cancelled := f.one(t, e), f.one(t, e), f.one(t, e)
			_, err := tenant.Cancel(t.Context(), cancelled)
			must(t, err)
			m.want(t, "ended cancelled ", 1)
			f.claim(t, e, 1, cut)
			f.clock.Advance(time.Hour)
			_, err = f.Engine().Reclaim(t.Context())
			must(t, err)
			m.want(t, "attempts schedule interrupted", 1)
			f.clock.Advance(30 * time.Hour)
			_, err = f.Engine().EndWaiting(t.Context())
			must(t, err)
			m.want(t, "ended failed expired", 2)
		})
		t.Run("counts_a_test_as_an_attempt_alone", func(t *testing.T) {
			job, err := tenant.BeginTest(t.Context(), e.ID, "payment.failed", payment("p"))
			must(t, err)
			f.record(t, job, http.StatusOK, "")
			m.want(t, "events by test", 1)
			m.want(t, "attempts test ", 1)
			m.want(t, "ended delivered ", 1)
		})
		t.Run("knows_how_long_a_first_attempt_waited", func(t *testing.T) {
			m.waits = nil
			id := f.one(t, e)
			f.clock.Advance(3 * time.Second)
			f.record(t, f.claim(t, e, 1, id)[0], http.StatusOK, "")
			if len(m.waits) != 1 || m.waits[0] < 2900*time.Millisecond || m.waits[0] > 20*time.Second {
				t.Errorf("waits: %v, want one of 3 s", m.waits)
			}
		})
	})
}

func TestRequestID(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		t.Run("of_the_report_is_in_each_of_its_attempts", func(t *testing.T) {
			e := endpoint(t, f.tenant, nil)
			key, _, err := f.Operator().CreateKey(t.Context(), models.NewKey{Name: "back end"})
			must(t, err)
			tenant, err := f.Platform(key, models.Actor{RequestID: "REQUEST7"}).Tenant(t.Context(), f.tenant.Organization().ID)
			must(t, err)
			publish(t, tenant, "org.member.added")
			id := deliveries(t, tenant)[0].ID
			for range 2 {
				job := f.claim(t, e, 1, id)[0]
				if job.RequestID != "REQUEST7" {
					t.Errorf("attempt %d has the request id %q", job.Message.Number, job.RequestID)
				}
				f.record(t, job, 500, webhook.CauseStatus)
				f.clock.Advance(time.Hour)
			}
		})
	})
}
