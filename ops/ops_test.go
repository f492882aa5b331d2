package ops_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"hookwell/internal/storetest"
	"hookwell/internal/testenv"
	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/pipeline"
	"hookwell/models/store"
	"hookwell/ops"
	"hookwell/webhook"
)

func TestMain(m *testing.M) {
	time.Local = time.UTC
	os.Exit(testenv.Run(m))
}

var must = storetest.Must

// workers are what a test says that they have in hand.
type workers struct{ scan time.Time }

func (workers) InFlight() int         { return 3 }
func (workers) Lanes() int            { return 4 }
func (workers) Unrecorded() int       { return 5 }
func (w workers) LastScan() time.Time { return w.scan }

type queue struct{ redis.UniversalClient }

func (q queue) QueueSizes(ctx context.Context) (map[string]int64, error) {
	n, err := q.LLen(ctx, "asynq:{fresh}:pending").Result()
	return map[string]int64{"fresh": n}, err
}

func (q queue) Check(ctx context.Context) error { return q.Ping(ctx).Err() }

// post is a server for operators with a real database and a real Redis.
type post struct {
	url     string
	store   *store.Store
	clock   *database.Clock
	redis   *redis.Client
	workers *workers
	tenant  *store.Tenant
	closed  sync.Once

	databaseURL string // of Postgres

	listener *counting
}

// counting is a listener that knows how many of its connections were open at
// one time.
type counting struct {
	net.Listener
	open, most atomic.Int32
}

type counted struct {
	net.Conn
	of   *counting
	once sync.Once
}

func (l *counting) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		l.most.Store(max(l.most.Load(), l.open.Add(1))) // Accept is never called twice at once
	}
	return &counted{Conn: conn, of: l}, err
}

func (c *counted) Close() error {
	c.once.Do(func() { c.of.open.Add(-1) })
	return c.Conn.Close()
}

func TestConnections_are_bounded(t *testing.T) {
	const bound = 200
	p := newPost(t)
	host := strings.TrimPrefix(p.url, "http://")
	var conns []net.Conn
	for range bound + 20 {
		conn, err := net.Dial("tcp", host)
		must(t, err)
		defer conn.Close()
		must(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
		_, err = io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
		must(t, err)
		conns = append(conns, conn)
	}
	for i, conn := range conns { // whoever waits is answered once another has closed
		if _, err := conn.Read(make([]byte, 1)); err != nil {
			t.Fatalf("connection %d got no answer: %v", i+1, err)
		}
		conn.Close()
	}
	if most := p.listener.most.Load(); most > bound {
		t.Errorf("%d connections were open at one time, want at most %d", most, bound)
	}
}

// closeStore takes the database away, once.
func (p *post) closeStore() { p.closed.Do(func() { p.store.Close() }) }

func newPost(t *testing.T) *post {
	t.Helper()
	return newPostOn(t, storetest.SQLite(t))
}

// newPostOn is newPost on that database.
func newPostOn(t *testing.T, o store.Options) *post {
	t.Helper()
	p := &post{clock: &database.Clock{}, workers: &workers{}, databaseURL: o.DatabaseURL}
	metrics := ops.NewMetrics("1.2.3")
	o.Clock, o.Meter = p.clock, metrics
	o = storetest.Complete(t, o)
	var err error
	p.store, err = store.Open(t.Context(), o)
	must(t, err)
	p.store.Engine().Start()
	t.Cleanup(p.closeStore)
	must(t, p.store.Database().Migrate(t.Context()))
	options, err := redis.ParseURL(testenv.Redis(t))
	must(t, err)
	p.redis = redis.NewClient(options)
	t.Cleanup(func() { p.redis.Close() })
	p.tenant = storetest.Organization(t, p.store, "Acme")
	p.workers.scan = p.store.Now()

	server := ops.New(ops.Options{Store: p.store, Redis: p.redis, Queue: queue{p.redis}, Probe: ops.NewProbe(p.store, queue{p.redis}), Workers: p.workers, Metrics: metrics,
		Log: slog.New(slog.DiscardHandler), Version: "1.2.3", Embedded: o.DatabaseURL == ""})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	p.url = "http://" + listener.Addr().String()
	served := make(chan error, 1)
	p.listener = &counting{Listener: listener}
	go func() { served <- server.Serve(p.listener) }()
	t.Cleanup(func() {
		must(t, server.Shutdown(context.Background()))
		must(t, <-served)
	})
	return p
}

func (p *post) ask(t *testing.T, method, path string, change func(*http.Request)) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, p.url+path, nil)
	must(t, err)
	if change != nil {
		change(r)
	}
	response, err := http.DefaultClient.Do(r)
	must(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	must(t, err)
	return response.StatusCode, string(body)
}

// value is a series of the metrics, as it is written; empty when it is not there.
func (p *post) value(t *testing.T, series string) string {
	t.Helper()
	_, body := p.ask(t, "GET", "/metrics", nil)
	for line := range strings.Lines(body) {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func (p *post) want(t *testing.T, series, value string) {
	t.Helper()
	if got := p.value(t, series); got != value {
		t.Errorf("%s is %q, want %s", series, got, value)
	}
}

// deliver sends one event as far as its first attempt's record.
func (p *post) deliver(t *testing.T, e *models.Endpoint, cause webhook.Cause) {
	t.Helper()
	kind, _ := p.store.Catalog().Lookup("org.member.added")
	_, err := p.tenant.Publish(t.Context(), models.NewEvent{Type: kind.Type, Data: kind.Example})
	must(t, err)
	list, _, err := p.tenant.Deliveries(t.Context(), models.DeliveryFilter{}, models.Page{Limit: 1})
	must(t, err)
	jobs, _, err := p.store.Engine().Claim(t.Context(), []pipeline.Lane{{EndpointID: e.ID, DeliveryIDs: []string{list[0].ID}, Slots: 1}})
	must(t, err)
	x := webhook.Exchange{StartedAt: p.store.Now(), Duration: 30 * time.Millisecond, StatusCode: 200, Cause: cause}
	must(t, p.store.Engine().Record(t.Context(), []*pipeline.Result{{Job: jobs[0], Exchange: x}}))
}

func TestMetrics(t *testing.T) {
	p := newPost(t)
	in := models.NewEndpointInput()
	in.URL, in.EventTypes, in.Schedule = "http://127.0.0.1:9/secret-path", []string{"*"}, webhook.Schedule{Delays: []time.Duration{0}}
	e, _, err := p.tenant.CreateEndpoint(t.Context(), in)
	must(t, err)

	t.Run("begin_at_zero", func(t *testing.T) {
		p.want(t, `hookwell_events_accepted_total{origin="api"}`, "0")
		p.want(t, `hookwell_deliveries_ended_total{cause="timeout",state="failed"}`, "0")
		p.want(t, "hookwell_deliveries_due", "0")
	})
	t.Run("count_what_happens", func(t *testing.T) {
		p.deliver(t, e, "")
		p.deliver(t, e, webhook.CauseTimeout)
		for series, value := range map[string]string{
			`hookwell_events_accepted_total{origin="api"}`:                                  "2",
			`hookwell_deliveries_accepted_total{origin="api"}`:                              "2",
			`hookwell_attempts_total{cause="",outcome="success",trigger="schedule"}`:        "1",
			`hookwell_attempts_total{cause="timeout",outcome="failure",trigger="schedule"}`: "1",
			`hookwell_deliveries_ended_total{cause="",state="delivered"}`:                   "1",
			`hookwell_deliveries_ended_total{cause="timeout",state="failed"}`:               "1",
			`hookwell_exchange_duration_seconds_count`:                                      "2",
			`hookwell_first_attempt_wait_seconds_count`:                                     "2",
			`hookwell_exchange_duration_seconds_bucket{le="0.025"}`:                         "0",
			`hookwell_exchange_duration_seconds_bucket{le="0.05"}`:                          "2",
			`hookwell_worker_in_flight`:                                                     "3", `hookwell_worker_lanes`: "4", `hookwell_recorder_backlog`: "5",
			`hookwell_database_up`: "1", `hookwell_redis_up`: "1", `hookwell_build_info{version="1.2.3"}`: "1",
			`hookwell_queue_tasks{queue="fresh"}`: "0",
		} {
			p.want(t, series, value)
		}
		if p.value(t, "go_goroutines") == "" || p.value(t, "process_start_time_seconds") == "" {
			t.Error("the metrics of Go and of the process are missing")
		}
	})
	t.Run("name_no_tenant_and_no_url", func(t *testing.T) {
		_, body := p.ask(t, "GET", "/metrics", nil)
		if found := regexp.MustCompile(`(org|ep|evt|dlv|key|src|req)_[0-9a-z]{26}|secret-path|127\.0\.0\.1|Acme|acme`).FindString(body); found != "" {
			t.Errorf("the metrics tell of %q", found)
		}
	})
	t.Run("keep_a_measurement_for_some_seconds", func(t *testing.T) {
		kind, _ := p.store.Catalog().Lookup("org.member.added")
		_, err := p.tenant.Publish(t.Context(), models.NewEvent{Type: kind.Type, Data: kind.Example})
		must(t, err)
		p.want(t, "hookwell_deliveries_due", "0") // as it was measured above
	})
}

func TestReady(t *testing.T) {
	ready := func(t *testing.T, p *post) (int, map[string]bool) {
		t.Helper()
		status, body := p.ask(t, "GET", "/readyz", nil)
		var answer struct {
			Checks map[string]struct {
				OK bool `json:"ok"`
			} `json:"checks"`
		}
		must(t, json.Unmarshal([]byte(body), &answer))
		ok := map[string]bool{}
		for name, c := range answer.Checks {
			ok[name] = c.OK
		}
		return status, ok
	}
	for name, test := range map[string]struct {
		spoil  func(t *testing.T, p *post)
		status int
		fails  string
	}{
		"says_so_when_all_answers":       {func(*testing.T, *post) {}, 200, ""},
		"does_not_need_Redis":            {func(t *testing.T, p *post) { p.redis.Close() }, 200, "redis"},
		"needs_the_database":             {func(t *testing.T, p *post) { p.closeStore() }, 503, "database"},
		"needs_workers_that_look":        {func(t *testing.T, p *post) { p.workers.scan = p.store.Now().Add(-time.Minute) }, 503, "workers"},
		"needs_workers_that_have_looked": {func(t *testing.T, p *post) { p.workers.scan = time.Time{} }, 503, "workers"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPost(t)
			test.spoil(t, p)
			status, ok := ready(t, p)
			if status != test.status || test.fails != "" && ok[test.fails] || test.fails == "" && len(ok) != 5 {
				t.Errorf("%d %v", status, ok)
			}
			for part, fine := range ok {
				if !fine && part != test.fails && !(test.fails == "database" && part == "migrations") {
					t.Errorf("%s fails too", part)
				}
			}
		})
	}
	t.Run("needs_a_database_that_takes_writes", func(t *testing.T) {
		refused := func(t *testing.T, p *post, says string) {
			t.Helper()
			var status int
			var body string
			for range 50 { // each try drops a connection that the change of the database has ended
				p.clock.Advance(time.Second) // what was found before is told no more
				if status, body = p.ask(t, "GET", "/readyz", nil); strings.Contains(body, says) {
					break
				}
			}
			if status != http.StatusServiceUnavailable || !strings.Contains(body, says) {
				t.Errorf("/readyz is answered with %d %s, want 503 and %q", status, body, says)
			}
			p.want(t, "hookwell_database_up", "0")
		}
		t.Run("on_a_full_disk", func(t *testing.T) {
			folder := testenv.Disk(t, "8m")
			p := newPostOn(t, store.Options{SQLitePath: filepath.Join(folder, "hookwell.db")})
			if status, ok := ready(t, p); status != http.StatusOK {
				t.Errorf("/readyz is answered with %d %v while there is room", status, ok)
			}
			free := testenv.Fill(t, folder)
			refused(t, p, "SQLite has no room left")
			free()
			p.clock.Advance(time.Second)
			if status, ok := ready(t, p); status != http.StatusOK {
				t.Errorf("/readyz is answered with %d %v once there is room again", status, ok)
			}
		})
		t.Run("and_is_no_replica", func(t *testing.T) {
			p := newPostOn(t, store.Options{DatabaseURL: testenv.Database(t)})
			admin, err := sql.Open("pgx", p.databaseURL)
			must(t, err)
			defer admin.Close()
			// As a standby does, it refuses writes from the next transaction on.
			_, err = admin.ExecContext(t.Context(), `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$`)
			must(t, err)
			_, err = admin.ExecContext(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
			must(t, err)
			refused(t, p, "Postgres takes no writes")
		})
		for name, c := range map[string]struct{ change, says string }{
			"and_grants_connections": {"CONNECTION LIMIT 0", "Postgres grants no connection"},
			"and_takes_the_password": {"PASSWORD 'another'", "Postgres refuses the connection"},
		} {
			t.Run(name, func(t *testing.T) {
				address, err := url.Parse(testenv.Database(t))
				must(t, err)
				admin, err := sql.Open("pgx", address.String())
				must(t, err)
				defer admin.Close()
				role := strings.TrimPrefix(address.Path, "/") + "_role"
				for _, statement := range []string{"CREATE ROLE " + role + " LOGIN PASSWORD 'first'", "GRANT CREATE ON SCHEMA public TO " + role} {
					_, err = admin.ExecContext(t.Context(), statement)
					must(t, err)
				}
				address.User = url.UserPassword(role, "first")
				p := newPostOn(t, store.Options{DatabaseURL: address.String()})
				_, err = admin.ExecContext(t.Context(), "ALTER ROLE "+role+" "+c.change)
				must(t, err)
				_, err = admin.ExecContext(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1`, role)
				must(t, err)
				refused(t, p, c.says)
			})
		}
	})
	t.Run("is_more_than_alive", func(t *testing.T) {
		p := newPost(t)
		p.closeStore()
		if status, _ := p.ask(t, "GET", "/healthz", nil); status != 200 {
			t.Errorf("%d", status)
		}
	})
}

func TestDashboard(t *testing.T) {
	p := newPost(t)
	client := asynq.NewClientFromRedisClient(p.redis)
	info, err := client.Enqueue(asynq.NewTask("deliver", []byte(`{}`)), asynq.Queue("fresh"))
	must(t, err)
	t.Run("shows_the_queue", func(t *testing.T) {
		status, body := p.ask(t, "GET", "/asynq/api/queues/fresh", nil)
		if status != 200 || !strings.Contains(body, `"pending":1`) {
			t.Errorf("%d %s", status, body)
		}
		if status, body := p.ask(t, "GET", "/asynq", nil); status != 200 || !strings.Contains(body, "Asynq") {
			t.Errorf("%d %.200s", status, body)
		}
	})
	t.Run("changes_nothing", func(t *testing.T) {
		task := "/asynq/api/queues/fresh/pending_tasks/" + info.ID
		for _, r := range [][2]string{{"POST", "/asynq/api/queues/fresh:pause"}, {"DELETE", "/asynq/api/queues/fresh"}, {"DELETE", task}, {"POST", task + ":archive"},
			{"DELETE", "/asynq/api/queues/fresh/pending_tasks:delete_all"}, {"PUT", "/asynq/api/queues/fresh"}, {"PATCH", "/asynq/"}} {
			if status, _ := p.ask(t, r[0], r[1], nil); status != http.StatusMethodNotAllowed {
				t.Errorf("%s %s is answered with %d", r[0], r[1], status)
			}
		}
		if n := p.redis.LLen(t.Context(), "asynq:{fresh}:pending").Val(); n != 1 || p.redis.Exists(t.Context(), "asynq:{fresh}:paused").Val() != 0 {
			t.Errorf("%d tasks are left", n)
		}
	})
	t.Run("is_counted_as_the_metrics_count", func(t *testing.T) { p.want(t, `hookwell_queue_tasks{queue="fresh"}`, "1") })
}

func TestHost(t *testing.T) {
	p := newPost(t)
	for host, want := range map[string]int{"localhost:3001": 200, "127.0.0.1": 200, "[::1]:3001": 200, "evil.example": 421, "evil.example:3001": 421, "127.0.0.1.evil.example": 421} {
		t.Run("is_held_"+host, func(t *testing.T) {
			if status, _ := p.ask(t, "GET", "/metrics", func(r *http.Request) { r.Host = host }); status != want {
				t.Errorf("%d, want %d", status, want)
			}
		})
	}
	t.Run("has_one_use_per_path", func(t *testing.T) {
		for _, path := range []string{"/nothing", "/metrics/x", "/api/v1/events"} {
			if status, _ := p.ask(t, "GET", path, nil); status != 404 {
				t.Errorf("%s: %d", path, status)
			}
		}
		if status, _ := p.ask(t, "POST", "/readyz", nil); status != 405 {
			t.Errorf("%d", status)
		}
	})
}
