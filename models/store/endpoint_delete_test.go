package store_test

import (
	"testing"
	"time"

	"hookwell/models"
	"hookwell/models/pipeline"
	"hookwell/webhook"
)

// What is in flight to an endpoint that is deleted has no next attempt, whatever
// comes of it.
func TestDeleteEndpoint_while_attempts_are_in_flight(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		outcomes := map[string]struct {
			status int
			cause  webhook.Cause
			want   models.State
		}{
			"fails":    {503, webhook.CauseStatus, models.Cancelled},
			"delivers": {204, "", models.Delivered},
		}
		for name, outcome := range outcomes {
			t.Run(name, func(t *testing.T) {
				e := endpoint(t, f.tenant, nil)
				fresh, again := f.one(t, e), f.one(t, e)
				f.record(t, f.claim(t, e, 1, again)[0], 500, webhook.CauseStatus)
				f.clock.Advance(time.Hour)
				jobs := f.claim(t, e, 2, fresh, again)
				if err := f.tenant.DeleteEndpoint(t.Context(), e.ID); err != nil {
					t.Fatal(err)
				}
				var results []*pipeline.Result
				for _, job := range jobs {
					x := webhook.Exchange{StartedAt: f.Now(), Duration: time.Millisecond, StatusCode: outcome.status, Cause: outcome.cause}
					results = append(results, &pipeline.Result{Job: job, Exchange: x})
				}
				if err := f.Engine().Record(t.Context(), results); err != nil {
					t.Fatal(err)
				}
				for _, id := range []string{fresh, again} {
					d := f.delivery(t, id)
					if d.State != outcome.want || d.EndedAt == nil || d.NextAttemptAt != nil || d.InFlight || d.LastStatusCode != outcome.status {
						t.Errorf("recorded as %+v, want %s", d, outcome.want)
					}
					if work := f.work(t, id); len(work) != 0 {
						t.Errorf("work is left: %+v", work)
					}
				}
			})
		}
		t.Run("the_process_dies", func(t *testing.T) {
			e := endpoint(t, f.tenant, nil)
			id := f.one(t, e)
			f.claim(t, e, 1, id)
			if err := f.tenant.DeleteEndpoint(t.Context(), e.ID); err != nil {
				t.Fatal(err)
			}
			f.clock.Advance(time.Hour)
			if n, err := f.Engine().Reclaim(t.Context()); err != nil || n != 1 {
				t.Fatalf("Reclaim() returned %d, %v", n, err)
			}
			if d := f.delivery(t, id); d.State != models.Cancelled || d.NextAttemptAt != nil || len(f.work(t, id)) != 0 {
				t.Errorf("recorded as %+v", d)
			}
		})
		t.Run("a_resend_of_what_had_failed", func(t *testing.T) {
			e := endpoint(t, f.tenant, func(in *models.EndpointInput) { in.Schedule, _ = webhook.NewSchedule([]int{0}) })
			id := f.one(t, e)
			f.record(t, f.claim(t, e, 1, id)[0], 500, webhook.CauseStatus)
			if _, err := f.tenant.Resend(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			job := f.claim(t, e, 1, id)[0]
			if err := f.tenant.DeleteEndpoint(t.Context(), e.ID); err != nil {
				t.Fatal(err)
			}
			f.record(t, job, 500, webhook.CauseStatus)
			if d := f.delivery(t, id); d.State != models.Failed || d.AttemptCount != 2 || len(f.work(t, id)) != 0 {
				t.Errorf("recorded as %+v", d)
			}
		})
	})
}

// A time that never comes is not shown.
func TestDelivery_has_no_next_attempt_while_none_is_due(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := endpoint(t, f.tenant, nil)
		id := f.one(t, e)
		job := f.claim(t, e, 1, id)[0]
		if _, err := f.tenant.DisableEndpoint(t.Context(), e.ID); err != nil {
			t.Fatal(err)
		}
		f.record(t, job, 503, webhook.CauseStatus)
		if d := f.delivery(t, id); d.State != models.Retrying || d.NextAttemptAt != nil {
			t.Errorf("of a disabled endpoint: %+v", d)
		}
		if _, err := f.tenant.Resend(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if d := f.delivery(t, id); d.NextAttemptAt == nil {
			t.Error("a resend goes to a disabled endpoint too, and has no time")
		}
		other := f.one(t, endpoint(t, f.tenant, nil))
		if d := f.delivery(t, other); d.NextAttemptAt == nil {
			t.Error("of an enabled endpoint: no time")
		}
		// The rest of a long queue, which the next round cancels.
		if err := f.DB().Exec("UPDATE endpoints SET deleted_at = ? WHERE id = ?", f.Now(), f.delivery(t, other).EndpointID).Error; err != nil {
			t.Fatal(err)
		}
		if d := f.delivery(t, other); d.NextAttemptAt != nil {
			t.Errorf("of a deleted endpoint: %v", d.NextAttemptAt)
		}
	})
}
