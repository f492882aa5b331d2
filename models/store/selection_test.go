package store_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"hookwell/models"
	"hookwell/models/store"
	"hookwell/webhook"
)

// failed makes a delivery that has no attempt left.
func (f *fixture) failed(t *testing.T, e *models.Endpoint, status int, cause webhook.Cause) string {
	t.Helper()
	id := f.one(t, e)
	f.record(t, f.claim(t, e, 1, id)[0], status, cause)
	if d := f.delivery(t, id); d.State != models.Failed {
		t.Fatalf("%+v is not failed", d)
	}
	return id
}

// once is an endpoint that tries once.
func (f *fixture) once(t *testing.T) *models.Endpoint {
	t.Helper()
	schedule, err := webhook.NewSchedule([]int{0})
	if err != nil {
		t.Fatal(err)
	}
	return endpoint(t, f.tenant, func(in *models.EndpointInput) { in.Schedule, in.MaxInFlight = schedule, 100 })
}

// hasCode reports whether an error is that refusal.
func hasCode(t *testing.T, err error, code string) {
	t.Helper()
	if told := refusal(t, err, models.Conflict); told.Code != code {
		t.Errorf("refused as %s, want %s", told.Code, code)
	}
}

func TestCancel(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := endpoint(t, f.tenant, nil)
		t.Run("what waits is never sent", func(t *testing.T) {
			for _, attempted := range []bool{false, true} {
				id := f.one(t, e)
				if attempted {
					f.record(t, f.claim(t, e, 1, id)[0], 500, webhook.CauseStatus)
				}
				d, err := f.tenant.Cancel(t.Context(), id)
				if err != nil || d.State != models.Cancelled || d.EndedAt == nil || d.NextAttemptAt != nil || len(f.work(t, id)) != 0 {
					t.Errorf("%+v, %v", d, err)
				}
				f.clock.Advance(time.Hour)
				if jobs := f.claim(t, e, 1, id); len(jobs) != 0 {
					t.Error("sent all the same")
				}
				before := dumpAll(t, f.Store)
				_, err = f.tenant.Cancel(t.Context(), id)
				hasCode(t, err, "ended")
				sameRows(t, before, dumpAll(t, f.Store))
			}
		})
		for status, want := range map[int]models.State{204: models.Delivered, 500: models.Cancelled} {
			t.Run(fmt.Sprintf("in flight, answered %d", status), func(t *testing.T) {
				id := f.one(t, e)
				job := f.claim(t, e, 1, id)[0]
				if d, err := f.tenant.Cancel(t.Context(), id); err != nil || d.State != models.Cancelled || !d.InFlight {
					t.Errorf("%+v, %v", d, err)
				}
				_, err := f.tenant.Cancel(t.Context(), id)
				hasCode(t, err, "ended")
				_, err = f.tenant.Resend(t.Context(), id)
				hasCode(t, err, "in_flight")
				cause := webhook.CauseStatus
				if status == 204 {
					cause = ""
				}
				f.record(t, job, status, cause)
				if d := f.delivery(t, id); d.State != want || d.AttemptCount != 1 || len(f.work(t, id)) != 0 {
					t.Errorf("%+v", d)
				}
			})
		}
		t.Run("in flight, its lease lost", func(t *testing.T) {
			id := f.one(t, e)
			f.claim(t, e, 1, id)
			if _, err := f.tenant.Cancel(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			f.clock.Advance(2 * time.Minute)
			if n, err := f.Engine().Reclaim(t.Context()); n != 1 || err != nil {
				t.Fatal(n, err)
			}
			if d := f.delivery(t, id); d.State != models.Cancelled || d.AttemptCount != 1 || len(f.work(t, id)) != 0 {
				t.Errorf("%+v", d)
			}
		})
		t.Run("takes back the resend of one that has ended", func(t *testing.T) {
			id := f.one(t, e)
			f.record(t, f.claim(t, e, 1, id)[0], 200, "")
			if _, err := f.tenant.Resend(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			d, err := f.tenant.Cancel(t.Context(), id)
			if err != nil || d.State != models.Delivered || len(f.work(t, id)) != 0 {
				t.Errorf("%+v, %v", d, err)
			}
			_, err = f.tenant.Cancel(t.Context(), id)
			hasCode(t, err, "ended")
		})
	})
}

func TestSelections(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := f.once(t)
		failed, waiting, flying := f.failed(t, e, 400, webhook.CauseStatus), f.one(t, e), f.one(t, e)
		f.claim(t, e, 1, flying)
		other := f.organization(t, "Other")
		theirs := f.failedOf(t, other)
		audits := len(dumpTable(t, f.Store, "audit_entries"))

		t.Run("with another organization's row is not found, and changes nothing", func(t *testing.T) {
			before, wakes := dumpAll(t, f.Store), len(f.woken.list)
			for _, ids := range [][]string{{failed, theirs}, {theirs}, {waiting, "dlv_none"}, {failed, "a\x00b"}} {
				_, err := f.tenant.ResendMany(t.Context(), ids)
				refusal(t, err, models.NotFound)
				_, err = f.tenant.CancelMany(t.Context(), ids)
				refusal(t, err, models.NotFound)
			}
			for _, ids := range [][]string{nil, tooMany()} {
				_, err := f.tenant.ResendMany(t.Context(), ids)
				refusal(t, err, models.Invalid)
			}
			sameRows(t, before, dumpAll(t, f.Store))
			if len(f.woken.list) != wakes {
				t.Error("something was woken")
			}
		})
		t.Run("are resent, and what is refused is named", func(t *testing.T) {
			tally, err := f.tenant.ResendMany(t.Context(), []string{flying, waiting, failed, failed})
			if err != nil || !slices.Equal(tally.Done, []string{failed, waiting}) || len(tally.Refused) != 1 ||
				tally.Refused[0].DeliveryID != flying || tally.Refused[0].Reason.Code != "in_flight" {
				t.Fatalf("%+v, %v", tally, err)
			}
			if n := len(dumpTable(t, f.Store, "audit_entries")) - audits; n != 2 {
				t.Errorf("%d audit rows, want one for each that was resent", n)
			}
			if jobs := f.claim(t, e, 10, failed, waiting); len(jobs) != 2 {
				t.Errorf("%d are due, want 2", len(jobs))
			}
		})
		t.Run("are cancelled", func(t *testing.T) {
			more := f.one(t, e)
			tally, err := f.tenant.CancelMany(t.Context(), []string{more, flying, failed})
			if err != nil || len(tally.Done) != 2 || len(tally.Refused) != 1 || tally.Refused[0].DeliveryID != failed {
				t.Fatalf("%+v, %v", tally, err)
			}
			for _, id := range []string{more, flying} {
				if d := f.delivery(t, id); d.State != models.Cancelled {
					t.Errorf("%+v", d)
				}
			}
		})
	})
}

func tooMany() []string {
	ids := make([]string, store.MaxSelection+1)
	for i := range ids {
		ids[i] = fmt.Sprintf("dlv_%026d", i)
	}
	return ids
}

// failedOf makes a failed delivery of another organization.
func (f *fixture) failedOf(t *testing.T, tenant *store.Tenant) string {
	t.Helper()
	g := *f
	g.tenant = tenant
	return g.failed(t, g.once(t), 500, webhook.CauseStatus)
}

func TestResendAtOnceIsOneAttempt(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := f.once(t)
		var ids []string
		for range 20 {
			ids = append(ids, f.failed(t, e, 400, webhook.CauseStatus))
		}
		var all sync.WaitGroup
		for _, s := range []*store.Store{f.Store, f.again(t), f.again(t)} {
			tenant, err := s.Operator().Tenant(t.Context(), f.tenant.Organization().ID)
			if err != nil {
				t.Fatal(err)
			}
			all.Go(func() {
				if _, err := tenant.ResendMany(t.Context(), ids); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if jobs := f.claim(t, e, 100, ids...); len(jobs) != len(ids) {
			t.Errorf("%d attempts, want %d", len(jobs), len(ids))
		}
	})
}
