package pipeline_test

import (
	"sync"
	"testing"
	"time"

	"hookwell/internal/storetest"
	"hookwell/models"
	"hookwell/models/pipeline"
	"hookwell/models/store"
)

// slots is a waker of a process whose workers have a slot for everything.
type slots struct {
	mu    sync.Mutex
	begun []*pipeline.Job
}

func (*slots) Wake([]models.Woken)         {}
func (*slots) WakeRequests()               {}
func (*slots) ShowRequests([]models.Woken) {}

func (*slots) WakeMail()                {}
func (*slots) Reserve([]pipeline.Slots) {}

func (s *slots) Begin(_ []pipeline.Slots, jobs []*pipeline.Job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun = append(s.begun, jobs...)
}

// TestAnUnsureCommit holds that deliveries of which the process does not know whether
// they were committed are not left to their leases, since nobody sends them.
func TestAnUnsureCommit(t *testing.T) {
	o := storetest.Postgres(t)
	waker := &slots{}
	o.Waker = waker
	s := storetest.Open(t, storetest.Complete(t, o))
	tenant := storetest.Organization(t, s, "Acme")
	storetest.Endpoint(t, tenant, nil)
	must := storetest.Must
	leased := func() (n int) {
		t.Helper()
		must(t, s.Database().WithContext(t.Context()).Raw("SELECT (SELECT count(*) FROM delivery_work WHERE lease_until IS NOT NULL) + (SELECT count(*) FROM accepted_groups)").Scan(&n).Error)
		return n
	}
	report := models.NewEvent{Type: "payment.failed", Data: []byte(storetest.Example(t, "payment.failed")), IdempotencyKey: "once"}
	publish := func(key string) (*models.Accepted, error) {
		report.IdempotencyKey = key
		return tenant.Publish(t.Context(), report)
	}
	known := func(tenant *store.Tenant) {
		t.Helper()
		_, err := publish("first") // which a claim reads the endpoint's template for
		must(t, err)
		list, _, err := tenant.Deliveries(t.Context(), models.DeliveryFilter{}, models.Page{})
		must(t, err)
		jobs, _, err := s.Engine().Claim(t.Context(), []pipeline.Lane{{EndpointID: list[0].EndpointID, DeliveryIDs: []string{list[0].ID}, Slots: 1}})
		must(t, err)
		must(t, s.Engine().Release(t.Context(), jobs))
	}
	known(tenant)
	must(t, s.Engine().Attend(t.Context()))

	end := s.Engine().LoseAnswers()
	if accepted, err := publish("once"); err == nil {
		t.Fatalf("Publish() returned %+v; want an error", accepted)
	}
	end()
	accepted, err := publish("once")
	must(t, err)
	if !accepted.Replayed {
		t.Errorf("Publish() returned %+v; want the event that was accepted", accepted)
	}
	if n := leased(); n != 1 || len(waker.begun) != 0 {
		t.Fatalf("%d deliveries are leased, %d were begun; want 1 and none", n, len(waker.begun))
	}
	must(t, s.Engine().Attend(t.Context()))
	var attempt int
	must(t, s.Database().WithContext(t.Context()).Raw("SELECT max(attempt) FROM delivery_work").Scan(&attempt).Error)
	if n := leased(); n != 0 || attempt != 0 {
		t.Errorf("%d deliveries are leased, and one has %d attempts; want none", n, attempt)
	}
}

// TestAttends holds that a process which stood still does not take what it claimed
// for its own.
func TestAttends(t *testing.T) {
	s := storetest.Open(t, storetest.Complete(t, storetest.SQLite(t)))
	for _, step := range []struct {
		what  string
		do    func()
		holds bool
	}{
		{"before the first Attend", func() { s.Engine().StandStill(time.Hour) }, false},
		{"after it", func() { storetest.Must(t, s.Engine().Attend(t.Context())) }, true},
		{"after 4 seconds", func() { s.Engine().StandStill(4 * time.Second) }, true},
		{"after another two", func() { s.Engine().StandStill(2 * time.Second) }, false},
		{"after the next Attend", func() { storetest.Must(t, s.Engine().Attend(t.Context())) }, true},
	} {
		step.do()
		if got := s.Engine().Attends(); got != step.holds {
			t.Errorf("%s Attends() is %v; want %v", step.what, got, step.holds)
		}
	}
}
