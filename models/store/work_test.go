package store_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hookwell/models"
	"hookwell/models/pipeline"
	"hookwell/models/store"
	"hookwell/webhook"
)

// one publishes an event and returns the id of its only delivery to an endpoint.
func (f *fixture) one(t *testing.T, e *models.Endpoint) string {
	t.Helper()
	a := publish(t, f.tenant, "payment.failed")
	list, _, err := f.tenant.Deliveries(t.Context(), models.DeliveryFilter{EndpointID: e.ID, EventID: a.ID}, models.Page{})
	if err != nil || len(list) != 1 {
		t.Fatal(len(list), err)
	}
	return list[0].ID
}

func (f *fixture) delivery(t *testing.T, id string) *models.Delivery {
	t.Helper()
	d, err := f.tenant.Delivery(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (f *fixture) work(t *testing.T, id string) []models.Work {
	t.Helper()
	var rows []models.Work
	if err := f.DB().Where("delivery_id = ?", id).Find(&rows).Error; err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestReclaimWhileRecording(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := endpoint(t, f.tenant, func(in *models.EndpointInput) { in.TimeoutSeconds = 1 })
		other := f.again(t)
		ends := map[models.State]int{}
		for range 50 {
			id := f.one(t, e)
			job := f.claim(t, e, 1, id)[0]
			f.clock.Advance(62 * time.Second)
			var both sync.WaitGroup
			both.Go(func() {
				x := webhook.Exchange{StartedAt: f.Now(), Duration: time.Millisecond, StatusCode: 200}
				if err := f.Engine().Record(t.Context(), []*pipeline.Result{{Job: job, Exchange: x}}); err != nil {
					t.Error(err)
				}
			})
			both.Go(func() {
				if _, err := other.Engine().Reclaim(t.Context()); err != nil {
					t.Error(err)
				}
			})
			both.Wait()
			d, work := f.delivery(t, id), f.work(t, id)
			ends[d.State]++
			attempts, err := f.tenant.Attempts(t.Context(), id)
			if err != nil || len(attempts) != 1 || attempts[0].Number != 1 || attempts[0].StatusCode != 200 || d.AttemptCount != 1 {
				t.Fatalf("attempts %+v of %+v, %v", attempts, d, err)
			}
			switch {
			case d.State == models.Delivered && len(work) == 0 && d.EndedAt != nil:
			case d.State == models.Retrying && len(work) == 1 && work[0].LeaseUntil == nil && d.EndedAt == nil:
			default:
				t.Fatalf("%+v with work %+v", d, work)
			}
		}
		t.Log(ends)
	})
}

func TestClaimFromTwoStores(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		var lanes []pipeline.Lane
		for range 4 {
			e := endpoint(t, f.tenant, func(in *models.EndpointInput) { in.MaxInFlight = 100 })
			lanes = append(lanes, pipeline.Lane{EndpointID: e.ID, Slots: 100})
		}
		for range 20 {
			publish(t, f.tenant, "payment.failed")
		}
		list, _, err := f.tenant.Deliveries(t.Context(), models.DeliveryFilter{}, models.Page{Limit: models.MaxLimit})
		if err != nil || len(list) != 80 {
			t.Fatal(len(list), err)
		}
		for i := range lanes {
			for _, d := range list {
				if d.EndpointID == lanes[i].EndpointID {
					lanes[i].DeliveryIDs = append(lanes[i].DeliveryIDs, d.ID)
				}
			}
		}
		reversed := slices.Clone(lanes)
		slices.Reverse(reversed)
		var mu sync.Mutex
		claimed := map[string]int{}
		var workers sync.WaitGroup
		for i, s := range []*store.Store{f.Store, f.again(t), f.Store, f.again(t)} {
			ask := lanes
			if i%2 == 1 {
				ask = reversed
			}
			workers.Go(func() {
				jobs, _, err := s.Engine().Claim(t.Context(), ask)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				for _, job := range jobs {
					claimed[job.DeliveryID]++
					if job.Message.Number != 1 || job.Message.DeliveryID != job.DeliveryID {
						t.Errorf("claimed %+v", job.Message)
					}
				}
			})
		}
		workers.Wait()
		for _, d := range list {
			if claimed[d.ID] != 1 {
				t.Errorf("%s was claimed %d times", d.ID, claimed[d.ID])
			}
		}
	})
}

// Everything that touches unfinished work, at once, from two stores: none of it
// may fail, and no attempt may be lost or doubled.
func TestEverythingAtOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		const rounds = 12
		stores := []*store.Store{f.Store, f.again(t)}
		schedule, err := webhook.NewSchedule([]int{0, 1, 1, 1, 1, 1, 1, 1, 1, 1})
		if err != nil {
			t.Fatal(err)
		}
		var lanes []pipeline.Lane
		for range 5 {
			e := endpoint(t, f.tenant, func(in *models.EndpointInput) { in.Schedule, in.MaxInFlight, in.TimeoutSeconds = schedule, 100, 1 })
			lanes = append(lanes, pipeline.Lane{EndpointID: e.ID, Slots: 50})
		}
		for range 20 {
			publish(t, f.tenant, "payment.failed")
		}
		list, _, err := f.tenant.Deliveries(t.Context(), models.DeliveryFilter{}, models.Page{Limit: models.MaxLimit})
		if err != nil {
			t.Fatal(err)
		}
		for i := range lanes {
			for _, d := range list {
				if d.EndpointID == lanes[i].EndpointID {
					lanes[i].DeliveryIDs = append(lanes[i].DeliveryIDs, d.ID)
				}
			}
		}
		var all sync.WaitGroup
		repeat := func(what string, do func(round int) error) {
			all.Go(func() {
				for round := range rounds {
					if err := do(round); err != nil && !models.IsKind(err, models.Conflict) {
						t.Errorf("%s: %v", what, err)
					}
				}
			})
		}
		for _, s := range stores {
			repeat("claim and record", func(round int) error {
				f.clock.Advance(2 * time.Second)
				jobs, _, err := s.Engine().Claim(t.Context(), lanes)
				if err != nil {
					return err
				}
				results := make([]*pipeline.Result, len(jobs))
				for i, job := range jobs {
					results[i] = &pipeline.Result{Job: job, Exchange: webhook.Exchange{StartedAt: f.Now(), StatusCode: 500, Cause: webhook.CauseStatus}}
					if (i+round)%7 == 0 {
						results[i].Exchange.StatusCode, results[i].Exchange.Cause = 200, ""
					}
				}
				slices.Reverse(results)
				return s.Engine().Record(t.Context(), results)
			})
			repeat("due", func(int) error { _, err := s.Engine().Due(t.Context()); return err })
			repeat("reclaim", func(int) error { _, err := s.Engine().Reclaim(t.Context()); return err })
			repeat("end waiting", func(int) error { _, err := s.Engine().EndWaiting(t.Context()); return err })
		}
		repeat("late records", func(int) error {
			jobs, _, err := f.Engine().Claim(t.Context(), lanes[:2])
			if err != nil {
				return err
			}
			f.clock.Advance(65 * time.Second)
			results := make([]*pipeline.Result, len(jobs))
			for i, job := range jobs {
				results[i] = &pipeline.Result{Job: job, Exchange: webhook.Exchange{StartedAt: f.Now(), StatusCode: 503, Cause: webhook.CauseStatus}}
			}
			return f.Engine().Record(t.Context(), results)
		})
		repeat("resend", func(round int) error {
			for i := range 5 {
				if _, err := f.tenant.Resend(t.Context(), list[(round*5+i)%len(list)].ID); err != nil && !models.IsKind(err, models.Conflict) {
					return err
				}
			}
			return nil
		})
		repeat("disable and enable", func(round int) error {
			if _, err := f.tenant.DisableEndpoint(t.Context(), lanes[round%5].EndpointID); err != nil {
				return err
			}
			_, err := f.tenant.EnableEndpoint(t.Context(), lanes[round%5].EndpointID)
			return err
		})
		repeat("publish", func(int) error {
			_, err := f.tenant.Publish(t.Context(), models.NewEvent{Type: "payment.failed", Data: payment("p")})
			return err
		})
		all.Wait()
		f.consistent(t)
	})
}

// consistent compares deliveries with their attempts and their work.
func (f *fixture) consistent(t *testing.T) {
	t.Helper()
	var wrong []string
	err := f.DB().Raw(`SELECT d.id || ' ' || d.state || ' counts ' || d.attempt_count || ' has ' || (SELECT count(*) FROM attempts a WHERE a.delivery_id = d.id)
			|| ' works ' || (SELECT count(*) FROM delivery_work w WHERE w.delivery_id = d.id)
		FROM deliveries d
		WHERE d.attempt_count <> (SELECT count(*) FROM attempts a WHERE a.delivery_id = d.id)
				AND NOT EXISTS (SELECT 1 FROM delivery_work w WHERE w.delivery_id = d.id AND w.lease_until IS NOT NULL)
			OR d.ended_at IS NULL AND NOT EXISTS (SELECT 1 FROM delivery_work w WHERE w.delivery_id = d.id)
			OR (d.ended_at IS NULL) <> (d.state IN ('pending', 'retrying'))
			OR (d.delivered_at IS NULL) <> (d.state <> 'delivered')`).Scan(&wrong).Error
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range wrong {
		t.Error(line)
	}
	var unlisted []string
	err = f.DB().Raw(`SELECT coalesce(d.id, u.delivery_id) || ' is ' || coalesce(d.state, 'gone') || ' and listed as ' || coalesce(u.state, 'nothing')
		FROM (SELECT * FROM deliveries WHERE state IN ('failed', 'cancelled')) d FULL JOIN undelivered u ON u.delivery_id = d.id
		WHERE u.state IS NULL OR d.state IS NULL OR u.state <> d.state`).Scan(&unlisted).Error
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range unlisted {
		t.Error(line)
	}
}

func TestDisabledParks(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := endpoint(t, f.tenant, nil)
		parked, resent := f.one(t, e), f.one(t, e)
		if _, err := f.tenant.DisableEndpoint(t.Context(), e.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := f.tenant.Resend(t.Context(), resent); err != nil {
			t.Fatal(err)
		}
		f.clock.Advance(time.Minute)
		lanes, err := f.Engine().Due(t.Context())
		if err != nil || len(lanes) != 1 || !slices.Equal(lanes[0].DeliveryIDs, []string{resent}) {
			t.Errorf("due: %+v, %v; want the resend alone", lanes, err)
		}
		jobs := f.claim(t, e, 10, parked, resent)
		if len(jobs) != 1 || jobs[0].DeliveryID != resent {
			t.Fatalf("claimed %d, want the resend alone", len(jobs))
		}
		f.record(t, jobs[0], 500, webhook.CauseStatus)
		if again := f.claim(t, e, 10, parked, resent); len(again) != 0 {
			t.Error("its schedule went on while disabled")
		}
		if _, err := f.tenant.EnableEndpoint(t.Context(), e.ID); err != nil {
			t.Fatal(err)
		}
		if jobs := f.claim(t, e, 10, parked, resent); len(jobs) != 2 {
			t.Errorf("enabled: claimed %d", len(jobs))
		}
	})
}

func TestGoneDisables(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := endpoint(t, f.tenant, nil)
		id := f.one(t, e)
		audits := len(dumpTable(t, f.Store, "audit_entries"))
		job := f.claim(t, e, 1, id)[0]
		for range 2 {
			f.record(t, job, 410, webhook.CauseStatus)
		}
		now, err := f.tenant.Endpoint(t.Context(), e.ID)
		if err != nil || now.Enabled() || now.DisabledReason != models.DisabledGone {
			t.Errorf("%+v, %v", now, err)
		}
		if n := len(dumpTable(t, f.Store, "audit_entries")) - audits; n != 1 {
			t.Errorf("%d audit rows, want one", n)
		}
		if d := f.delivery(t, id); d.State != models.Retrying {
			t.Errorf("what waits is parked, not %s", d.State)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := endpoint(t, f.tenant, nil)
		for _, c := range []struct{ asked, least, most time.Duration }{{0, 4 * time.Second, 6 * time.Second}, {time.Second, 4 * time.Second, 6 * time.Second}, {time.Hour, time.Hour, time.Hour}} {
			id := f.one(t, e)
			x := webhook.Exchange{StartedAt: f.Now(), StatusCode: 429, Cause: webhook.CauseStatus, RetryAfter: c.asked}
			if err := f.Engine().Record(t.Context(), []*pipeline.Result{{Job: f.claim(t, e, 1, id)[0], Exchange: x}}); err != nil {
				t.Fatal(err)
			}
			wait := f.delivery(t, id).NextAttemptAt.Sub(f.Now())
			if wait < c.least-10*time.Second && c.asked > 0 || wait > c.most || wait < 0 {
				t.Errorf("asked for %v, waits %v", c.asked, wait)
			}
		}
	})
}

func TestEndedWhileInFlight(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		t.Run("cancelled, and delivered all the same", func(t *testing.T) {
			e := endpoint(t, f.tenant, nil)
			id := f.one(t, e)
			job := f.claim(t, e, 1, id)[0]
			if err := f.DB().Exec("UPDATE deliveries SET state = 'cancelled', ended_at = ? WHERE id = ?", f.Now(), id).Error; err != nil {
				t.Fatal(err)
			}
			f.record(t, job, 204, "")
			if d := f.delivery(t, id); d.State != models.Delivered || d.DeliveredAt == nil || len(f.work(t, id)) != 0 {
				t.Errorf("%+v", d)
			}
		})
		for status, want := range map[int]models.State{204: models.Delivered, 500: models.Cancelled, 410: models.Cancelled} {
			t.Run(fmt.Sprintf("its endpoint deleted, answered %d", status), func(t *testing.T) {
				e := endpoint(t, f.tenant, nil)
				id, waiting := f.one(t, e), f.one(t, e)
				job := f.claim(t, e, 1, id)[0]
				if err := f.tenant.DeleteEndpoint(t.Context(), e.ID); err != nil {
					t.Fatal(err)
				}
				if d := f.delivery(t, id); d.State != models.Cancelled {
					t.Errorf("in flight it became %s", d.State)
				}
				if d := f.delivery(t, waiting); d.State != models.Cancelled {
					t.Errorf("what waited became %s", d.State)
				}
				cause := webhook.CauseStatus
				if status == 204 {
					cause = ""
				}
				f.record(t, job, status, cause)
				if _, err := f.Engine().EndWaiting(t.Context()); err != nil {
					t.Fatal(err)
				}
				if d := f.delivery(t, id); d.State != want || len(f.work(t, id)) != 0 || d.AttemptCount != 1 {
					t.Errorf("%+v", d)
				}
			})
		}
		t.Run("its endpoint deleted, its lease lost", func(t *testing.T) {
			e := endpoint(t, f.tenant, nil)
			id := f.one(t, e)
			f.claim(t, e, 1, id)
			if err := f.tenant.DeleteEndpoint(t.Context(), e.ID); err != nil {
				t.Fatal(err)
			}
			f.clock.Advance(2 * time.Minute)
			if n, err := f.Engine().Reclaim(t.Context()); n != 1 || err != nil {
				t.Errorf("Reclaim() = %d, %v; want 1", n, err)
			}
			if d := f.delivery(t, id); d.State != models.Cancelled {
				t.Errorf("%+v", d)
			}
		})
	})
}

func TestTestEvents(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := endpoint(t, f.tenant, func(in *models.EndpointInput) { in.Disabled = true })
		for _, c := range []struct {
			status int
			cause  webhook.Cause
			want   models.State
		}{{200, "", models.Delivered}, {500, webhook.CauseStatus, models.Failed}, {410, webhook.CauseStatus, models.Failed}} {
			job, err := f.tenant.BeginTest(t.Context(), e.ID, "payment.failed", payment("p"))
			if err != nil {
				t.Fatal(err)
			}
			f.record(t, job, c.status, c.cause)
			d := f.delivery(t, job.DeliveryID)
			if d.State != c.want || !d.Test || len(f.work(t, d.ID)) != 0 {
				t.Errorf("%+v", d)
			}
			if _, err := f.tenant.Resend(t.Context(), d.ID); !models.IsKind(err, models.Conflict) {
				t.Errorf("resent: %v", err)
			}
		}
		lost, err := f.tenant.BeginTest(t.Context(), e.ID, "payment.failed", payment("p"))
		if err != nil {
			t.Fatal(err)
		}
		f.clock.Advance(2 * time.Minute)
		if n, err := f.Engine().Reclaim(t.Context()); n != 1 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		if d := f.delivery(t, lost.DeliveryID); d.State != models.Failed || len(f.work(t, d.ID)) != 0 {
			t.Errorf("lost: %+v", d)
		}
		health, err := f.tenant.Backlogs(t.Context())
		if h := health[e.ID]; err != nil || h.LastSuccessAt != nil || h.LastFailureAt != nil {
			t.Errorf("health %+v, %v", h, err)
		}
		now, err := f.tenant.Endpoint(t.Context(), e.ID)
		if err != nil || now.DisabledReason != models.DisabledByPerson {
			t.Errorf("%+v, %v", now, err)
		}
	})
}

func TestUnopenableSecretHoldsUpNobody(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		good, bad, bare := endpoint(t, f.tenant, nil), endpoint(t, f.tenant, nil), endpoint(t, f.tenant, nil)
		ids := map[string][]string{}
		publish(t, f.tenant, "payment.failed")
		for _, d := range deliveries(t, f.tenant) {
			ids[d.EndpointID] = append(ids[d.EndpointID], d.ID)
		}
		for statement, id := range map[string]string{"UPDATE endpoint_secrets SET sealed = ? WHERE endpoint_id = ?": bad.ID, "UPDATE endpoints SET headers = ? WHERE id = ?": bare.ID} {
			if err := f.DB().Exec(statement, []byte{1, '1', 0, 0}, id).Error; err != nil {
				t.Fatal(err)
			}
		}
		var lanes []pipeline.Lane
		for _, e := range []*models.Endpoint{bad, good, bare} {
			lanes = append(lanes, pipeline.Lane{EndpointID: e.ID, DeliveryIDs: ids[e.ID], Slots: 5})
		}
		lanes = append(lanes, pipeline.Lane{EndpointID: "ep_unknown", DeliveryIDs: []string{"dlv_unknown"}, Slots: 1})
		jobs, _, err := f.Engine().Claim(t.Context(), lanes)
		if err != nil || len(jobs) != 1 || jobs[0].EndpointID != good.ID {
			t.Errorf("claimed %d, %v", len(jobs), err)
		}
		if w := f.work(t, ids[bad.ID][0]); len(w) != 1 || w[0].Attempt != 0 || w[0].LeaseUntil != nil {
			t.Errorf("what can't be sent is not charged: %+v", w)
		}
		_, err = f.tenant.BeginTest(t.Context(), bad.ID, "payment.failed", payment("p"))
		refusal(t, err, models.Conflict)
	})
}

func TestStrangeAnswersAreKept(t *testing.T) {
	const strange = "a\"b\\c\x00d\xffe\u2028'; DROP TABLE events; --"
	eachStore(t, func(t *testing.T, f *fixture) {
		e := endpoint(t, f.tenant, nil)
		id := f.one(t, e)
		x := webhook.Exchange{StartedAt: f.Now(), StatusCode: 500, Cause: webhook.CauseStatus, Error: strange, Note: strange,
			RequestHeaders: []webhook.Header{{Name: "x-a", Value: `a"b\c`}}, ResponseHeaders: []webhook.Header{{Name: "x-b", Value: strange}},
			ResponseBody: []byte(strange)}
		if err := f.Engine().Record(t.Context(), []*pipeline.Result{{Job: f.claim(t, e, 1, id)[0], Exchange: x}}); err != nil {
			t.Fatal(err)
		}
		attempts, err := f.tenant.Attempts(t.Context(), id)
		if err != nil || len(attempts) != 1 {
			t.Fatal(attempts, err)
		}
		a, kept := attempts[0], "a\"b\\c\uFFFDd\uFFFDe\u2028'; DROP TABLE events; --"
		if string(a.ResponseBody) != strange || a.Error != kept || a.Note != kept {
			t.Errorf("body %q, error %q, note %q", a.ResponseBody, a.Error, a.Note)
		}
		want := models.Headers{{Name: "x-b", Value: "a\"b\\c\x00d\uFFFDe\u2028'; DROP TABLE events; --"}}
		if !cmp.Equal(a.ResponseHeaders, want) || a.RequestHeaders[0].Value != `a"b\c` {
			t.Errorf("headers %q, %q", a.RequestHeaders, a.ResponseHeaders)
		}
	})
}

// A claim that the database lost in a crash leaves the work as it was before.
func TestRecordOfALostClaim(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := endpoint(t, f.tenant, nil)
		lose := func(id string) {
			t.Helper()
			err := f.DB().Exec("UPDATE delivery_work SET attempt = attempt - 1, lease_until = NULL, claimed_at = NULL, lease_token = '' WHERE delivery_id = ?", id).Error
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []struct {
			name   string
			status int
			cause  webhook.Cause
			state  models.State
		}{{"delivered", 200, "", models.Delivered}, {"failed", 500, webhook.CauseStatus, models.Retrying}} {
			publish(t, f.tenant, "payment.failed")
			list, _, err := f.tenant.Deliveries(t.Context(), models.DeliveryFilter{}, models.Page{})
			if err != nil {
				t.Fatal(err)
			}
			id := list[0].ID
			job := f.claim(t, e, 1, id)[0]
			lose(id)
			f.record(t, job, c.status, c.cause)
			d, err := f.tenant.Delivery(t.Context(), id)
			if err != nil || d.State != c.state || d.AttemptCount != 1 {
				t.Errorf("%s: %+v, %v", c.name, d, err)
			}
			if c.state == models.Delivered {
				continue
			}
			f.clock.Advance(time.Minute)
			if next := f.claim(t, e, 1, id); len(next) != 1 || next[0].Message.Number != 2 {
				t.Errorf("the next attempt is %+v", next)
			}
		}
	})
}

// What a person asks for after a claim was lost is an attempt of its own: the
// result of the lost one is kept, and neither uses it up nor brings a cancelled
// delivery back.
func TestRecordOfALostClaimLeavesAPersonsAttempt(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := endpoint(t, f.tenant, nil)
		for _, c := range []struct {
			name   string
			cancel bool
			want   models.State
		}{{"resent", false, models.Pending}, {"cancelled and resent", true, models.Cancelled}} {
			id := f.deliveryTo(t, publish(t, f.tenant, "payment.failed").ID, e).ID
			job := f.claim(t, e, 1, id)[0]
			must(t, f.DB().Exec("UPDATE delivery_work SET attempt = attempt - 1, lease_until = NULL, claimed_at = NULL, lease_token = '' WHERE delivery_id = ?", id).Error)
			f.clock.Advance(time.Second)
			if c.cancel {
				_, err := f.tenant.Cancel(t.Context(), id)
				must(t, err)
			}
			_, err := f.tenant.Resend(t.Context(), id)
			must(t, err)
			f.record(t, job, 500, webhook.CauseStatus)
			if d := f.delivery(t, id); d.State != c.want || d.NextAttemptAt == nil {
				t.Errorf("%s: %+v", c.name, d)
			}
			if again := f.claim(t, e, 1, id); len(again) != 1 {
				t.Errorf("%s: %d attempts to make", c.name, len(again))
			}
		}
	})
}

// An attempt whose first claim was lost may be made twice. On record is what its
// delivery's state follows from, whichever of the two comes last.
func TestRecordOfAnAttemptThatWasMadeTwice(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := endpoint(t, f.tenant, nil)
		for _, lateLast := range []bool{true, false} {
			id := f.deliveryTo(t, publish(t, f.tenant, "payment.failed").ID, e).ID
			first := f.claim(t, e, 1, id)[0]
			must(t, f.DB().Exec("UPDATE delivery_work SET attempt = attempt - 1, lease_until = NULL, claimed_at = NULL, lease_token = '' WHERE delivery_id = ?", id).Error)
			second := f.claim(t, e, 1, id)[0]
			if !lateLast {
				f.record(t, first, 500, webhook.CauseStatus)
			}
			f.record(t, second, 200, "")
			if lateLast {
				f.record(t, first, 500, webhook.CauseStatus)
			}
			attempts, err := f.tenant.Attempts(t.Context(), id)
			must(t, err)
			if d := f.delivery(t, id); d.State != models.Delivered || len(attempts) != 1 || attempts[0].StatusCode != 200 {
				t.Errorf("late last %v: %s after %d attempts, the last with %d", lateLast, d.State, len(attempts), attempts[0].StatusCode)
			}
		}
	})
}

// Two lanes in one claim, one of an endpoint whose secret no key opens: that
// one is left to the due scan, and not asked for again and again.
func TestClaimDoesNotTakeWhatCannotBeSentForFull(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		good, bad := endpoint(t, f.tenant, nil), endpoint(t, f.tenant, nil)
		must(t, f.DB().Exec("UPDATE endpoint_secrets SET sealed = ? WHERE endpoint_id = ?", []byte("spoiled"), bad.ID).Error)
		event := publish(t, f.tenant, "payment.failed").ID
		lanes := []pipeline.Lane{
			{EndpointID: good.ID, DeliveryIDs: []string{f.deliveryTo(t, event, good).ID}, Slots: 1},
			{EndpointID: bad.ID, DeliveryIDs: []string{f.deliveryTo(t, event, bad).ID}, Slots: 1},
		}
		jobs, outlooks, err := f.Engine().Claim(t.Context(), lanes)
		must(t, err)
		if len(jobs) != 1 || jobs[0].EndpointID != good.ID || outlooks[1].Full {
			t.Errorf("%d claimed, and the one that can't be sent to is full: %v", len(jobs), outlooks[1].Full)
		}
	})
}

// A lane whose endpoint's slots other processes have is told to look again, so
// that it need not leave what waits to the due scan.
func TestClaimSaysThatOthersHaveTheSlots(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := endpoint(t, f.tenant, func(in *models.EndpointInput) { in.MaxInFlight = 2 })
		var ids []string
		for range 4 {
			publish(t, f.tenant, "payment.failed")
		}
		for _, d := range deliveries(t, f.tenant) {
			ids = append(ids, d.ID)
		}
		ask := func(s *store.Store, ids ...string) (int, bool) {
			t.Helper()
			lanes := []pipeline.Lane{{EndpointID: e.ID, DeliveryIDs: ids, Slots: len(ids)}}
			jobs, outlooks, err := s.Engine().Claim(t.Context(), lanes)
			if err != nil {
				t.Fatal(err)
			}
			return len(jobs), outlooks[0].Full
		}
		if n, full := ask(f.Store, ids[0]); n != 1 || full {
			t.Errorf("with both slots free: %d claimed, full %v", n, full)
		}
		other := f.again(t)
		if n, full := ask(other, ids[0]); n != 0 || full {
			t.Errorf("what another has claimed: %d claimed, full %v", n, full)
		}
		if n, full := ask(other, ids[1], ids[2]); n != 1 || !full {
			t.Errorf("with one slot free: %d claimed, full %v", n, full)
		}
		if n, full := ask(other, ids[3]); n != 0 || !full {
			t.Errorf("with none free: %d claimed, full %v", n, full)
		}
	})
}
