package store_test

import (
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"hookwell/internal/storetest"
	"hookwell/internal/testenv"
	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/pipeline"
	"hookwell/models/store"
	"hookwell/webhook"
)

func TestMain(m *testing.M) {
	time.Local = time.UTC
	os.Exit(testenv.Run(m))
}

// fixture is a store with a clock that the test moves, one organization and
// a record of what was woken.
type fixture struct {
	*store.Store
	clock   *database.Clock
	tenant  *store.Tenant
	woken   *wakeRecord
	opened  store.Options
	key     string       // of the store's vault
	rekeyed *store.Store // the same database under another first key, where a test opened it
}

// noWorkers is the part of a waker where the process has no workers.
type noWorkers struct{}

func (noWorkers) Reserve(slots []pipeline.Slots) {
	for i := range slots {
		slots[i].Count = 0
	}
}

func (noWorkers) Begin([]pipeline.Slots, []*pipeline.Job) {}

type wakeRecord struct {
	noWorkers
	sync.Mutex
	list []models.Woken
	mail int
}

func (r *wakeRecord) Wake(woken []models.Woken) {
	r.Lock()
	defer r.Unlock()
	r.list = append(r.list, woken...)
}

func (*wakeRecord) WakeRequests()               {}
func (*wakeRecord) ShowRequests([]models.Woken) {}

func (r *wakeRecord) WakeMail() {
	r.Lock()
	defer r.Unlock()
	r.mail++
}

// What storetest has and the tests of this package use on every page.
var (
	must     = storetest.Must
	endpoint = storetest.Endpoint
	publish  = storetest.Publish
)

// eachStore runs a test on both databases.
func eachStore(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Helper()
	storetest.EachParallel(t, func(t *testing.T, o store.Options) { test(t, newFixture(t, o)) })
}

func newFixture(t *testing.T, o store.Options) *fixture {
	t.Helper()
	f := &fixture{clock: &database.Clock{}, woken: &wakeRecord{}, key: storetest.Key()}
	var err error
	o.Vault, err = database.ParseVault(f.key)
	must(t, err)
	o.Clock, o.Waker, o.Log = f.clock, f.woken, slog.New(slog.DiscardHandler)
	f.opened = storetest.Complete(t, o)
	f.Store = storetest.Open(t, f.opened)
	f.tenant = f.organization(t, "Acme Robotics")
	return f
}

// again opens the same database once more, as another process does.
func (f *fixture) again(t *testing.T) *store.Store {
	t.Helper()
	return f.with(t, func(*store.Options) {})
}

// with is again, with other options.
func (f *fixture) with(t *testing.T, change func(*store.Options)) *store.Store {
	t.Helper()
	o := f.opened
	change(&o)
	s, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	s.Engine().Start()
	t.Cleanup(func() { s.Close() })
	return s
}

// organization makes one more tenant.
func (f *fixture) organization(t *testing.T, name string) *store.Tenant {
	t.Helper()
	return storetest.Organization(t, f.Store, name)
}

// deliveries lists the tenant's log.
func deliveries(t *testing.T, tenant *store.Tenant) []models.Delivery {
	t.Helper()
	list, _, err := tenant.Deliveries(t.Context(), models.DeliveryFilter{}, models.Page{})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// claim takes what is due of an endpoint.
func (f *fixture) claim(t *testing.T, e *models.Endpoint, slots int, ids ...string) []*pipeline.Job {
	t.Helper()
	jobs, _, err := f.Engine().Claim(t.Context(), []pipeline.Lane{{EndpointID: e.ID, DeliveryIDs: ids, Slots: slots}})
	if err != nil {
		t.Fatal(err)
	}
	return jobs
}

func (f *fixture) record(t *testing.T, job *pipeline.Job, status int, cause webhook.Cause) {
	t.Helper()
	x := webhook.Exchange{StartedAt: f.Now(), Duration: 12 * time.Millisecond, StatusCode: status, Cause: cause}
	if err := f.Engine().Record(t.Context(), []*pipeline.Result{{Job: job, Exchange: x}}); err != nil {
		t.Fatal(err)
	}
}
