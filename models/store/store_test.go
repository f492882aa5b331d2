package store_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

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

func (noWorkers) Begin([]pipeline.Slots, []pipeline.Job) {}

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

var catalog = sync.OnceValues(func() (*webhook.Catalog, error) { return webhook.NewCatalog(nil) })

func (r *wakeRecord) WakeMail() {
	r.Lock()
	defer r.Unlock()
	r.mail++
}

// eachStore runs a test on both databases.
func eachStore(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, newFixture(t, store.Options{SQLitePath: filepath.Join(t.TempDir(), "hookwell.db")}))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, newFixture(t, store.Options{DatabaseURL: postgresURL(t)}))
	})
}

// postgresURL is a fresh database that was migrated already.
func postgresURL(t *testing.T) string {
	return testenv.DatabaseFrom(t, "migrated", func(url string) error {
		s, err := store.Open(context.Background(), store.Options{DatabaseURL: url})
		if err != nil {
			return err
		}
		defer s.Close()
		return s.Database().Migrate(context.Background())
	})
}

// cheap is what hashes of passwords cost in tests that are not about it.
var cheap = store.PasswordCost{Memory: 64, Passes: 1}

func newFixture(t *testing.T, o store.Options) *fixture {
	t.Helper()
	if o.PasswordCost == (store.PasswordCost{}) {
		o.PasswordCost = cheap
	}
	key := make([]byte, 32)
	rand.Read(key)
	text := base64.StdEncoding.EncodeToString(key)
	vault, err := database.ParseVault(text)
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{clock: &database.Clock{}, woken: &wakeRecord{}, key: text}
	o.Vault, o.Clock, o.Waker, o.Log = vault, f.clock, f.woken, slog.New(slog.DiscardHandler)
	o.Guard = webhook.NewGuard([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})
	if o.Catalog, err = catalog(); err != nil {
		t.Fatal(err)
	}
	if f.Store, err = store.Open(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	f.Store.Engine().Start()
	t.Cleanup(func() { f.Close() })
	f.opened = o
	if err := f.Database().Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
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

// organization makes one more tenant. Its log begins empty: that it was created
// is no event of the tests'.
func (f *fixture) organization(t *testing.T, name string) *store.Tenant {
	t.Helper()
	org, _, err := f.Operator().CreateOrganization(t.Context(), models.NewOrganization{Name: name})
	if err == nil {
		err = f.DB().Exec("DELETE FROM events WHERE organization_id = ?", org.ID).Error
	}
	if err != nil {
		t.Fatal(err)
	}
	tenant, err := f.Operator().Tenant(t.Context(), org.ID)
	if err != nil {
		t.Fatal(err)
	}
	return tenant
}

// endpoint registers an endpoint for every event; change may be nil.
func endpoint(t *testing.T, tenant *store.Tenant, change func(*models.EndpointInput)) *models.Endpoint {
	t.Helper()
	in := models.NewEndpointInput()
	in.URL, in.EventTypes = "http://127.0.0.1:9/hook", []string{"*"}
	if change != nil {
		change(&in)
	}
	e, _, err := tenant.CreateEndpoint(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// publish reports one event with the catalog's example as its data.
func publish(t *testing.T, tenant *store.Tenant, eventType string) *models.Accepted {
	t.Helper()
	c, err := catalog()
	if err != nil {
		t.Fatal(err)
	}
	et, ok := c.Lookup(eventType)
	if !ok {
		t.Fatalf("no event type %s", eventType)
	}
	accepted, err := tenant.Publish(t.Context(), models.NewEvent{Type: eventType, Data: et.Example})
	if err != nil {
		t.Fatal(err)
	}
	return accepted
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
func (f *fixture) claim(t *testing.T, e *models.Endpoint, slots int, ids ...string) []pipeline.Job {
	t.Helper()
	jobs, _, err := f.Engine().Claim(t.Context(), []pipeline.Lane{{EndpointID: e.ID, DeliveryIDs: ids, Slots: slots}})
	if err != nil {
		t.Fatal(err)
	}
	return jobs
}

func (f *fixture) record(t *testing.T, job pipeline.Job, status int, cause webhook.Cause) {
	t.Helper()
	x := webhook.Exchange{StartedAt: f.Now(), Duration: 12 * time.Millisecond, StatusCode: status, Cause: cause}
	if err := f.Engine().Record(t.Context(), []pipeline.Result{{Job: job, Exchange: x}}); err != nil {
		t.Fatal(err)
	}
}
