package jobs_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"hookwell/internal/storetest"
	"hookwell/internal/testenv"
	"hookwell/jobs"
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

// fixture is a whole sending side: a store, Redis, a queue, a feed and, once
// start was called, workers.
type fixture struct {
	*store.Store
	options store.Options
	clock   *database.Clock
	tenant  *store.Tenant
	redis   redis.UniversalClient
	queue   *jobs.Queue
	feed    *jobs.Feed
	sender  *webhook.Sender
	log     *slog.Logger
	mailer  *jobs.Mailer // of the workers, where a test has set one
	waker   forwarder
}

// forwarder is the store's waker. It hands nothing on before the test has
// it wake the queue: a fixture's events are found by the due scan until then.
type forwarder struct {
	queue atomic.Pointer[jobs.Queue]
	begun sync.Map // ids of deliveries that were claimed as they were accepted
}

func (w *forwarder) Wake(woken []models.Woken) {
	if queue := w.queue.Load(); queue != nil {
		queue.Wake(woken)
	}
}

func (w *forwarder) Reserve(slots []pipeline.Slots) {
	if queue := w.queue.Load(); queue != nil {
		queue.Reserve(slots)
		return
	}
	for i := range slots {
		slots[i].Count = 0
	}
}

func (w *forwarder) Begin(slots []pipeline.Slots, jobs []*pipeline.Job) {
	for i := range jobs {
		w.begun.Store(jobs[i].DeliveryID, true)
	}
	if queue := w.queue.Load(); queue != nil {
		queue.Begin(slots, jobs)
	}
}

func (*forwarder) WakeRequests()               {}
func (*forwarder) ShowRequests([]models.Woken) {}

func (w *forwarder) WakeMail() {
	if queue := w.queue.Load(); queue != nil {
		queue.WakeMail()
	}
}

// wakeQueue has the store tell the queue from here on what is due.
func (f *fixture) wakeQueue() { f.waker.queue.Store(f.queue) }

// eachPair runs a test on SQLite with an in-process Redis and on Postgres with
// a real one.
func eachPair(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Helper()
	storetest.EachParallel(t, func(t *testing.T, o store.Options) {
		if o.DatabaseURL == "" {
			test(t, newFixture(t, o, "redis://"+miniredis.RunT(t).Addr()))
			return
		}
		test(t, newFixture(t, o, testenv.Redis(t)))
	})
}

// check ends the test at what must not fail.
var must = storetest.Must

func newFixture(t *testing.T, o store.Options, redisURL string) *fixture {
	t.Helper()
	options, err := redis.ParseURL(redisURL)
	must(t, err)
	f := &fixture{clock: &database.Clock{}, redis: redis.NewClient(options), log: o.Log}
	if f.log == nil {
		f.log = slog.New(slog.DiscardHandler)
	}
	o.Clock, o.Log = f.clock, f.log
	o = storetest.Complete(t, o)
	f.options = o
	o.Waker = &f.waker
	f.Store, err = store.Open(t.Context(), o)
	must(t, err)
	f.Store.Engine().Start()
	must(t, f.Database().Migrate(t.Context()))
	installation, err := f.Database().InstallationID(t.Context())
	must(t, err)
	f.feed = jobs.NewFeed(f.redis, installation, f.log)
	f.queue = jobs.NewQueue(f.redis, installation, f.feed, f.log)
	f.sender = webhook.NewSender(o.Guard, f.clock.Now)
	org, _, err := f.Operator().CreateOrganization(t.Context(), models.NewOrganization{Name: "Acme"})
	must(t, err)
	f.tenant, err = f.Operator().Tenant(t.Context(), org.ID)
	must(t, err)
	t.Cleanup(func() {
		f.queue.Close()
		f.feed.Close()
		f.sender.Close()
		f.redis.Close()
		f.Close()
	})
	return f
}

// start runs workers until the test ends.
func (f *fixture) start(t *testing.T) *jobs.Workers {
	t.Helper()
	w, err := jobs.Start(jobs.Options{Engine: f.Engine(), Store: f.Store, Sender: f.sender, Redis: f.redis, Queue: f.queue, Feed: f.feed, Log: f.log, Words: mailWords, Mailer: f.mailer})
	must(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		w.Shutdown(ctx)
	})
	return w
}

func (f *fixture) endpoint(t *testing.T, url string, change func(*models.EndpointInput)) (*models.Endpoint, webhook.Secret) {
	t.Helper()
	in := models.NewEndpointInput()
	in.URL, in.EventTypes = url, []string{"*"}
	if change != nil {
		change(&in)
	}
	e, secret, err := f.tenant.CreateEndpoint(t.Context(), in)
	must(t, err)
	return e, secret
}

func (f *fixture) publish(t *testing.T, n int) {
	t.Helper()
	c, err := storetest.Catalog()
	must(t, err)
	et, _ := c.Lookup("payment.failed")
	for range n {
		_, err := f.tenant.Publish(t.Context(), models.NewEvent{Type: et.Type, Data: et.Example})
		must(t, err)
	}
}

// deliveries returns the newest deliveries, as a request sees them.
func (f *fixture) deliveries(t *testing.T, filter models.DeliveryFilter) []models.Delivery {
	t.Helper()
	must(t, f.tenant.Expand(t.Context()))
	list, _, err := f.tenant.Deliveries(t.Context(), filter, models.Page{Limit: models.MaxLimit})
	must(t, err)
	return list
}

// until waits for the log to be as the test wants it: it looks whenever a
// delivery changes, and now and then.
func (f *fixture) until(t *testing.T, what string, filter models.DeliveryFilter, holds func([]models.Delivery) bool) []models.Delivery {
	t.Helper()
	changes, cancel := f.feed.Subscribe(f.tenant.Organization().ID)
	defer cancel()
	late := time.After(30 * time.Second)
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		list := f.deliveries(t, filter)
		if holds(list) {
			return list
		}
		select {
		case <-changes:
		case <-again.C:
		case <-late:
			t.Fatalf("not in time: %s; the log is %+v", what, list)
		}
	}
}

func count(state models.State) func([]models.Delivery) int {
	return func(list []models.Delivery) (n int) {
		for _, d := range list {
			if d.State == state {
				n++
			}
		}
		return n
	}
}

func all(n int, state models.State) func([]models.Delivery) bool {
	return func(list []models.Delivery) bool { return count(state)(list) == n }
}

// receiver counts what arrives; answer may be nil for 204.
func receiver(t *testing.T, answer http.HandlerFunc) *httptest.Server {
	t.Helper()
	if answer == nil {
		answer = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }
	}
	s := httptest.NewServer(answer)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s
}

func TestDelivery(t *testing.T) {
	t.Run("arrives signed, once, with every header", func(t *testing.T) {
		eachPair(t, func(t *testing.T, f *fixture) {
			type arrival struct {
				header http.Header
				body   []byte
			}
			arrivals := make(chan arrival, 10)
			s := receiver(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				arrivals <- arrival{r.Header, body}
			})
			_, secret := f.endpoint(t, s.URL, nil)
			f.wakeQueue()
			f.start(t)
			f.publish(t, 1)
			got := <-arrivals
			verifier, err := standardwebhooks.NewWebhook(secret.Reveal())
			must(t, err)
			must(t, verifier.Verify(got.body, got.header))
			list := f.until(t, "delivered", models.DeliveryFilter{}, all(1, models.Delivered))
			for name, want := range map[string]string{"webhook-id": list[0].EventID, "x-webhook-delivery-id": list[0].ID,
				"x-webhook-event": "payment.failed", "x-webhook-retry": "0", "x-webhook-test": "", "content-type": "application/json",
				"user-agent": "Hookwell-Webhooks/1.0"} {
				if got.header.Get(name) != want {
					t.Errorf("%s is %q, want %q", name, got.header.Get(name), want)
				}
			}
			event, err := f.tenant.Event(t.Context(), list[0].EventID)
			must(t, err)
			if string(event.Body) != string(got.body) {
				t.Error("the bytes that arrived are not those that are stored")
			}
			if len(arrivals) != 0 {
				t.Error("arrived twice")
			}
		})
	})

	t.Run("is tried again, with its count", func(t *testing.T) {
		eachPair(t, func(t *testing.T, f *fixture) {
			retries := make(chan string, 10)
			s := receiver(t, func(w http.ResponseWriter, r *http.Request) {
				retries <- r.Header.Get("x-webhook-retry")
				if r.Header.Get("x-webhook-retry") != "1" {
					w.WriteHeader(503)
				}
			})
			f.endpoint(t, s.URL, nil)
			f.wakeQueue()
			f.start(t)
			f.publish(t, 1)
			f.until(t, "a retry is planned", models.DeliveryFilter{}, all(1, models.Retrying))
			f.clock.Advance(7 * time.Second)
			f.until(t, "delivered", models.DeliveryFilter{}, all(1, models.Delivered))
			if first, second := <-retries, <-retries; first != "0" || second != "1" {
				t.Errorf("x-webhook-retry was %s, then %s", first, second)
			}
		})
	})

	t.Run("survives the loss of every wake-up", func(t *testing.T) {
		eachPair(t, func(t *testing.T, f *fixture) {
			s := receiver(t, nil)
			f.endpoint(t, s.URL, nil)
			f.publish(t, 250) // no waker: as if the process died between commit and wake
			f.start(t)
			f.clock.Advance(6 * time.Second)
			f.until(t, "all delivered", models.DeliveryFilter{States: []models.State{models.Delivered}}, func(list []models.Delivery) bool { return len(list) == models.MaxLimit })
			f.until(t, "none left", models.DeliveryFilter{States: []models.State{models.Pending}}, all(0, models.Pending))
		})
	})
}

func TestInFlight(t *testing.T) {
	eachPair(t, func(t *testing.T, f *fixture) {
		var now, most atomic.Int64
		release := make(chan struct{})
		full := make(chan struct{}, 100)
		s := receiver(t, func(w http.ResponseWriter, r *http.Request) {
			n := now.Add(1)
			defer now.Add(-1)
			for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
			}
			full <- struct{}{}
			<-release
		})
		f.endpoint(t, s.URL, func(in *models.EndpointInput) { in.MaxInFlight = 4 })
		f.wakeQueue()
		f.start(t)
		f.publish(t, 40)
		for range 4 {
			<-full
		}
		close(release)
		f.until(t, "all delivered", models.DeliveryFilter{}, all(40, models.Delivered))
		if most.Load() != 4 {
			t.Errorf("%d in flight at once, want 4", most.Load())
		}
	})
}

func TestShutdown(t *testing.T) {
	eachPair(t, func(t *testing.T, f *fixture) {
		started, release := make(chan struct{}), make(chan struct{})
		var arrived atomic.Int64
		s := receiver(t, func(http.ResponseWriter, *http.Request) {
			if arrived.Add(1) == 1 {
				close(started)
			}
			<-release
		})
		f.endpoint(t, s.URL, func(in *models.EndpointInput) { in.MaxInFlight = 1 })
		f.wakeQueue()
		w := f.start(t)
		f.publish(t, 2)
		<-started
		stopped := make(chan struct{})
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			w.Shutdown(ctx)
			close(stopped)
		}()
		select {
		case <-stopped:
			t.Fatal("stopped while an exchange was under way")
		case <-time.After(300 * time.Millisecond):
		}
		close(release)
		<-stopped
		list, _, err := f.tenant.Deliveries(t.Context(), models.DeliveryFilter{}, models.Page{})
		must(t, err)
		if count(models.Delivered)(list) != 1 || count(models.Pending)(list) != 1 || arrived.Load() != 1 {
			t.Errorf("after the stop: %+v; want the one in flight recorded and no new one begun", list)
		}
	})
}

func TestTester(t *testing.T) {
	eachPair(t, func(t *testing.T, f *fixture) {
		var header http.Header
		s := receiver(t, func(w http.ResponseWriter, r *http.Request) { header = r.Header; w.WriteHeader(418) })
		e, _ := f.endpoint(t, s.URL, nil)
		_, err := f.tenant.DisableEndpoint(t.Context(), e.ID)
		must(t, err)
		c, _ := storetest.Catalog()
		et, _ := c.Lookup("org.created")
		id, err := jobs.NewTester(f.Engine(), f.sender, f.feed).Test(t.Context(), f.tenant, e.ID, et.Type, et.Example)
		must(t, err)
		d, err := f.tenant.Delivery(t.Context(), id)
		must(t, err)
		if d.State != models.Failed || d.LastStatusCode != 418 || !d.Test || d.NextAttemptAt != nil {
			t.Errorf("%+v: a test is sent once", d)
		}
		if header.Get("x-webhook-test") != "true" {
			t.Error("the test header is missing")
		}
		health, err := f.tenant.Backlogs(t.Context())
		must(t, err)
		if health[e.ID].LastFailureAt != nil {
			t.Error("a test event counted in the endpoint's health")
		}
	})
}

func TestResendWaitsBehindNothing(t *testing.T) {
	eachPair(t, func(t *testing.T, f *fixture) {
		var works atomic.Bool
		s := receiver(t, func(w http.ResponseWriter, _ *http.Request) {
			if !works.Load() {
				w.WriteHeader(503)
			}
		})
		f.endpoint(t, s.URL, nil)
		f.wakeQueue()
		f.start(t)
		f.publish(t, 1)
		failed := f.until(t, "one has failed", models.DeliveryFilter{}, all(1, models.Retrying))[0]
		f.publish(t, 150) // more than one claim takes; the circuit opens and they wait
		f.until(t, "the circuit is open", models.DeliveryFilter{}, func([]models.Delivery) bool {
			health, err := f.tenant.Backlogs(t.Context())
			must(t, err)
			h := health[failed.EndpointID]
			return h.Circuit(f.Now()) == models.CircuitOpen && f.flying(t) == 0
		})
		works.Store(true)
		_, err := f.tenant.Resend(t.Context(), failed.ID)
		must(t, err)
		f.until(t, "the resend has arrived", models.DeliveryFilter{EventID: failed.EventID}, all(1, models.Delivered))
	})
}

// flying counts what is in flight.
func (f *fixture) flying(t *testing.T) (n int) {
	t.Helper()
	list, _, err := f.tenant.Deliveries(t.Context(), models.DeliveryFilter{}, models.Page{Limit: models.MaxLimit})
	must(t, err)
	for _, d := range list {
		if d.InFlight {
			n++
		}
	}
	return n
}
