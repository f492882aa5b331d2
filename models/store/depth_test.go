package store_test

import (
	"testing"
	"time"

	"hookwell/models"
	"hookwell/webhook"
)

func TestDepth(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		want := func(t *testing.T, want models.Depth, oldest time.Duration) {
			t.Helper()
			got, err := f.Engine().Depth(t.Context())
			must(t, err)
			if off := got.OldestDue - oldest; off < 0 || off > 10*time.Second {
				t.Errorf("the oldest is due for %s, want %s", got.OldestDue, oldest)
			}
			got.OldestDue = 0
			if got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
		}
		t.Run("of_nothing_is_zero", func(t *testing.T) { want(t, models.Depth{}, 0) })
		e := endpoint(t, f.tenant, func(in *models.EndpointInput) { in.EventTypes = []string{"payment.failed"} })
		off := endpoint(t, f.tenant, func(in *models.EndpointInput) { in.EventTypes = []string{"org.member.added"} })
		first := f.one(t, e)
		f.clock.Advance(time.Minute)
		f.one(t, e)
		t.Run("counts_what_is_due", func(t *testing.T) { want(t, models.Depth{Due: 2}, time.Minute) })
		t.Run("counts_what_is_in_flight", func(t *testing.T) {
			f.claim(t, e, 1, first)
			want(t, models.Depth{Due: 1, InFlight: 1}, 0)
		})
		t.Run("tells_what_is_held_back_apart", func(t *testing.T) {
			publish(t, f.tenant, "org.member.added")
			_, err := f.tenant.DisableEndpoint(t.Context(), off.ID)
			must(t, err)
			f.clock.Advance(time.Minute)
			want(t, models.Depth{Due: 1, InFlight: 1, Waiting: 1}, time.Minute)
		})
		t.Run("counts_open_circuits", func(t *testing.T) {
			for range 5 {
				id := f.one(t, e)
				f.record(t, f.claim(t, e, 1, id)[0], 500, webhook.CauseStatus)
			}
			got, err := f.Engine().Depth(t.Context())
			must(t, err)
			if got.OpenCircuits != 1 || got.Due != 0 || got.Waiting != 7 {
				t.Errorf("%+v", got)
			}
		})
	})
}

func TestMigrations(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		t.Run("of_a_migrated_database_are_all_that_are_known", func(t *testing.T) {
			applied, known, err := f.Engine().Migrations(t.Context())
			must(t, err)
			if applied != known || known == 0 {
				t.Errorf("%d of %d", applied, known)
			}
		})
		t.Run("of_an_older_database_are_fewer", func(t *testing.T) {
			must(t, f.Down(t.Context()))
			applied, known, err := f.Engine().Migrations(t.Context())
			must(t, err)
			if applied >= known {
				t.Errorf("%d of %d", applied, known)
			}
		})
	})
}
