package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"hookwell/internal/storetest"
	"hookwell/models"
	"hookwell/webhook"
)

func (f *fixture) rollUp(t *testing.T) {
	t.Helper()
	if _, err := f.Engine().RollUp(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// counted is everything that was counted of the organization.
func (f *fixture) counted(t *testing.T) models.Counts {
	t.Helper()
	f.rollUp(t)
	steps, err := f.tenant.Traffic(t.Context(), f.Now().Add(-40*models.Day), f.Now().Add(models.Hour), models.HalfHour)
	if err != nil {
		t.Fatal(err)
	}
	var sum models.Counts
	for _, s := range steps {
		sum.Add(s.Counts)
	}
	return sum
}

// same compares all but how long answers took.
func sameCounts(t *testing.T, what string, got, want models.Counts) {
	t.Helper()
	only := cmp.FilterPath(func(p cmp.Path) bool {
		return len(p) > 0 && len(p.Last().String()) > 2 && p.Last().String()[1:3] == "Ms"
	}, cmp.Ignore())
	if diff := cmp.Diff(want, got, only, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestCounts(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		short, err := webhook.NewSchedule([]int{0, 10})
		if err != nil {
			t.Fatal(err)
		}
		e := endpoint(t, f.tenant, func(in *models.EndpointInput) { in.Schedule = short })
		first := f.one(t, e)
		job := f.claim(t, e, 1, first)[0]
		f.record(t, job, 200, "")
		f.record(t, job, 200, "") // again changes nothing
		sameCounts(t, "a delivery that arrived", f.counted(t), models.Counts{Attempts: 1, Delivered: 1})

		f.resend(t, e, first, 200, "")
		sameCounts(t, "its resend is an attempt, and no second delivery", f.counted(t), models.Counts{Attempts: 2, Delivered: 1})

		second := f.one(t, e)
		for range 2 {
			f.record(t, f.claim(t, e, 1, second)[0], 500, webhook.CauseStatus)
			f.clock.Advance(time.Minute)
		}
		sameCounts(t, "one that failed", f.counted(t), models.Counts{Attempts: 4, FailedAttempts: 2, Delivered: 1, Failed: 1})
		f.clock.Advance(models.Day)
		f.resend(t, e, second, 404, webhook.CauseStatus)
		sameCounts(t, "a resend in vain", f.counted(t), models.Counts{Attempts: 5, FailedAttempts: 3, Delivered: 1, Failed: 1})
		f.resend(t, e, second, 200, "")
		sameCounts(t, "one that arrived after all has not failed", f.counted(t), models.Counts{Attempts: 6, FailedAttempts: 3, Delivered: 2})

		test, err := f.tenant.BeginTest(t.Context(), e.ID, "payment.failed", payment("p"))
		if err != nil {
			t.Fatal(err)
		}
		f.record(t, test, 500, webhook.CauseStatus)
		sameCounts(t, "a test event counts in nothing", f.counted(t), models.Counts{Attempts: 6, FailedAttempts: 3, Delivered: 2})

		third := f.one(t, e)
		f.claim(t, e, 1, third)
		f.clock.Advance(2 * time.Minute)
		if n, err := f.Engine().Reclaim(t.Context()); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		sameCounts(t, "an interrupted attempt", f.counted(t), models.Counts{Attempts: 7, FailedAttempts: 4, Delivered: 2})
		f.clock.Advance(3 * models.Day)
		if n, err := f.Engine().EndWaiting(t.Context()); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		sameCounts(t, "one that waited too long", f.counted(t), models.Counts{Attempts: 7, FailedAttempts: 4, Delivered: 2, Failed: 1})
		f.consistent(t)

		byEndpoint, err := f.tenant.EndpointCounts(t.Context(), f.Now().Add(-10*models.Day))
		if err != nil {
			t.Fatal(err)
		}
		sameCounts(t, "the endpoint's days", byEndpoint[e.ID], f.counted(t))
		f.clock.Advance(-models.Day) // a clock set back has its hours too
		f.resend(t, e, first, 200, "")
		f.rollUp(t)
		strips, err := f.tenant.Strips(t.Context(), []string{e.ID})
		if err != nil || len(strips[e.ID]) != models.StripHours {
			t.Fatal(len(strips[e.ID]), err)
		}
		if last := strips[e.ID][models.StripHours-1].Counts; last.Attempts != 1 || last.FailedAttempts != 0 {
			t.Errorf("this hour has %+v", last)
		}
		f.prune(t)
		f.clock.Advance(40 * models.Day)
		f.prune(t)
		var left int64
		if f.DB().Table("rollups").Count(&left); left != 0 {
			t.Errorf("%d rollups are older than the retention", left)
		}
	})
}

func (f *fixture) resend(t *testing.T, e *models.Endpoint, id string, status int, cause webhook.Cause) {
	t.Helper()
	if _, err := f.tenant.Resend(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	f.record(t, f.claim(t, e, 1, id)[0], status, cause)
}

func TestRollUpAtOnce(t *testing.T) {
	f := newFixture(t, storetest.Postgres(t))
	e := endpoint(t, f.tenant, nil)
	const many = 20
	for range many {
		f.record(t, f.claim(t, e, 1, f.one(t, e))[0], 200, "")
	}
	done := make(chan error, 3)
	for range cap(done) {
		store := f.again(t)
		go func() {
			_, err := store.Engine().RollUp(t.Context())
			done <- err
		}()
	}
	for range cap(done) {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	sameCounts(t, "added once", f.counted(t), models.Counts{Attempts: many, Delivered: many})
}

func TestQuantile(t *testing.T) {
	even := models.Counts{Ms100: 50, Ms500: 40, Ms30000: 10}
	for share, want := range map[float64]time.Duration{
		0.25: 85 * time.Millisecond, 0.5: 100 * time.Millisecond, 0.7: 400 * time.Millisecond, 0.9: 500 * time.Millisecond, 0.95: 20 * time.Second, 1: 30 * time.Second,
	} {
		if got := even.Quantile(share); got.Round(time.Millisecond) != want {
			t.Errorf("%v of the answers take %s, want %s", share, got, want)
		}
	}
	var none models.Counts
	if got := none.Quantile(0.95); got != 0 {
		t.Errorf("no answer takes %s", got)
	}
}

func TestStateCounts(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		short, err := webhook.NewSchedule([]int{0})
		if err != nil {
			t.Fatal(err)
		}
		once := endpoint(t, f.tenant, func(in *models.EndpointInput) { in.Schedule = short })
		failed := f.one(t, once)
		f.record(t, f.claim(t, once, 1, failed)[0], 500, webhook.CauseStatus)
		slow := endpoint(t, f.tenant, func(in *models.EndpointInput) { in.EventTypes = []string{"org.*"} })
		for _, try := range []bool{true, false, false} {
			publish(t, f.tenant, "org.updated")
			if try {
				ids := named(deliveries(t, f.tenant), func(d models.Delivery) string { return d.ID })
				for _, job := range f.claim(t, slow, 1, ids...) {
					f.record(t, job, 500, webhook.CauseStatus)
				}
			}
		}
		if _, err := f.tenant.Resend(t.Context(), failed); err != nil { // which leaves it failed
			t.Fatal(err)
		}
		got, err := f.tenant.StateCounts(t.Context(), models.DeliveryFilter{EndpointID: slow.ID})
		want := map[models.State]models.CountSoFar{models.Failed: {}, models.Cancelled: {}, models.Pending: {N: 2}, models.Retrying: {N: 1}}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v, one endpoint (-want +got):\n%s", err, diff)
		}
		got, err = f.tenant.StateCounts(t.Context(), models.DeliveryFilter{EndpointID: once.ID, States: []models.State{models.Pending}})
		want = map[models.State]models.CountSoFar{models.Failed: {N: 1}, models.Cancelled: {}, models.Pending: {N: 3}, models.Retrying: {}}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v, the other (-want +got):\n%s", err, diff)
		}
		got, err = f.tenant.StateCounts(t.Context(), models.DeliveryFilter{Types: []string{"payment.*"}})
		want = map[models.State]models.CountSoFar{models.Failed: {N: 1}, models.Cancelled: {}, models.Pending: {}, models.Retrying: {}}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v, by type (-want +got):\n%s", err, diff)
		}
	})
}
