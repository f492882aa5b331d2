package store_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"hookwell/internal/storetest"
	"hookwell/models"
	"hookwell/models/pipeline"
	"hookwell/models/store"
	"hookwell/webhook"
)

func TestPublish(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		all := endpoint(t, f.tenant, nil)
		endpoint(t, f.tenant, func(in *models.EndpointInput) { in.EventTypes = []string{"org.*"} })
		off := endpoint(t, f.tenant, nil)
		if _, err := f.tenant.DisableEndpoint(t.Context(), off.ID); err != nil {
			t.Fatal(err)
		}
		gone := endpoint(t, f.tenant, nil)
		if err := f.tenant.DeleteEndpoint(t.Context(), gone.ID); err != nil {
			t.Fatal(err)
		}
		endpoint(t, f.organization(t, "Other"), nil)

		accepted := publish(t, f.tenant, "payment.failed")
		if accepted.Deliveries != 1 {
			t.Errorf("fanned out to %d endpoints, want 1: the one that is subscribed and enabled", accepted.Deliveries)
		}
		list := deliveries(t, f.tenant)
		if len(list) != 1 || list[0].EndpointID != all.ID || list[0].State != models.Pending || list[0].EventID != accepted.ID {
			t.Errorf("log %+v", list)
		}
		if len(f.woken.list) != 1 || f.woken.list[0].DeliveryID != list[0].ID {
			t.Errorf("woken %v, want the delivery once", f.woken.list)
		}
	})
}

func TestDeliver(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := endpoint(t, f.tenant, nil)
		publish(t, f.tenant, "payment.failed")
		id := deliveries(t, f.tenant)[0].ID

		jobs := f.claim(t, e, 10, id)
		if len(jobs) != 1 {
			t.Fatalf("claimed %d, want 1", len(jobs))
		}
		if again := f.claim(t, e, 10, id); len(again) != 0 {
			t.Error("a second worker with the same id claimed it too")
		}
		if jobs[0].Message.Number != 1 || len(jobs[0].Message.Secrets) != 1 || jobs[0].Message.URL != e.URL {
			t.Errorf("message %+v", jobs[0].Message)
		}
		f.record(t, jobs[0], 500, webhook.CauseStatus)
		d, err := f.tenant.Delivery(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if d.State != models.Retrying || d.AttemptCount != 1 || d.LastStatusCode != 500 || d.NextAttemptAt == nil {
			t.Errorf("after a failure: %+v", d)
		}
		if early := f.claim(t, e, 10, id); len(early) != 0 {
			t.Error("claimed before its time")
		}
		f.clock.Advance(7 * time.Second)
		jobs = f.claim(t, e, 10, id)
		if len(jobs) != 1 || jobs[0].Message.Number != 2 {
			t.Fatalf("second attempt: %+v", jobs)
		}
		f.record(t, jobs[0], 204, "")
		d, _ = f.tenant.Delivery(t.Context(), id)
		if d.State != models.Delivered || d.AttemptCount != 2 || d.DeliveredAt == nil || d.NextAttemptAt != nil {
			t.Errorf("after a success: %+v", d)
		}
		attempts, err := f.tenant.Attempts(t.Context(), id)
		if err != nil || len(attempts) != 2 || attempts[0].Cause != webhook.CauseStatus || attempts[1].Cause != "" {
			t.Errorf("attempts %+v, %v", attempts, err)
		}
		// The database may have committed though the answer was lost: once more changes nothing.
		f.record(t, jobs[0], 204, "")
		if attempts, _ := f.tenant.Attempts(t.Context(), id); len(attempts) != 2 {
			t.Errorf("recording twice made %d attempts", len(attempts))
		}
	})
}

func TestScheduleEnds(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		short, err := webhook.NewSchedule([]int{0, 10, 20})
		if err != nil {
			t.Fatal(err)
		}
		e := endpoint(t, f.tenant, func(in *models.EndpointInput) { in.Schedule = short })
		publish(t, f.tenant, "payment.failed")
		id := deliveries(t, f.tenant)[0].ID
		for n := 1; n <= 3; n++ {
			jobs := f.claim(t, e, 1, id)
			if len(jobs) != 1 {
				t.Fatalf("attempt %d was not claimed", n)
			}
			f.record(t, jobs[0], 0, webhook.CauseTimeout)
			f.clock.Advance(time.Minute)
		}
		d, _ := f.tenant.Delivery(t.Context(), id)
		if d.State != models.Failed || d.AttemptCount != 3 || d.EndedAt == nil || d.LastCause != webhook.CauseTimeout {
			t.Errorf("%+v", d)
		}
		if jobs := f.claim(t, e, 1, id); len(jobs) != 0 {
			t.Error("claimed after its end")
		}
	})
}

func TestSlots(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := endpoint(t, f.tenant, func(in *models.EndpointInput) { in.MaxInFlight = 3 })
		for range 8 {
			publish(t, f.tenant, "payment.failed")
		}
		var ids []string
		for _, d := range deliveries(t, f.tenant) {
			ids = append(ids, d.ID)
		}
		var mu sync.Mutex
		var claimed []*pipeline.Job
		var workers sync.WaitGroup
		for range 6 {
			workers.Go(func() {
				jobs, _, err := f.Engine().Claim(t.Context(), []pipeline.Lane{{EndpointID: e.ID, DeliveryIDs: ids, Slots: 3}})
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				claimed = append(claimed, jobs...)
			})
		}
		workers.Wait()
		if len(claimed) != 3 {
			t.Fatalf("%d in flight over all workers, want at most 3", len(claimed))
		}
		f.record(t, claimed[0], 200, "")
		if more := f.claim(t, e, 3, ids...); len(more) != 1 {
			t.Errorf("one slot came free and %d were claimed", len(more))
		}
	})
}

func TestReclaim(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := endpoint(t, f.tenant, func(in *models.EndpointInput) { in.TimeoutSeconds = 2 })
		publish(t, f.tenant, "payment.failed")
		id := deliveries(t, f.tenant)[0].ID
		lost := f.claim(t, e, 1, id)[0]

		f.clock.Advance(61 * time.Second)
		if n, err := f.Engine().Reclaim(t.Context()); n != 0 || err != nil {
			t.Fatalf("reclaimed %d, %v before the lease ended", n, err)
		}
		f.clock.Advance(2 * time.Second)
		if n, err := f.Engine().Reclaim(t.Context()); n != 1 || err != nil {
			t.Fatalf("reclaimed %d, %v after the lease ended", n, err)
		}
		d, _ := f.tenant.Delivery(t.Context(), id)
		if d.State != models.Retrying || d.AttemptCount != 1 || d.LastCause != webhook.CauseInterrupted {
			t.Errorf("%+v", d)
		}
		f.clock.Advance(10 * time.Second)
		second := f.claim(t, e, 1, id)
		if len(second) != 1 || second[0].Message.Number != 2 {
			t.Fatalf("not claimed again: %+v", second)
		}
		// The worker that was cut off comes back: its attempt is kept, the state is not its to change.
		f.record(t, lost, 200, "")
		d, _ = f.tenant.Delivery(t.Context(), id)
		if d.State != models.Retrying {
			t.Errorf("a record under a lost lease made it %s", d.State)
		}
		attempts, _ := f.tenant.Attempts(t.Context(), id)
		if len(attempts) != 1 || attempts[0].StatusCode != 200 {
			t.Errorf("attempts %+v, want the real outcome of the first", attempts)
		}
		f.record(t, second[0], 200, "")
		if d, _ = f.tenant.Delivery(t.Context(), id); d.State != models.Delivered {
			t.Errorf("ended %s", d.State)
		}
	})
}

func TestDue(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		busy, quiet := endpoint(t, f.tenant, nil), endpoint(t, f.organization(t, "Quiet"), nil)
		off := endpoint(t, f.organization(t, "Off"), nil)
		tenant := func(name string) *store.Tenant {
			tn, err := f.Operator().Tenant(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			return tn
		}
		for range 150 {
			publish(t, f.tenant, "payment.failed")
		}
		publish(t, tenant(quiet.OrganizationID), "payment.failed")
		publish(t, tenant(off.OrganizationID), "payment.failed")
		if _, err := tenant(off.OrganizationID).DisableEndpoint(t.Context(), off.ID); err != nil {
			t.Fatal(err)
		}
		if lanes, err := f.Engine().Due(t.Context()); len(lanes) != 0 || err != nil {
			t.Fatalf("%d lanes, %v: what was just woken is left alone", len(lanes), err)
		}
		f.clock.Advance(6 * time.Second)
		lanes, err := f.Engine().Due(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, lane := range lanes {
			got[lane.EndpointID] = fmt.Sprint(len(lane.DeliveryIDs), lane.More)
		}
		if got[busy.ID] != "100 true" || got[quiet.ID] != "1 false" || len(got) != 2 {
			t.Errorf("picked %v: a long queue hides no other, a disabled endpoint is parked", got)
		}
		if lane, err := f.Engine().DueFor(t.Context(), busy.ID); err != nil || len(lane.DeliveryIDs) != 50 {
			t.Errorf("%d more, %v; want the 50 that were not woken", len(lane.DeliveryIDs), err)
		}
		if lanes, _ = f.Engine().Due(t.Context()); len(lanes) != 0 {
			t.Errorf("woken twice: %v", lanes)
		}
		if _, err := tenant(off.OrganizationID).EnableEndpoint(t.Context(), off.ID); err != nil {
			t.Fatal(err)
		}
		if lanes, _ = f.Engine().Due(t.Context()); len(lanes) != 1 || lanes[0].EndpointID != off.ID {
			t.Errorf("enabling resumes what was parked: %v", lanes)
		}
	})
}

func TestResend(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := endpoint(t, f.tenant, nil)
		publish(t, f.tenant, "payment.failed")
		id := deliveries(t, f.tenant)[0].ID
		job := f.claim(t, e, 1, id)[0]
		if _, err := f.tenant.Resend(t.Context(), id); !models.IsKind(err, models.Conflict) {
			t.Fatalf("in flight: %v, want a conflict", err)
		}
		f.record(t, job, 500, webhook.CauseStatus)
		planned, _ := f.tenant.Delivery(t.Context(), id)

		t.Run("while a retry is planned", func(t *testing.T) {
			if _, err := f.tenant.Resend(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			jobs := f.claim(t, e, 1, id)
			if len(jobs) != 1 {
				t.Fatal("not due at once")
			}
			f.record(t, jobs[0], 500, webhook.CauseStatus)
			d, _ := f.tenant.Delivery(t.Context(), id)
			if d.State != models.Retrying || !d.NextAttemptAt.Equal(*planned.NextAttemptAt) {
				t.Errorf("next at %v, want the planned %v", d.NextAttemptAt, planned.NextAttemptAt)
			}
		})
		t.Run("of a delivered one that fails", func(t *testing.T) {
			f.clock.Advance(10 * time.Second)
			f.record(t, f.claim(t, e, 1, id)[0], 200, "")
			if _, err := f.tenant.Resend(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			f.record(t, f.claim(t, e, 1, id)[0], 500, webhook.CauseStatus)
			d, _ := f.tenant.Delivery(t.Context(), id)
			if d.State != models.Delivered || d.AttemptCount != 4 || d.NextAttemptAt != nil {
				t.Errorf("delivered stays delivered: %+v", d)
			}
		})
		t.Run("to a deleted endpoint", func(t *testing.T) {
			if err := f.tenant.DeleteEndpoint(t.Context(), e.ID); err != nil {
				t.Fatal(err)
			}
			if _, err := f.tenant.Resend(t.Context(), id); !models.IsKind(err, models.Conflict) {
				t.Errorf("%v, want a conflict", err)
			}
		})
	})
}

func TestEndWaiting(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := endpoint(t, f.tenant, nil)
		publish(t, f.tenant, "payment.failed")
		if err := f.tenant.DeleteEndpoint(t.Context(), e.ID); err != nil {
			t.Fatal(err)
		}
		if d := deliveries(t, f.tenant)[0]; d.State != models.Cancelled || d.EndedAt == nil {
			t.Errorf("deleting the endpoint left it %s", d.State)
		}
		other := endpoint(t, f.tenant, nil)
		publish(t, f.tenant, "payment.failed")
		if _, err := f.tenant.DisableEndpoint(t.Context(), other.ID); err != nil {
			t.Fatal(err)
		}
		f.clock.Advance(webhook.Schedules()[0].Span() + 25*time.Hour)
		if n, err := f.Engine().EndWaiting(t.Context()); n != 1 || err != nil {
			t.Fatalf("ended %d, %v", n, err)
		}
		if d := deliveries(t, f.tenant)[0]; d.State != models.Failed || d.LastCause != webhook.CauseExpired {
			t.Errorf("waited too long: %s %s", d.State, d.LastCause)
		}
	})
}

func TestIdempotencyKey(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		endpoint(t, f.tenant, nil)
		c, _ := storetest.Catalog()
		et, _ := c.Lookup("payment.failed")
		report := models.NewEvent{Type: et.Type, Data: et.Example, IdempotencyKey: "k1"}

		var mu sync.Mutex
		ids := map[string]int{}
		replayed := 0
		var twins sync.WaitGroup
		for range 20 {
			twins.Go(func() {
				a, err := f.tenant.Publish(t.Context(), report)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				ids[a.ID]++
				if a.Replayed {
					replayed++
				}
				if a.Deliveries != 1 {
					t.Errorf("answered %d deliveries", a.Deliveries)
				}
			})
		}
		twins.Wait()
		if len(ids) != 1 || replayed != 19 || len(deliveries(t, f.tenant)) != 1 {
			t.Errorf("20 twins: %d events, %d replays, %d deliveries", len(ids), replayed, len(deliveries(t, f.tenant)))
		}
		other := report
		other.Data = []byte(`{"paymentId":"p2","amount":1,"currency":"usd","status":"failed","errorMessage":"x"}`)
		if _, err := f.tenant.Publish(t.Context(), other); !models.IsKind(err, models.Conflict) {
			t.Errorf("another body: %v, want a conflict", err)
		}
		if a, err := f.organization(t, "Other").Publish(t.Context(), report); err != nil || a.Replayed {
			t.Errorf("another organization's key: %+v, %v", a, err)
		}
		f.clock.Advance(25 * time.Hour)
		if a, err := f.tenant.Publish(t.Context(), report); err != nil || a.Replayed {
			t.Errorf("a day later: %+v, %v", a, err)
		}
	})
}
