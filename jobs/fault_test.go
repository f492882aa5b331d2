package jobs_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/glebarez/sqlite"
	"github.com/hibiken/asynq"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"

	"hookwell/internal/storetest"
	"hookwell/models"
	"hookwell/webhook"
)

// nobody is an address at which no Redis listens.
const nobody = "redis://127.0.0.1:1/0"

func TestDeliveriesGoOnWithoutRedis(t *testing.T) {
	t.Parallel()
	f := newFixture(t, storetest.SQLite(t), nobody)
	s := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("x-webhook-retry") == "0" {
			w.WriteHeader(http.StatusBadRequest)
		}
	})
	f.endpoint(t, s.URL, nil)
	f.wakeQueue()
	f.start(t)
	f.publish(t, 5) // by the queue
	f.until(t, "all were tried once", models.DeliveryFilter{}, all(5, models.Retrying))
	f.clock.Advance(7 * time.Second) // by the due scan
	f.until(t, "all delivered", models.DeliveryFilter{}, all(5, models.Delivered))
}

func TestShutdownHandsBackWhatWaits(t *testing.T) {
	eachPair(t, func(t *testing.T, f *fixture) {
		started, release := make(chan struct{}, 1), make(chan struct{})
		s := receiver(t, func(http.ResponseWriter, *http.Request) {
			select {
			case started <- struct{}{}:
			default:
			}
			<-release
		})
		f.endpoint(t, s.URL, func(in *models.EndpointInput) { in.MaxInFlight = 1 })
		f.wakeQueue()
		w := f.start(t)
		f.publish(t, 1)
		<-started
		f.publish(t, 9)
		inspector := asynq.NewInspectorFromRedisClient(f.redis)
		f.until(t, "all tasks are read", models.DeliveryFilter{}, func([]models.Delivery) bool {
			info, err := inspector.GetQueueInfo(f.queue.QueueName("fresh"))
			return err == nil && info.Size == 0 && info.Processed >= 2
		})
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			w.Shutdown(context.Background())
		}()
		f.until(t, "what waits is handed back", models.DeliveryFilter{}, func([]models.Delivery) bool {
			info, err := inspector.GetQueueInfo(f.queue.QueueName("fresh"))
			return err == nil && info.Pending > 0
		})
		close(release)
		<-stopped
		f.start(t) // before the due scan would find them, since nobody moves the clock
		f.until(t, "all delivered", models.DeliveryFilter{}, all(10, models.Delivered))
	})
}

// refuse makes the database refuse the attempts of one endpoint's deliveries,
// whatever came of them, until lift.
func (f *fixture) refuse(t *testing.T, endpointID string) (lift func()) {
	t.Helper()
	condition := fmt.Sprintf("NEW.cause <> 'interrupted' AND NEW.delivery_id IN (SELECT id FROM deliveries WHERE endpoint_id = '%s')", endpointID)
	dialector := sqlite.Open(f.options.SQLitePath)
	set := []string{"CREATE TRIGGER refuse BEFORE INSERT ON attempts WHEN " + condition + " BEGIN SELECT RAISE(ABORT, 'refused on purpose'); END"}
	drop := "DROP TRIGGER refuse"
	if f.options.DatabaseURL != "" {
		dialector = postgres.Open(f.options.DatabaseURL)
		set = []string{"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF " + condition + " THEN RAISE EXCEPTION 'refused on purpose'; END IF; RETURN NEW; END $$",
			"CREATE TRIGGER refuse BEFORE INSERT ON attempts FOR EACH ROW EXECUTE FUNCTION refuse()"}
		drop = "DROP TRIGGER refuse ON attempts"
	}
	db, err := gorm.Open(dialector, &gorm.Config{})
	must(t, err)
	for _, statement := range set {
		must(t, db.Exec(statement).Error)
	}
	return func() {
		err := db.Exec(drop).Error
		for range 10 { // Postgres may choose it to end a deadlock with a worker
			if err == nil || !strings.Contains(err.Error(), "40P01") {
				break
			}
			err = db.Exec(drop).Error
		}
		must(t, err)
		pool, err := db.DB()
		must(t, err)
		must(t, pool.Close())
	}
}

func TestAnOutcomeThatIsRefusedForGoodIsGivenUp(t *testing.T) {
	eachPair(t, func(t *testing.T, f *fixture) {
		arrived := make(chan string, 100)
		s := receiver(t, func(_ http.ResponseWriter, r *http.Request) { arrived <- r.Header.Get("x-webhook-delivery-id") })
		refused, _ := f.endpoint(t, s.URL, func(in *models.EndpointInput) { in.MaxInFlight = 1 })
		healthy, _ := f.endpoint(t, receiver(t, nil).URL, nil)
		lift := f.refuse(t, refused.ID)
		defer lift()
		f.wakeQueue()
		f.start(t)
		for i := range 20 { // each gives the outcome another chance, and is not held up by it
			f.publish(t, 1)
			f.until(t, "the healthy one has its own", models.DeliveryFilter{EndpointID: healthy.ID}, all(i+1, models.Delivered))
		}
		first := <-arrived
		f.clock.Advance(80 * time.Second)
		f.until(t, "the attempt has ended as interrupted", models.DeliveryFilter{EndpointID: refused.ID}, func(list []models.Delivery) bool {
			for _, d := range list {
				if d.ID == first {
					return d.LastCause == webhook.CauseInterrupted
				}
			}
			return false
		})
		<-arrived // the slot is free again
	})
}

func TestAllEndpointsTogetherKeepToTheProcesssLimit(t *testing.T) {
	eachPair(t, func(t *testing.T, f *fixture) {
		const most, hanging = 6, 4
		hang, arrived := make(chan struct{}), make(chan struct{}, 1000)
		dead := receiver(t, func(http.ResponseWriter, *http.Request) { arrived <- struct{}{}; <-hang })
		w := f.start(t)
		w.SetMostExchanges(most)
		t.Cleanup(func() { close(hang) }) // before the workers' stop waits for the exchanges
		for range hanging {
			f.endpoint(t, dead.URL, nil)
		}
		f.wakeQueue()
		f.publish(t, 30)
		f.until(t, "the process has all that it may have", models.DeliveryFilter{}, func([]models.Delivery) bool { return f.flying(t) >= most })
		healthy, _ := f.endpoint(t, receiver(t, nil).URL, nil)
		f.publish(t, 20)
		f.until(t, "the healthy endpoint has all of its own", models.DeliveryFilter{EndpointID: healthy.ID}, all(20, models.Delivered))
		// Each endpoint may have its first beyond the limit.
		if n := len(arrived); n < most || n >= most+hanging {
			t.Errorf("%d exchanges with the endpoints that hang, want %d and at most one more of each", n, most)
		}
	})
}
