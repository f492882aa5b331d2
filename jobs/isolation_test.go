package jobs_test

import (
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/hibiken/asynq"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"

	"hookwell/internal/storetest"
	"hookwell/models"
	"hookwell/models/store"
)

// countClaims makes Postgres count statements that claim, and note for every
// delivery how many there had been when it was committed and when it was
// claimed, and after each of them the most that any endpoint has in flight.
func (f *fixture) countClaims(t *testing.T) *gorm.DB {
	t.Helper()
	db, err := gorm.Open(postgres.Open(f.options.DatabaseURL), &gorm.Config{})
	must(t, err)
	pool, err := db.DB()
	must(t, err)
	t.Cleanup(func() { pool.Close() })
	for _, statement := range []string{
		`CREATE SEQUENCE claims`,
		`CREATE TABLE waited (delivery_id text, claims bigint, claimed boolean)`,
		`CREATE TABLE flights (most bigint)`,
		`CREATE FUNCTION count_work() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			INSERT INTO waited SELECT delivery_id, (SELECT last_value FROM claims), false FROM fresh; RETURN NULL; END $$`,
		`CREATE FUNCTION count_claim() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF EXISTS (SELECT FROM fresh JOIN prior USING (delivery_id) WHERE fresh.attempt > prior.attempt) THEN
				PERFORM nextval('claims');
				INSERT INTO waited SELECT delivery_id, (SELECT last_value FROM claims), true FROM fresh;
				INSERT INTO flights SELECT max(n) FROM (SELECT count(*) AS n FROM delivery_work WHERE lease_until IS NOT NULL GROUP BY endpoint_id) AS counts;
			END IF; RETURN NULL; END $$`,
		`CREATE TRIGGER count_work AFTER INSERT ON delivery_work REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION count_work()`,
		`CREATE TRIGGER count_claim AFTER UPDATE ON delivery_work REFERENCING OLD TABLE AS prior NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION count_claim()`,
	} {
		must(t, db.Exec(statement).Error)
	}
	return db
}

// Fifty endpoints that hang, with 10,000 deliveries waiting, leave a healthy one
// where it was: its deliveries are claimed with the next claims, and no task is
// held.
func TestHangingEndpointsHoldUpNobody(t *testing.T) {
	// A claim takes up to 200, so that in one queue with the others it would be the
	// fiftieth claim's turn.
	const endpoints, each, cap, events, soon = 50, 200, 4, 20, 10
	eachPair(t, func(t *testing.T, f *fixture) {
		var held atomic.Int64
		hang := make(chan struct{})
		dead := receiver(t, func(http.ResponseWriter, *http.Request) { held.Add(1); <-hang })
		for range endpoints {
			f.endpoint(t, dead.URL, func(in *models.EndpointInput) {
				in.EventTypes, in.MaxInFlight, in.TimeoutSeconds = []string{"org.created"}, cap, models.MaxTimeoutSeconds
			})
		}
		var arrived atomic.Int64
		healthy, _ := f.endpoint(t, receiver(t, func(http.ResponseWriter, *http.Request) { arrived.Add(1) }).URL, func(in *models.EndpointInput) {
			in.EventTypes, in.MaxInFlight = []string{"payment.failed"}, cap
		})
		f.wakeQueue()
		f.accompany(t) // so that all goes by claims
		f.start(t)
		t.Cleanup(func() { close(hang) }) // before the workers' stop waits for the exchanges
		f.publishBatch(t, "org.created", each)
		f.until(t, "they hold all that they can", models.DeliveryFilter{}, func([]models.Delivery) bool { return held.Load() == endpoints*cap })

		var db *gorm.DB
		if f.options.DatabaseURL != "" {
			db = f.countClaims(t)
		}
		for n := range events {
			f.publishBatch(t, "payment.failed", 1)
			f.until(t, "the healthy endpoint has its own", models.DeliveryFilter{EndpointID: healthy.ID}, all(n+1, models.Delivered))
		}
		if arrived.Load() != events {
			t.Errorf("%d requests for %d events", arrived.Load(), events)
		}
		if db != nil {
			var worst int
			must(t, db.Raw(`SELECT max(c.claims - w.claims) FROM waited w JOIN waited c USING (delivery_id)
				JOIN deliveries d ON d.id = delivery_id WHERE d.endpoint_id = ? AND NOT w.claimed AND c.claimed`, healthy.ID).Scan(&worst).Error)
			if worst < 1 || worst > soon {
				t.Errorf("a delivery was claimed by claim %d after its commit, want %d at the latest", worst, soon)
			}
			var most int
			must(t, db.Raw(`SELECT max(most) FROM flights`).Scan(&most).Error)
			if most > cap {
				t.Errorf("%d in flight at once to one endpoint, want at most %d", most, cap)
			}
		}
		for _, queue := range []string{"fresh", "due"} {
			f.until(t, "no task of "+queue+" is held", models.DeliveryFilter{EndpointID: healthy.ID}, func([]models.Delivery) bool {
				info, err := asynq.NewInspectorFromRedisClient(f.redis).GetQueueInfo(f.queue.QueueName(queue))
				return err != nil || info.Active == 0
			})
		}
	})
}

// publishBatch reports some events at once.
func (f *fixture) publishBatch(t *testing.T, kind string, n int) {
	t.Helper()
	c, err := storetest.Catalog()
	must(t, err)
	et, _ := c.Lookup(kind)
	reports := make([]store.Report, n)
	for i := range reports {
		reports[i] = store.Report{Tenant: f.tenant, Event: models.NewEvent{Type: et.Type, Data: et.Example}}
	}
	for _, o := range f.PublishBatch(t.Context(), reports) {
		must(t, o.Err)
	}
}

// Whoever holds an endpoint's state locked, such as a process that stands still,
// holds up the claims of that endpoint and of no other.
func TestALockedEndpointHoldsUpNoOther(t *testing.T) {
	eachPair(t, func(t *testing.T, f *fixture) {
		if f.options.DatabaseURL == "" {
			return // SQLite has no locks on rows
		}
		here := receiver(t, func(http.ResponseWriter, *http.Request) {}).URL
		locked, _ := f.endpoint(t, here, func(in *models.EndpointInput) { in.EventTypes = []string{"org.created"} })
		other, _ := f.endpoint(t, here, func(in *models.EndpointInput) { in.EventTypes = []string{"payment.failed"} })
		f.wakeQueue()
		f.start(t)
		db, err := gorm.Open(postgres.Open(f.options.DatabaseURL), &gorm.Config{})
		must(t, err)
		pool, err := db.DB()
		must(t, err)
		t.Cleanup(func() { pool.Close() })
		must(t, db.Transaction(func(tx *gorm.DB) error {
			if err := tx.Exec("SELECT 1 FROM endpoint_states WHERE endpoint_id = ? FOR UPDATE", locked.ID).Error; err != nil {
				return err
			}
			f.publishBatch(t, "org.created", 1)
			for n := range 3 {
				f.publishBatch(t, "payment.failed", 1)
				f.until(t, "the other endpoint has its own", models.DeliveryFilter{EndpointID: other.ID}, all(n+1, models.Delivered))
			}
			return nil
		}))
		f.until(t, "the lock is gone", models.DeliveryFilter{EndpointID: locked.ID}, all(1, models.Delivered))
	})
}
