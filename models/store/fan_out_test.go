package store_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"hookwell/models"
	"hookwell/models/store"
)

// manyEndpoints makes an organization's endpoints as many as that. They are
// copies of one, which is what accepting an event reads of them.
func manyEndpoints(t *testing.T, f *fixture, tenant *store.Tenant, n int) (ids []string) {
	t.Helper()
	first := endpoint(t, tenant, nil)
	ids = []string{first.ID}
	copies, states := make([]models.Endpoint, n-1), make([]models.EndpointState, n-1)
	for i := range copies {
		copies[i] = *first
		copies[i].ID = f.clock.IDAt(models.PrefixEndpoint, f.clock.Now())
		states[i].EndpointID = copies[i].ID
		ids = append(ids, copies[i].ID)
	}
	must(t, f.DB().CreateInBatches(copies, 200).Error)
	must(t, f.DB().CreateInBatches(states, 200).Error)
	return ids
}

// wakeWatch is a waker that a test looks at, or acts in, between transactions:
// the committer that has just committed waits for it.
type wakeWatch struct {
	noWorkers
	mu      sync.Mutex
	groups  []int
	total   int
	reached chan struct{} // closed once there are as many as wanted
	wanted  int
	act     func(group int, woken []models.Woken)
}

func (*wakeWatch) WakeRequests()               {}
func (*wakeWatch) ShowRequests([]models.Woken) {}

func (w *wakeWatch) WakeMail() {}

func (w *wakeWatch) Wake(woken []models.Woken) {
	w.mu.Lock()
	w.groups = append(w.groups, len(woken))
	w.total += len(woken)
	group, act := len(w.groups), w.act
	if w.reached != nil && w.total >= w.wanted {
		close(w.reached)
		w.reached = nil
	}
	w.mu.Unlock()
	if act != nil {
		act(group, woken)
	}
}

// written is what an event's fan-out has come to, by the rows.
type written struct{ Events, Deliveries, Endpoints, Work, Unfinished int }

func writtenOf(t *testing.T, f *fixture, tenant *store.Tenant) (w written) {
	t.Helper()
	id := tenant.Organization().ID
	must(t, f.DB().Raw(`SELECT (SELECT count(*) FROM events WHERE organization_id = ?) AS events, (SELECT count(*) FROM deliveries WHERE organization_id = ?) AS deliveries,
		(SELECT count(DISTINCT endpoint_id) FROM deliveries WHERE organization_id = ?) AS endpoints, (SELECT count(*) FROM delivery_work WHERE organization_id = ?) AS work,
		(SELECT count(*) FROM fan_outs WHERE organization_id = ?) AS unfinished`, id, id, id, id, id).Scan(&w).Error)
	return w
}

// tenantIn is the same organization in another store.
func tenantIn(t *testing.T, s *store.Store, tenant *store.Tenant) *store.Tenant {
	t.Helper()
	other, err := s.Operator().Tenant(t.Context(), tenant.Organization().ID)
	must(t, err)
	return other
}

const many = 1203 // endpoints: several slices

// owesNothing waits until every delivery of what was accepted is written.
func owesNothing(t *testing.T, s *store.Store) {
	t.Helper()
	eventually(t, "the last slice", func() bool { return s.Engine().Owed() == 0 })
}

func TestAnEventToManyEndpointsIsWrittenInSlices(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		manyEndpoints(t, f, f.tenant, many)
		watch := &wakeWatch{}
		serving := f.with(t, func(o *store.Options) { o.Waker = watch })
		accepted, err := tenantIn(t, serving, f.tenant).Publish(t.Context(), models.NewEvent{Type: "payment.failed", Data: payment("p"), IdempotencyKey: "k"})
		if err != nil || accepted.Deliveries != many {
			t.Fatalf("Publish() returned %+v, %v", accepted, err)
		}
		owesNothing(t, serving)
		if got, want := writtenOf(t, f, f.tenant), (written{1, many, many, many, 0}); got != want {
			t.Errorf("once it is written there is %+v, want %+v", got, want)
		}
		weight := f.GroupWeight()
		want := append(slices.Repeat([]int{weight}, many/weight), many%weight)
		if !slices.Equal(watch.groups, want) {
			t.Errorf("the deliveries were woken in groups of %v, want %v", watch.groups, want)
		}
		again, err := tenantIn(t, serving, f.tenant).Publish(t.Context(), models.NewEvent{Type: "payment.failed", Data: payment("p"), IdempotencyKey: "k"})
		if err != nil || !again.Replayed || again.ID != accepted.ID || again.Deliveries != many {
			t.Errorf("sent again, it is answered with %+v, %v", again, err)
		}
		if got := writtenOf(t, f, f.tenant); got.Deliveries != many {
			t.Errorf("sent again, it has %d deliveries", got.Deliveries)
		}
	})
}

// TestAnEventIsAnsweredWithItsFirstSlice lets the second slice wait for the answer.
func TestAnEventIsAnsweredWithItsFirstSlice(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		manyEndpoints(t, f, f.tenant, many)
		answered := make(chan struct{})
		serving := f.with(t, func(o *store.Options) {
			o.Waker = &wakeWatch{act: func(group int, _ []models.Woken) {
				if group != 2 {
					return
				}
				select {
				case <-answered:
				case <-time.After(30 * time.Second):
					t.Error("the report is not answered while slices are left")
				}
			}}
		})
		accepted, err := tenantIn(t, serving, f.tenant).Publish(t.Context(), models.NewEvent{Type: "payment.failed", Data: payment("p")})
		close(answered)
		if err != nil || accepted.Deliveries != many {
			t.Fatalf("Publish() returned %+v, %v", accepted, err)
		}
		owesNothing(t, serving)
		if got, want := writtenOf(t, f, f.tenant), (written{1, many, many, many, 0}); got != want {
			t.Errorf("in the end there is %+v, want %+v", got, want)
		}
	})
}

// TestNoTransactionWritesMoreThanAGroup reports batches of all weights at once.
func TestNoTransactionWritesMoreThanAGroup(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		manyEndpoints(t, f, f.tenant, 120)
		large := f.organization(t, "Large")
		manyEndpoints(t, f, large, many)
		small := f.organization(t, "Small")
		endpoint(t, small, nil)
		watch := &wakeWatch{}
		serving := f.with(t, func(o *store.Options) { o.Waker = watch }) // which knows no settings yet
		var reports []store.Report
		for i := range 60 {
			for _, tenant := range []*store.Tenant{f.tenant, small} {
				reports = append(reports, store.Report{Tenant: tenantIn(t, serving, tenant), Event: models.NewEvent{Type: "payment.failed", Data: payment(fmt.Sprint(i))}})
			}
			if i%20 == 0 {
				reports = append(reports, store.Report{Tenant: tenantIn(t, serving, large), Event: models.NewEvent{Type: "payment.failed", Data: payment(fmt.Sprint(i))}})
			}
		}
		for i, o := range serving.PublishBatch(t.Context(), reports) {
			if o.Err != nil {
				t.Fatalf("report %d: %v", i, o.Err)
			}
		}
		owesNothing(t, serving)
		for _, n := range watch.groups {
			if n > f.GroupWeight() {
				t.Errorf("a transaction has %d deliveries", n)
			}
		}
		for _, c := range []struct {
			tenant *store.Tenant
			want   written
		}{{f.tenant, written{60, 60 * 120, 120, 60 * 120, 0}}, {small, written{60, 60, 1, 60, 0}}, {large, written{3, 3 * many, many, 3 * many, 0}}} {
			if got := writtenOf(t, f, c.tenant); got != c.want {
				t.Errorf("%s: %+v, want %+v", c.tenant.Organization().Name, got, c.want)
			}
		}
	})
}

// TestASmallReportIsCommittedBetweenTheSlicesOfALargeOne reports one while the
// first slice of another organization's event is committed and nothing more is.
func TestASmallReportIsCommittedBetweenTheSlicesOfALargeOne(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		manyEndpoints(t, f, f.tenant, many)
		small := f.organization(t, "Small")
		endpoint(t, small, nil)
		watch := &wakeWatch{}
		serving := f.with(t, func(o *store.Options) { o.Waker = watch })
		here, neighbour := tenantIn(t, serving, f.tenant), tenantIn(t, serving, small)
		watch.act = func(group int, woken []models.Woken) {
			if group != 1 {
				return
			}
			if accepted, err := neighbour.Publish(t.Context(), models.NewEvent{Type: "payment.failed", Data: payment("n")}); err != nil || accepted.Deliveries != 1 {
				t.Errorf("the neighbour's report: %+v, %v", accepted, err)
			}
			if got := writtenOf(t, f, f.tenant); got.Events != 1 || got.Unfinished != 1 || got.Deliveries < 1 || got.Deliveries > f.GroupWeight() || got.Work != got.Deliveries {
				t.Errorf("by then the large one has %+v, want its first slice", got)
			}
		}
		var reports []store.Report
		for i := range 3 {
			reports = append(reports, store.Report{Tenant: here, Event: models.NewEvent{Type: "payment.failed", Data: payment(fmt.Sprint(i))}})
		}
		for _, o := range serving.PublishBatch(t.Context(), reports) {
			must(t, o.Err)
		}
		owesNothing(t, serving)
		if got, want := writtenOf(t, f, f.tenant), (written{3, 3 * many, many, 3 * many, 0}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
}

// finish lets another process find what is unfinished, and waits for it.
func finish(t *testing.T, f *fixture, deliveries int) {
	t.Helper()
	done := make(chan struct{})
	watch := &wakeWatch{reached: done, wanted: deliveries}
	serving := f.with(t, func(o *store.Options) { o.Waker = watch })
	if n, err := serving.Engine().FinishFanOuts(t.Context()); err != nil || n != 0 {
		t.Fatalf("FinishFanOuts() took %d events over while somebody may be at them, %v", n, err)
	}
	f.clock.Advance(store.SliceLease)
	if n, err := serving.Engine().FinishFanOuts(t.Context()); err != nil || n != 1 {
		t.Fatalf("FinishFanOuts() = %d, %v", n, err)
	}
	<-done
	if n, err := f.Engine().FinishFanOuts(t.Context()); err != nil || n != 0 {
		t.Errorf("FinishFanOuts() took over %d events that are done, %v", n, err)
	}
}

func TestASliceThatFailsLosesNothing(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		ids := manyEndpoints(t, f, f.tenant, many)
		heal := func() {
			statements := []string{"DROP TRIGGER broken"}
			if onPostgres(f.Store) {
				statements = []string{"DROP TRIGGER broken ON delivery_work", "DROP FUNCTION broken"}
			}
			for _, statement := range statements {
				must(t, f.DB().Exec(statement).Error)
			}
		}
		order := endpointOrder(t, f)
		f.refuse(t, order[many-1]) // in the last slice
		accepted, err := f.tenant.Publish(t.Context(), models.NewEvent{Type: "payment.failed", Data: payment("p")})
		if err != nil || accepted.Deliveries != len(ids) {
			t.Fatalf("the event is committed with its first slice, but Publish() returned %+v, %v", accepted, err)
		}
		owesNothing(t, f.Store)
		before := many / f.GroupWeight() * f.GroupWeight() // the last slice
		if got, want := writtenOf(t, f, f.tenant), (written{1, before, before, before, 1}); got != want {
			t.Errorf("after the failure there is %+v, want %+v", got, want)
		}
		heal()
		finish(t, f, many-before)
		if got, want := writtenOf(t, f, f.tenant), (written{1, many, many, many, 0}); got != want {
			t.Errorf("in the end there is %+v, want %+v", got, want)
		}

		f.refuse(t, order[0])
		if accepted, err := f.tenant.Publish(t.Context(), models.NewEvent{Type: "payment.failed", Data: payment("q"), IdempotencyKey: "q"}); err == nil {
			t.Errorf("an event whose first slice fails is accepted: %+v", accepted)
		}
		if got, want := writtenOf(t, f, f.tenant), (written{1, many, many, many, 0}); got != want {
			t.Errorf("it left %+v, want %+v", got, want)
		}
	})
}

// endpointOrder is the order in which an event reaches the endpoints.
func endpointOrder(t *testing.T, f *fixture) (ids []string) {
	t.Helper()
	must(t, f.DB().Raw("SELECT id FROM endpoints WHERE organization_id = ? AND disabled_at IS NULL AND deleted_at IS NULL", f.tenant.Organization().ID).Scan(&ids).Error)
	return ids
}

// TestAProcessThatStopsBetweenSlicesLosesNothing stops one after its first
// slice. Meanwhile endpoints change: who gets the event was settled before.
func TestAProcessThatStopsBetweenSlicesLosesNothing(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		manyEndpoints(t, f, f.tenant, many)
		watch := &wakeWatch{}
		o := f.opened
		o.Waker = watch
		serving, err := store.Open(t.Context(), o)
		must(t, err)
		serving.Engine().Start()
		closed := make(chan error, 1)
		watch.act = func(group int, _ []models.Woken) {
			if group == 1 {
				go func() { closed <- serving.Close() }()
				for { // until it takes nothing more in
					if _, err := tenantIn(t, f.Store, f.tenant).Event(t.Context(), "evt_none"); !models.IsKind(err, models.NotFound) {
						t.Error(err)
					}
					if serving.Engine().Stopping() {
						return
					}
				}
			}
		}
		accepted, err := tenantIn(t, serving, f.tenant).Publish(context.Background(), models.NewEvent{Type: "payment.failed", Data: payment("p")})
		if err != nil || accepted.Deliveries != many {
			t.Fatalf("Publish() returned %+v, %v", accepted, err)
		}
		must(t, <-closed)
		weight := f.GroupWeight()
		if got, want := writtenOf(t, f, f.tenant), (written{1, weight, weight, weight, 1}); got != want {
			t.Errorf("after the stop there is %+v, want %+v", got, want)
		}
		order := endpointOrder(t, f)
		_, err = f.tenant.DisableEndpoint(t.Context(), order[many-1])
		must(t, err)
		must(t, f.tenant.DeleteEndpoint(t.Context(), order[many-2]))
		finish(t, f, many-weight)
		if got, want := writtenOf(t, f, f.tenant), (written{1, many, many, many, 0}); got != want {
			t.Errorf("in the end there is %+v, want %+v", got, want)
		}
	})
}

// TestABatchThatIsCutShortSaysWhatWasAccepted ends the context of a batch after
// its first transaction.
func TestABatchThatIsCutShortSaysWhatWasAccepted(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		endpoints := f.GroupWeight() * 3 / 5 // so that no two events are one group
		manyEndpoints(t, f, f.tenant, endpoints)
		ctx, cancel := context.WithCancel(t.Context())
		watch := &wakeWatch{act: func(group int, _ []models.Woken) {
			if group == 2 {
				cancel()
			}
		}}
		o := f.opened
		o.Waker = watch
		serving, err := store.Open(t.Context(), o)
		must(t, err)
		serving.Engine().Start()
		reports := make([]store.Report, 40)
		for i := range reports {
			reports[i] = store.Report{Tenant: tenantIn(t, serving, f.tenant), Event: models.NewEvent{Type: "payment.failed", Data: payment(fmt.Sprint(i))}}
		}
		outcomes := serving.PublishBatch(ctx, reports)
		must(t, serving.Close()) // nothing is under way any more
		accepted := 0
		for i, o := range outcomes {
			if (o.Accepted == nil) == (o.Err == nil) {
				t.Errorf("report %d: %+v", i, o)
			}
			if o.Accepted != nil {
				accepted++
			}
		}
		got := writtenOf(t, f, f.tenant)
		if accepted == 0 || got.Events < accepted || got.Events > accepted+2 || got.Deliveries != endpoints*got.Events {
			t.Errorf("%d are accepted, and there is %+v", accepted, got)
		}
	})
}

// TestWhatHappensInTheAppReachesManyEndpoints is an event that no publisher
// has begun with.
func TestWhatHappensInTheAppReachesManyEndpoints(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		manyEndpoints(t, f, f.tenant, many)
		done := make(chan struct{})
		watch := &wakeWatch{reached: done, wanted: many}
		serving := f.with(t, func(o *store.Options) { o.Waker = watch })
		_, _, err := tenantIn(t, serving, f.tenant).CreateKey(t.Context(), models.NewKey{Name: "k", Scopes: []string{"read"}})
		must(t, err)
		<-done
		if got, want := writtenOf(t, f, f.tenant), (written{1, many, many, many, 0}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
}

func TestEndpointsHaveALimit(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		limited := f.with(t, func(o *store.Options) { o.MaxEndpoints = 3 })
		tenant := tenantIn(t, limited, f.tenant)
		in := models.NewEndpointInput()
		in.URL, in.EventTypes = "http://127.0.0.1:9/hook", []string{"*"}
		var calls sync.WaitGroup
		var mu sync.Mutex
		made := 0
		for range 10 {
			calls.Go(func() {
				_, _, err := tenant.CreateEndpoint(t.Context(), in)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					made++
				} else if !models.IsCode(err, models.CodeTooManyEndpoints) {
					t.Error(err)
				}
			})
		}
		calls.Wait()
		list, err := tenant.Endpoints(t.Context())
		if err != nil || made != 3 || len(list) != 3 {
			t.Fatalf("%d of 10 at once were made, and %d are there, %v", made, len(list), err)
		}
		// One that is deleted makes room; another organization has room of its own.
		must(t, tenant.DeleteEndpoint(t.Context(), list[0].ID))
		endpoint(t, tenant, nil)
		endpoint(t, tenantIn(t, limited, f.organization(t, "Other")), nil)
		// Under a higher limit it gets more, and keeps them under the lower one.
		for range 2 {
			endpoint(t, f.tenant, nil)
		}
		before := dumpAll(t, f.Store)
		if _, _, err := tenant.CreateEndpoint(t.Context(), in); !models.IsCode(err, models.CodeTooManyEndpoints) {
			t.Errorf("beyond the limit: %v", err)
		}
		_, _, err = limited.Operator().CreateOrganization(t.Context(), models.NewOrganization{Name: "Full", Endpoints: []models.EndpointInput{in, in, in, in}})
		if !models.IsCode(err, models.CodeTooManyEndpoints) {
			t.Errorf("an organization with more than the limit: %v", err)
		}
		sameRows(t, before, dumpAll(t, f.Store))
		if accepted := publish(t, tenant, "payment.failed"); accepted.Deliveries != 5 {
			t.Errorf("an event goes to %d of the 5 endpoints", accepted.Deliveries)
		}
	})
}
