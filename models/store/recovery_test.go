package store_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"hookwell/models"
	"hookwell/models/store"
	"hookwell/webhook"
)

// recover begins a recovery of what failed in the last hour.
func (f *fixture) recover(t *testing.T, e *models.Endpoint, change func(*models.RecoveryInput)) *models.Recovery {
	t.Helper()
	in := models.RecoveryInput{Since: f.Now().Add(-time.Hour)}
	if change != nil {
		change(&in)
	}
	r, err := f.tenant.Recover(t.Context(), e.ID, in)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (f *fixture) recovery(t *testing.T, id string) *models.Recovery {
	t.Helper()
	r, err := f.tenant.Recovery(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// step does the steps whose time has come.
func step(t *testing.T, s *store.Store) (steps int) {
	t.Helper()
	for {
		r, err := s.StepRecovery(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if r == nil {
			return steps
		}
		steps++
	}
}

// due lists the recovery's work that may be sent now.
func (f *fixture) due(t *testing.T, e *models.Endpoint) []string {
	t.Helper()
	lanes, err := f.Engine().Due(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, lane := range lanes {
		if lane.EndpointID == e.ID {
			return lane.DeliveryIDs
		}
	}
	return nil
}

func TestRecoveryCounts(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e, other := f.once(t), f.once(t)
		f.failed(t, e, 500, webhook.CauseStatus)
		f.failed(t, e, 503, webhook.CauseStatus)
		f.failed(t, e, 404, webhook.CauseStatus)
		f.failed(t, e, 302, webhook.CauseRedirect)
		f.failed(t, e, 0, webhook.CauseTimeout)
		f.failed(t, e, 200, webhook.CauseResponseTooLarge)
		f.failed(t, other, 500, webhook.CauseStatus)
		delivered := f.one(t, e)
		f.record(t, f.claim(t, e, 1, delivered)[0], 200, "")
		f.one(t, e) // pending
		before := dumpAll(t, f.Store)
		middle := f.Now()
		for name, c := range map[string]struct {
			in   models.RecoveryInput
			want int
		}{
			"all":             {models.RecoveryInput{}, 6},
			"5xx":             {models.RecoveryInput{Causes: []string{"5xx"}}, 2},
			"4xx and timeout": {models.RecoveryInput{Causes: []string{"4xx", "timeout"}}, 2},
			"3xx":             {models.RecoveryInput{Causes: []string{"3xx"}}, 1},
			"status":          {models.RecoveryInput{Causes: []string{"status"}}, 3},
			"dns":             {models.RecoveryInput{Causes: []string{"dns"}}, 0},
			"its type":        {models.RecoveryInput{Types: []string{"payment.failed"}}, 6},
			"its prefix":      {models.RecoveryInput{Types: []string{"payment.*", "org.created"}}, 6},
			"another type":    {models.RecoveryInput{Types: []string{"org.*"}}, 0},
			"until before":    {models.RecoveryInput{Since: middle.Add(-2 * time.Hour), Until: middle.Add(-time.Hour)}, 0},
		} {
			t.Run(name, func(t *testing.T) {
				if c.in.Since.IsZero() {
					c.in.Since = middle.Add(-time.Hour)
				}
				if n, err := f.tenant.CountRecovery(t.Context(), e.ID, c.in); n != c.want || err != nil {
					t.Errorf("counted %d, %v; want %d", n, err, c.want)
				}
			})
		}
		for field, in := range map[string]models.RecoveryInput{
			"since":     {},
			"until":     {Since: middle, Until: middle.Add(-time.Second)},
			"types":     {Since: time.Unix(0, 0), Types: []string{"Payment"}},
			"causes":    {Since: time.Unix(0, 0), Causes: []string{"2xx"}},
			"perSecond": {Since: time.Unix(0, 0), PerSecond: models.MaxRecoveryRate + 1},
			"kind":      {Since: time.Unix(0, 0), Kind: "some"},
		} {
			_, err := f.tenant.Recover(t.Context(), e.ID, in)
			if told := refusal(t, err, models.Invalid); len(told.Fields) != 1 || told.Fields[0].Field != field {
				t.Errorf("%s: %+v", field, told.Fields)
			}
		}
		sameRows(t, before, dumpAll(t, f.Store))
	})
}

func TestRecoveryThrottles(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := f.once(t)
		for range 10 {
			f.failed(t, e, 400, webhook.CauseStatus)
		}
		r := f.recover(t, e, func(in *models.RecoveryInput) { in.PerSecond = 4 })
		if r.Total != 10 || r.State != models.RecoveryRunning {
			t.Fatalf("%+v", r)
		}
		start, sent := f.Now(), 0
		for f.recovery(t, r.ID).Running() {
			step(t, f.Store)
			ids := f.due(t, e)
			sent += len(ids)
			if passed := f.Now().Sub(start); float64(sent) > 4*passed.Seconds()+1 {
				t.Fatalf("%d were due after %v", sent, passed)
			}
			for _, job := range f.claim(t, e, 100, ids...) {
				f.record(t, job, 204, "")
			}
			if f.Now().Sub(start) > time.Minute {
				t.Fatalf("does not end: %+v", f.recovery(t, r.ID))
			}
			f.clock.Advance(250 * time.Millisecond)
		}
		if r := f.recovery(t, r.ID); r.State != models.RecoveryDone || r.Queued != 10 || r.Sent() != 10 || r.Skipped != 0 || r.EndedAt == nil || sent != 10 {
			t.Errorf("%d sent: %+v", sent, r)
		}
		if list, _, _ := f.tenant.Deliveries(t.Context(), models.DeliveryFilter{States: []models.State{models.Delivered}}, models.Page{}); len(list) != 10 {
			t.Errorf("%d delivered", len(list))
		}
	})
}

func TestRecoveryWaitsForASlowReceiver(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := f.once(t)
		for range 10 {
			f.failed(t, e, 400, webhook.CauseStatus)
		}
		r := f.recover(t, e, func(in *models.RecoveryInput) { in.PerSecond = 2 })
		for range 10 {
			step(t, f.Store)
			f.clock.Advance(time.Second)
		}
		if r := f.recovery(t, r.ID); r.Queued != 4 || r.Waiting != 4 || r.Sent() != 0 {
			t.Errorf("%+v: more than two seconds' worth waits", r)
		}
	})
}

func TestRecoveryLetsFreshEventsPass(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := f.once(t)
		old := f.failed(t, e, 400, webhook.CauseStatus)
		f.recover(t, e, nil)
		step(t, f.Store)
		fresh := f.one(t, e)
		f.clock.Advance(10 * time.Second)
		if jobs := f.claim(t, e, 1, old, fresh); len(jobs) != 1 || jobs[0].DeliveryID != fresh {
			t.Errorf("claimed %+v", jobs)
		}
	})
}

func TestRecoveryOutcomes(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := f.once(t)
		again, well, flying, resent := f.failed(t, e, 400, webhook.CauseStatus), f.failed(t, e, 400, webhook.CauseStatus),
			f.failed(t, e, 400, webhook.CauseStatus), f.failed(t, e, 400, webhook.CauseStatus)
		r := f.recover(t, e, nil)
		for _, id := range []string{flying, resent} {
			if _, err := f.tenant.Resend(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		job := f.claim(t, e, 1, flying)[0]
		step(t, f.Store)
		f.clock.Advance(time.Second)
		if r := f.recovery(t, r.ID); r.Total != 4 || r.Queued != 2 || r.Skipped != 2 {
			t.Errorf("%+v: what is under way or waits is passed over", r)
		}
		f.record(t, job, 200, "")
		f.record(t, f.claim(t, e, 1, again)[0], 500, webhook.CauseStatus)
		f.record(t, f.claim(t, e, 1, well)[0], 200, "")
		step(t, f.Store)
		for id, want := range map[string]models.State{again: models.Failed, well: models.Delivered, flying: models.Delivered} {
			d := f.delivery(t, id)
			attempts, err := f.tenant.Attempts(t.Context(), id)
			if err != nil || d.State != want || d.AttemptCount != 2 || len(f.work(t, id)) != 0 || attempts[1].Trigger != models.TriggerPerson {
				t.Errorf("%+v, %+v, %v; want %s", d, attempts, err, want)
			}
		}
		if r := f.recovery(t, r.ID); r.State != models.RecoveryDone || r.Sent() != 2 {
			t.Errorf("%+v", r)
		}
		f.consistent(t)
	})
}

func TestRecoveryIsCancelledMidway(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := f.once(t)
		var ids []string
		for range 10 {
			ids = append(ids, f.failed(t, e, 400, webhook.CauseStatus))
		}
		r := f.recover(t, e, func(in *models.RecoveryInput) { in.PerSecond = 2 })
		step(t, f.Store)
		f.clock.Advance(300 * time.Millisecond)
		job := f.claim(t, e, 10, ids...)[0]
		got, err := f.tenant.CancelRecovery(t.Context(), r.ID)
		if err != nil || got.State != models.RecoveryCancelled || got.EndedAt == nil || got.Queued != 1 || got.Waiting != 1 {
			t.Fatalf("%+v, %v", got, err)
		}
		f.record(t, job, 204, "")
		f.clock.Advance(time.Minute)
		if n := step(t, f.Store); n != 0 {
			t.Errorf("%d steps of a cancelled recovery", n)
		}
		if jobs := f.claim(t, e, 100, ids...); len(jobs) != 0 {
			t.Errorf("%d are sent after the end", len(jobs))
		}
		for _, id := range ids {
			if d := f.delivery(t, id); d.State != models.Failed && id != job.DeliveryID || d.State != models.Delivered && id == job.DeliveryID {
				t.Errorf("%+v", d)
			}
		}
		_, err = f.tenant.CancelRecovery(t.Context(), r.ID)
		hasCode(t, err, "ended")
		f.consistent(t)
	})
}

// Several processes step at once, and each is gone after one step: the next
// goes on behind it.
func TestRecoverySurvivesItsProcesses(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := f.once(t)
		var ids []string
		for range 12 {
			ids = append(ids, f.failed(t, e, 400, webhook.CauseStatus))
		}
		r := f.recover(t, e, func(in *models.RecoveryInput) { in.PerSecond = 3 })
		claimed := map[string]int{}
		for range 12 {
			var both sync.WaitGroup
			for _, s := range []*store.Store{f.again(t), f.again(t)} {
				both.Go(func() {
					if _, err := s.StepRecovery(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			both.Wait()
			f.clock.Advance(time.Second)
			for _, job := range f.claim(t, e, 100, ids...) {
				claimed[job.DeliveryID]++
				f.record(t, job, 400, webhook.CauseStatus) // which opens no circuit
			}
		}
		for _, id := range ids {
			if claimed[id] != 1 {
				t.Errorf("%s was sent %d times", id, claimed[id])
			}
		}
		if r := f.recovery(t, r.ID); r.State != models.RecoveryDone || r.Queued != 12 {
			t.Errorf("%+v", r)
		}
	})
}

func TestRecoveryIsOneAtATime(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := f.once(t)
		f.failed(t, e, 400, webhook.CauseStatus)
		in := models.RecoveryInput{Since: f.Now().Add(-time.Hour)}
		var all sync.WaitGroup
		var mu sync.Mutex
		begun := 0
		for _, s := range []*store.Store{f.Store, f.again(t), f.again(t)} {
			tenant, err := s.Operator().Tenant(t.Context(), f.tenant.Organization().ID)
			if err != nil {
				t.Fatal(err)
			}
			all.Go(func() {
				_, err := tenant.Recover(t.Context(), e.ID, in)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					begun++
				} else {
					hasCode(t, err, "recovery_running")
				}
			})
		}
		all.Wait()
		if begun != 1 {
			t.Errorf("%d began", begun)
		}
		f.recover(t, f.once(t), nil) // another endpoint's is its own
	})
}

func TestRecoveryOfADeletedEndpoint(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := f.once(t)
		for range 3 {
			f.failed(t, e, 400, webhook.CauseStatus)
		}
		r := f.recover(t, e, func(in *models.RecoveryInput) { in.PerSecond = 1 })
		step(t, f.Store)
		if err := f.tenant.DeleteEndpoint(t.Context(), e.ID); err != nil {
			t.Fatal(err)
		}
		f.clock.Advance(time.Minute)
		if n := step(t, f.Store); n != 0 {
			t.Errorf("%d steps", n)
		}
		if r := f.recovery(t, r.ID); r.State != models.RecoveryCancelled || r.Waiting != 0 {
			t.Errorf("%+v", r)
		}
		_, err := f.tenant.Recover(t.Context(), e.ID, models.RecoveryInput{Since: time.Unix(0, 0)})
		hasCode(t, err, "endpoint_deleted")
		_, err = f.tenant.CountRecovery(t.Context(), e.ID, models.RecoveryInput{Since: time.Unix(0, 0)})
		hasCode(t, err, "endpoint_deleted")
		f.consistent(t)
	})
}

func TestRecoveryOfWhatIsMissing(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := endpoint(t, f.tenant, func(in *models.EndpointInput) { in.EventTypes = []string{"payment.*"} })
		publish(t, f.tenant, "payment.failed") // got it
		unsubscribed := publish(t, f.tenant, "org.created")
		if _, err := f.tenant.DisableEndpoint(t.Context(), e.ID); err != nil {
			t.Fatal(err)
		}
		disabled := publish(t, f.tenant, "payment.failed")
		publish(t, f.organization(t, "Other"), "payment.failed")
		if _, err := f.tenant.EnableEndpoint(t.Context(), e.ID); err != nil {
			t.Fatal(err)
		}
		f.clock.Advance(time.Second)
		in := models.RecoveryInput{Kind: models.RecoverMissing, Since: f.Now().Add(-time.Hour)}
		count := func(want int) {
			t.Helper()
			if n, err := f.tenant.CountRecovery(t.Context(), e.ID, in); n != want || err != nil {
				t.Errorf("counted %d, %v; want %d", n, err, want)
			}
		}
		count(1)
		if _, err := f.tenant.UpdateEndpoint(t.Context(), e.ID, func(in *models.EndpointInput) error {
			in.EventTypes = []string{"*"}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		count(2)
		job, err := f.tenant.BeginTest(t.Context(), e.ID, "payment.failed", payment("p")) // a test is never replayed
		if err != nil {
			t.Fatal(err)
		}
		f.record(t, job, 200, "")
		r := f.recover(t, e, func(r *models.RecoveryInput) { r.Kind = models.RecoverMissing })
		step(t, f.Store)
		f.clock.Advance(time.Second)
		ids := f.due(t, e)
		jobs := f.claim(t, e, 10, ids...)
		var events []string
		for _, job := range jobs {
			if w := f.work(t, job.DeliveryID)[0]; w.Priority == 0 {
				continue // the one that it got at once
			}
			events = append(events, job.Message.EventID)
			f.record(t, job, 500, webhook.CauseStatus)
			if d := f.delivery(t, job.DeliveryID); d.State != models.Retrying || d.NextAttemptAt == nil {
				t.Errorf("%+v: it has the endpoint's schedule", d)
			}
		}
		slices.Sort(events)
		if want := []string{unsubscribed.ID, disabled.ID}; !slices.Equal(events, want) {
			t.Errorf("replayed %v, want %v", events, want)
		}
		step(t, f.Store)
		if r := f.recovery(t, r.ID); r.State != models.RecoveryDone || r.Sent() != 2 || r.Skipped != 0 {
			t.Errorf("%+v", r)
		}
		count(0)
		f.consistent(t)
	})
}
