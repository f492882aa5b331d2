package jobs_test

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hookwell/jobs"
	"hookwell/models"
	"hookwell/models/pipeline"
	"hookwell/models/store"
	"hookwell/webhook"
)

// accompany lets another process have workers too, which do nothing.
func (f *fixture) accompany(t *testing.T) *pipeline.Engine {
	t.Helper()
	other, err := store.Open(t.Context(), f.options)
	must(t, err)
	t.Cleanup(func() { must(t, other.Close()) })
	must(t, other.Engine().Attend(t.Context()))
	return other.Engine()
}

// alone starts workers, waits until they know that they are alone, and has one
// event delivered, so that the endpoint is known.
func (f *fixture) alone(t *testing.T, kind string, e *models.Endpoint) *jobs.Workers {
	t.Helper()
	f.wakeQueue()
	w := f.start(t)
	f.untilSole(t)
	f.publishBatch(t, kind, 1)
	f.until(t, "the first one is delivered", models.DeliveryFilter{EndpointID: e.ID}, all(1, models.Delivered))
	return w
}

// untilSole waits until the workers know that they are alone, which they find out
// while none of them claims.
func (f *fixture) untilSole(t *testing.T) {
	t.Helper()
	f.until(t, "there is a sole worker", models.DeliveryFilter{}, func([]models.Delivery) bool {
		must(t, f.Engine().Attend(t.Context()))
		var id string
		must(t, f.Database().WithContext(t.Context()).Raw("SELECT sole_worker FROM installations").Scan(&id).Error)
		return id != ""
	})
}

// begun counts the endpoint's deliveries that were claimed as they were accepted.
func (f *fixture) begun(t *testing.T, e *models.Endpoint) (n int) {
	t.Helper()
	for _, d := range f.deliveries(t, models.DeliveryFilter{EndpointID: e.ID}) {
		if _, ok := f.waker.begun.Load(d.ID); ok {
			n++
		}
	}
	return n
}

func TestTheSoleWorkerClaimsWhatItAccepts(t *testing.T) {
	const kind = "payment.failed"
	eachPair(t, func(t *testing.T, f *fixture) {
		e, _ := f.endpoint(t, receiver(t, nil).URL, nil)
		f.alone(t, kind, e)
		f.publishBatch(t, kind, 3)
		list := f.until(t, "all are delivered", models.DeliveryFilter{EndpointID: e.ID}, all(4, models.Delivered))
		if n := f.begun(t, e); n != 3 {
			t.Errorf("%d deliveries were claimed as they were accepted; want 3", n)
		}
		for _, d := range list {
			attempts, err := f.tenant.Attempts(t.Context(), d.ID)
			must(t, err)
			if d.AttemptCount != 1 || len(attempts) != 1 || attempts[0].Trigger != models.TriggerSchedule {
				t.Errorf("delivery %s has %d attempts and these on record: %+v; want one of the schedule", d.ID, d.AttemptCount, attempts)
			}
		}
		// A change of the endpoint is read by a claim first.
		_, err := f.tenant.UpdateEndpoint(t.Context(), e.ID, func(in *models.EndpointInput) error { in.Name = "Changed"; return nil })
		must(t, err)
		f.publishBatch(t, kind, 1)
		f.until(t, "so is one after a change", models.DeliveryFilter{EndpointID: e.ID}, all(5, models.Delivered))
		if n := f.begun(t, e); n != 3 {
			t.Errorf("%d deliveries were claimed as they were accepted after a change; want 3", n)
		}
	})
}

// TestAtOnceKeepsToTheLimit holds that what is claimed with its acceptance counts
// as in flight, and that what finds no slot waits for its turn.
func TestAtOnceKeepsToTheLimit(t *testing.T) {
	const kind, limit, events = "payment.failed", 2, 7
	eachPair(t, func(t *testing.T, f *fixture) {
		var now, most atomic.Int64
		hang := make(chan struct{})
		var hanging atomic.Bool
		s := receiver(t, func(http.ResponseWriter, *http.Request) {
			n := now.Add(1)
			defer now.Add(-1)
			for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
			}
			if hanging.Load() {
				<-hang
			}
		})
		e, _ := f.endpoint(t, s.URL, func(in *models.EndpointInput) { in.MaxInFlight = limit })
		f.alone(t, kind, e)
		hanging.Store(true)
		for range events {
			f.publishBatch(t, kind, 1)
		}
		f.until(t, "as many as may be are in flight", models.DeliveryFilter{EndpointID: e.ID}, func([]models.Delivery) bool { return now.Load() == limit })
		if n := f.begun(t, e); n < limit || n > 2*limit { // as many may wait
			t.Errorf("%d deliveries were claimed as they were accepted; want %d to %d", n, limit, 2*limit)
		}
		close(hang)
		f.until(t, "all are delivered", models.DeliveryFilter{EndpointID: e.ID}, all(events+1, models.Delivered))
		if most.Load() != limit {
			t.Errorf("%d requests were in flight at once; want at most %d", most.Load(), limit)
		}
	})
}

// TestWhatWaitsClaimed holds what becomes of deliveries that were claimed as they
// were accepted and wait for a slot, however their endpoint fares.
func TestWhatWaitsClaimed(t *testing.T) {
	const kind, limit = "payment.failed", 2
	for name, test := range map[string]struct {
		then      func(t *testing.T, f *fixture, w *jobs.Workers, answers chan<- int)
		delivered int // at their first attempt
		left      int // given back, and due
	}{
		"they_are_sent_when_a_slot_is_free": {func(_ *testing.T, _ *fixture, _ *jobs.Workers, answers chan<- int) {
			for range 5 {
				answers <- 204
			}
		}, 7, 0},
		"they_are_given_back_when_an_attempt_fails": {func(_ *testing.T, _ *fixture, _ *jobs.Workers, answers chan<- int) {
			answers <- 500
			for range 4 {
				answers <- 204
			}
		}, 6, 0},
		"they_are_given_back_when_the_workers_stop": {func(t *testing.T, f *fixture, w *jobs.Workers, answers chan<- int) {
			stopped := make(chan struct{})
			go func() {
				defer close(stopped)
				w.Shutdown(t.Context())
			}()
			f.until(t, "what waits was given back", models.DeliveryFilter{}, func([]models.Delivery) bool { return f.leased(t) == limit })
			for range limit {
				answers <- 204
			}
			<-stopped
		}, 4, 3},
	} {
		t.Run(name, func(t *testing.T) {
			eachPair(t, func(t *testing.T, f *fixture) {
				var now, most atomic.Int64
				answers := make(chan int, 1)
				s := receiver(t, func(w http.ResponseWriter, r *http.Request) {
					n := now.Add(1)
					defer now.Add(-1)
					for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
					}
					select {
					case status := <-answers:
						w.WriteHeader(status)
					case <-r.Context().Done():
					}
				})
				e, _ := f.endpoint(t, s.URL, func(in *models.EndpointInput) { in.MaxInFlight = limit })
				inFlight := func(w *jobs.Workers, n int) {
					t.Helper()
					f.until(t, "so many are in flight", models.DeliveryFilter{}, func([]models.Delivery) bool { return w.InFlight() == n && now.Load() == int64(n) })
				}
				answers <- 204
				w := f.alone(t, kind, e)
				w.WaitOneTurn()
				inFlight(w, 0)
				f.publishBatch(t, kind, 2)
				inFlight(w, 2)
				answers <- 204 // so that the lane is one whose receiver does well
				inFlight(w, 1)
				f.publishBatch(t, kind, 1)
				inFlight(w, 2)
				f.publishBatch(t, kind, 3) // two wait, one is woken
				if n := f.begun(t, e); n != 5 {
					t.Errorf("%d deliveries were claimed as they were accepted; want 5", n)
				}
				if n := f.leased(t); n != 2*limit {
					t.Errorf("%d deliveries are leased; want %d", n, 2*limit)
				}
				test.then(t, f, w, answers)
				list := f.until(t, "they are delivered", models.DeliveryFilter{EndpointID: e.ID}, all(test.delivered, models.Delivered))
				left := 0
				for _, d := range list {
					if d.State == models.Pending && d.AttemptCount == 0 {
						left++
					}
					if d.State == models.Delivered && d.AttemptCount != 1 {
						t.Errorf("delivery %s has %d attempts; want 1", d.ID, d.AttemptCount)
					}
				}
				if left != test.left || f.leased(t) != 0 {
					t.Errorf("%d deliveries wait without an attempt, %d are leased; want %d and none", left, f.leased(t), test.left)
				}
				if most.Load() > limit {
					t.Errorf("%d requests were in flight at once; want at most %d", most.Load(), limit)
				}
			})
		})
	}
}

// leased counts the deliveries under a lease.
func (f *fixture) leased(t *testing.T) (n int) {
	t.Helper()
	must(t, f.tenant.Expand(t.Context()))
	must(t, f.Database().WithContext(t.Context()).Raw("SELECT count(*) FROM delivery_work WHERE lease_until IS NOT NULL").Scan(&n).Error)
	return n
}

func TestAtOnceHeedsWhatHoldsAnEndpoint(t *testing.T) {
	const kind = "payment.failed"
	delayed, fault := webhook.NewSchedule([]int{1, 5})
	if fault != nil {
		t.Fatalf("NewSchedule: %v", fault)
	}
	for name, test := range map[string]struct {
		change func(*models.EndpointInput)
		before func(t *testing.T, f *fixture, e *models.Endpoint) // after the first delivery
	}{
		"a rate limit":  {change: func(in *models.EndpointInput) { in.RateLimitPerSecond = 1 }},
		"a first delay": {change: func(in *models.EndpointInput) { in.Schedule = delayed }},
		"another process with workers": {before: func(t *testing.T, f *fixture, _ *models.Endpoint) {
			f.accompany(t)
		}},
		"an open circuit": {before: func(t *testing.T, f *fixture, e *models.Endpoint) {
			must(t, f.Database().WithContext(t.Context()).Exec("UPDATE endpoint_states SET held_because = 'circuit', held_until = ? WHERE endpoint_id = ?",
				f.clock.Now().Add(time.Hour), e.ID).Error)
		}},
		"attempts of a worker that notes nothing": {before: func(t *testing.T, f *fixture, e *models.Endpoint) {
			f.waker.queue.Store(nil)
			f.publishBatch(t, kind, 1)
			list, _, err := f.tenant.Deliveries(t.Context(), models.DeliveryFilter{States: []models.State{models.Pending}}, models.Page{Limit: models.MaxLimit})
			must(t, err)
			must(t, f.Database().WithContext(t.Context()).Exec("UPDATE delivery_work SET attempt = 1, lease_token = 'of-another', lease_until = expires_at WHERE delivery_id = ?", list[0].ID).Error)
			f.wakeQueue()
			must(t, f.Engine().Attend(t.Context()))
		}},
		"a disabled endpoint": {before: func(t *testing.T, f *fixture, e *models.Endpoint) {
			_, err := f.tenant.DisableEndpoint(t.Context(), e.ID)
			must(t, err)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			eachPair(t, func(t *testing.T, f *fixture) {
				e, _ := f.endpoint(t, receiver(t, nil).URL, test.change)
				f.wakeQueue()
				f.start(t)
				f.untilSole(t)
				f.publishBatch(t, kind, 1)
				if test.change == nil {
					f.until(t, "the first one is delivered", models.DeliveryFilter{EndpointID: e.ID}, all(1, models.Delivered))
				}
				if test.before != nil {
					test.before(t, f, e)
				}
				f.publishBatch(t, kind, 1)
				if n := f.begun(t, e); n != 0 {
					t.Errorf("%d deliveries were claimed as they were accepted; want none", n)
				}
			})
		})
	}
}

// TestAStopIsNoEnd holds that a process which stops is not taken for gone while its
// last attempts are under way.
func TestAStopIsNoEnd(t *testing.T) {
	const kind = "payment.failed"
	eachPair(t, func(t *testing.T, f *fixture) {
		answer := make(chan struct{})
		end := sync.OnceFunc(func() { close(answer) })
		var came atomic.Int64
		s := receiver(t, func(w http.ResponseWriter, r *http.Request) {
			came.Add(1)
			<-answer
		})
		t.Cleanup(end)
		e, _ := f.endpoint(t, s.URL, nil)
		f.wakeQueue()
		w := f.start(t)
		f.publishBatch(t, kind, 1)
		f.until(t, "it is under way", models.DeliveryFilter{EndpointID: e.ID}, func([]models.Delivery) bool { return came.Load() == 1 })
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			w.Shutdown(context.Background())
		}()
		other := f.accompany(t)
		seen := func() (at time.Time) {
			var rows []struct{ SeenAt time.Time }
			must(t, f.Database().WithContext(t.Context()).Raw("SELECT seen_at FROM workers ORDER BY seen_at DESC").Scan(&rows).Error)
			if len(rows) == 2 {
				at = rows[0].SeenAt
			}
			return at
		}
		f.until(t, "the one that stops still says that it is there", models.DeliveryFilter{}, func() func([]models.Delivery) bool {
			first := seen()
			return func([]models.Delivery) bool { return seen().After(first) }
		}())
		for range 5 {
			must(t, other.Attend(t.Context()))
		}
		end()
		<-stopped
		list := f.until(t, "it is delivered", models.DeliveryFilter{EndpointID: e.ID}, all(1, models.Delivered))
		if list[0].AttemptCount != 1 {
			t.Errorf("it has %d attempts; want 1", list[0].AttemptCount)
		}
	})
}

// TestOneSoleWorker holds that nobody claims beside the sole worker until it knows
// of the other.
func TestOneSoleWorker(t *testing.T) {
	const kind = "payment.failed"
	eachPair(t, func(t *testing.T, f *fixture) {
		e, _ := f.endpoint(t, receiver(t, nil).URL, nil)
		must(t, f.Engine().Attend(t.Context()))
		f.publishBatch(t, kind, 1) // which nobody is told of
		list, _, err := f.tenant.Deliveries(t.Context(), models.DeliveryFilter{}, models.Page{Limit: models.MaxLimit})
		must(t, err)
		other, err := store.Open(t.Context(), f.options)
		must(t, err)
		t.Cleanup(func() { must(t, other.Close()) })
		claim := func() int {
			t.Helper()
			claimed, _, err := other.Engine().Claim(t.Context(), []pipeline.Lane{{EndpointID: e.ID, DeliveryIDs: []string{list[0].ID}, Slots: 1}})
			must(t, err)
			return len(claimed)
		}
		if n := claim(); n != 0 {
			t.Errorf("beside the sole worker another process claimed %d deliveries; want none", n)
		}
		must(t, other.Engine().Attend(t.Context()))
		if n := claim(); n != 1 {
			t.Errorf("once it was known it claimed %d deliveries; want 1", n)
		}
		sole := func() (id string) {
			t.Helper()
			must(t, f.Database().WithContext(t.Context()).Raw("SELECT sole_worker FROM installations").Scan(&id).Error)
			return id
		}
		must(t, f.Engine().Attend(t.Context()))
		if id := sole(); id != "" {
			t.Errorf("of two processes with workers %s is the sole one", id)
		}
		reclaimed := func() int {
			t.Helper()
			n, err := f.Engine().Reclaim(t.Context())
			must(t, err)
			return n
		}
		for range 3 { // which say nothing of the other while one in between fails
			must(t, f.Engine().Attend(t.Context()))
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := f.Engine().Attend(ended); err == nil {
			t.Fatal("Attend() did not fail without a database")
		}
		for range 4 {
			must(t, f.Engine().Attend(t.Context()))
		}
		if id, n := sole(), reclaimed(); id != "" || n != 0 {
			t.Errorf("beside a process that was silent for three looks in a row %q is the sole worker, and %d attempts were taken over; want none", id, n)
		}
		must(t, f.Engine().Attend(t.Context())) // the fourth look in a row
		must(t, f.Engine().Attend(t.Context()))
		if id, n := sole(), reclaimed(); id == "" || n != 1 {
			t.Errorf("beside a process that is gone %q is the sole worker, and %d attempts were taken over; want this one, and 1", id, n)
		}
		must(t, f.Engine().Leave(t.Context()))
		if id := sole(); id != "" {
			t.Errorf("after it left %s is the sole worker", id)
		}
	})
}
