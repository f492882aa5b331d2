package store_test

import (
	"testing"
	"time"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/models/store"
)

// summary reads a source's summary.
func summary(t *testing.T, r *store.Receiving, id string) *models.SourceSummary {
	t.Helper()
	s, err := r.SourceSummary(t.Context(), id)
	must(t, err)
	return s
}

// TestSource_health judges a source by what came since it accepted a request last.
func TestSource_health(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		r := f.tenant.Receiving()
		s := source(t, r, nil)
		number := 0
		accept := func() string {
			number++
			return f.handle(t, s, f.stripeRequest(s, f.paid("evt_"+string(rune('a'+number)), "cus_1", ""))).RequestID
		}
		refuse := func(n int) {
			for range n {
				if h := f.handle(t, s, f.signed(t, s, "invoice.paid", laterSecret)); h.Cause != inbound.CauseSignature {
					t.Fatalf("Handle() by another secret has cause %q; want signature", h.Cause)
				}
			}
		}
		want := func(when string, health models.SourceHealth, refused int) {
			t.Helper()
			got := summary(t, r, s.ID)
			n := 0
			if got.Refusals != nil {
				n = got.Refusals.Count
			}
			if got.Health() != health || n != refused {
				t.Errorf("%s: the source is %s with %d refused in a row; want %s with %d", when, got.Health(), n, health, refused)
			}
			list, err := r.RefusingSources(t.Context())
			if must(t, err); len(list) == 1 != (health == models.SourceRefusing) {
				t.Errorf("%s: RefusingSources() lists %d; want it only if it refuses", when, len(list))
			}
		}
		want("before the first request", models.SourceWaiting, 0)
		for range 8 {
			accept()
		}
		f.process(t)
		want("accepting", models.SourceHealthy, 0)
		refuse(models.RefusedBefore - 1)
		want("after a stray one or two", models.SourceDegraded, 0)
		f.clock.Advance(2 * time.Minute)
		began := f.Now()
		refuse(1)
		f.clock.Advance(3 * time.Minute)
		refuse(54)
		want("with all refused since", models.SourceRefusing, 57)
		got := summary(t, r, s.ID)
		if got.Refusals == nil {
			t.Fatal("SourceSummary() says nothing of what was refused in a row")
		}
		if at := got.Refusals.Since; !at.Before(began) || began.Sub(at) > 3*time.Minute || got.Refusals.Cause != inbound.CauseSignature || got.Refusals.AllDay {
			t.Errorf("it refuses as %+v; want it since shortly before %v, for signatures", *got.Refusals, began)
		}
		must(t, f.DB().Exec("DELETE FROM refused_requests").Error) // of a flood only a part is kept
		want("with none of them kept", models.SourceRefusing, 55)
		accept()
		want("accepting again", models.SourceDegraded, 0)
		f.process(t)

		f.clock.Advance(25 * time.Hour)
		want("a day later", models.SourceHealthy, 0)
		refuse(1)
		want("with the day's only one refused", models.SourceRefusing, 1)
		if got := summary(t, r, s.ID); !got.Refusals.AllDay {
			t.Errorf("it refuses as %+v; want that nothing was accepted all day", *got.Refusals)
		}
		accept()
		want("and one accepted", models.SourceDegraded, 0)

		t.Run("without_a_secret", func(t *testing.T) {
			secrets, err := r.SourceSecrets(t.Context(), s.ID)
			must(t, err)
			_, err = r.EndSourceSecret(t.Context(), s.ID, secrets[0].ID, 0)
			must(t, err)
			want("with its secret ended", models.SourceRefusing, 0)
			_, err = r.RestoreSourceSecret(t.Context(), s.ID, secrets[0].ID)
			must(t, err)
			want("with it restored", models.SourceDegraded, 0)
		})
		t.Run("what_a_pause_refused_doesnt_count", func(t *testing.T) {
			for range models.RefusedBefore {
				h := f.Engine().RefuseEarly(t.Context(), f.open(t, s), f.signed(t, s, "invoice.paid", secretOf), inbound.CauseSourceDisabled, "", 0)
				if h.State != inbound.Refused {
					t.Fatalf("RefuseEarly() returned %+v; want it refused", h)
				}
			}
			want("after a pause", models.SourceDegraded, 0)
		})
	})
}
