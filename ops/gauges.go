package ops

import (
	"context"
	"database/sql"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hookwell/models"
)

// A measurement that takes a query is kept: for some seconds, and for longer
// the longer it took, so that scrapes use a twentieth of one connection at most.
const (
	keepFor      = 5 * time.Second
	keepTimes    = 20
	keepMost     = time.Minute
	measureLimit = 8 * time.Second
)

// gauges are measured when they are scraped.
type gauges struct {
	Options

	mu       sync.Mutex
	measured time.Time
	keep     time.Duration
	depth    *models.Depth    // nil while the database does not answer
	queues   map[string]int64 // nil while Redis does not answer
}

var (
	describe = func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	databaseUp    = describe("hookwell_database_up", "1 while the database answers and takes writes.")
	redisUp       = describe("hookwell_redis_up", "1 while Redis takes writes and messages.")
	inFlight      = describe("hookwell_deliveries_in_flight", "Deliveries under a lease, over all processes.")
	due           = describe("hookwell_deliveries_due", "Deliveries that could be sent now, over all processes: neither in flight nor held back.")
	waiting       = describe("hookwell_deliveries_waiting", "Deliveries that wait for the time of their next attempt, for a circuit, or for an endpoint to be enabled.")
	oldestDue     = describe("hookwell_oldest_due_seconds", "How long the delivery that has been due the longest has been so; 0 when none is.")
	openCircuits  = describe("hookwell_open_circuits", "Endpoints whose circuit is open.")
	recoveries    = describe("hookwell_recoveries_running", "Recoveries that run.")
	requestsDue   = describe("hookwell_requests_waiting", "Requests of sources that wait to be turned into events.")
	oldestRequest = describe("hookwell_oldest_request_seconds", "How long the request that has waited the longest to be turned into events has done so; 0 when none does.")
	queueTasks    = describe("hookwell_queue_tasks", "Tasks that wait in Redis, up to 100 deliveries in each.", "queue")
	workerFlights = describe("hookwell_worker_in_flight", "Attempts of this process that are being sent or wait to be recorded.")
	workerLanes   = describe("hookwell_worker_lanes", "Deliveries that wait in this process for a free slot of their endpoint.")
	backlog       = describe("hookwell_recorder_backlog", "Outcomes of this process that wait to be written.")
	scanAge       = describe("hookwell_last_scan_age_seconds", "How long ago this process last looked for due deliveries.")
	poolOpen      = describe("hookwell_database_connections", "Connections of this process to the database, by state.", "state")
	poolMost      = describe("hookwell_database_connections_max", "How many connections this process may open; 0 is no limit.")
	poolWaits     = describe("hookwell_database_connection_waits_total", "How often this process waited for a free connection.")
	poolWaited    = describe("hookwell_database_connection_wait_seconds_total", "How long this process waited for free connections.")
)

// watch adds what is measured at each scrape.
func (m *Metrics) watch(o Options) { m.registry.MustRegister(&gauges{Options: o}) }

// Describe names the gauges.
func (g *gauges) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{databaseUp, redisUp, inFlight, due, waiting, oldestDue, openCircuits, recoveries, requestsDue, oldestRequest, queueTasks,
		workerFlights, workerLanes, backlog, scanAge, poolOpen, poolMost, poolWaits, poolWaited} {
		to <- d
	}
}

// Collect measures. A gauge that can't be measured is left out, rather than
// told as zero.
func (g *gauges) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	depth, queues := g.measure()
	gauge(databaseUp, truth(depth != nil && g.Probe.Database(context.Background()) == nil))
	gauge(redisUp, truth(queues != nil && g.Probe.Redis(context.Background()) == nil))
	if depth != nil {
		gauge(inFlight, float64(depth.InFlight))
		gauge(due, float64(depth.Due))
		gauge(waiting, float64(depth.Waiting))
		gauge(oldestDue, depth.OldestDue.Seconds())
		gauge(openCircuits, float64(depth.OpenCircuits))
		gauge(recoveries, float64(depth.Recoveries))
		gauge(requestsDue, float64(depth.Requests))
		gauge(oldestRequest, depth.OldestRequest.Seconds())
	}
	for name, n := range queues {
		gauge(queueTasks, float64(n), name)
	}
	if w := g.Workers; w != nil {
		gauge(workerFlights, float64(w.InFlight()))
		gauge(workerLanes, float64(w.Lanes()))
		gauge(backlog, float64(w.Unrecorded()))
		if last := w.LastScan(); !last.IsZero() {
			gauge(scanAge, g.Store.Now().Sub(last).Seconds())
		}
	}
	pool := g.Store.Engine().Connections()
	gauge(poolOpen, float64(pool.InUse), "used")
	gauge(poolOpen, float64(pool.Idle), "idle")
	gauge(poolMost, float64(pool.MaxOpenConnections))
	collectWaits(to, pool)
}

func collectWaits(to chan<- prometheus.Metric, pool sql.DBStats) {
	to <- prometheus.MustNewConstMetric(poolWaits, prometheus.CounterValue, float64(pool.WaitCount))
	to <- prometheus.MustNewConstMetric(poolWaited, prometheus.CounterValue, pool.WaitDuration.Seconds())
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// measure asks the database and Redis, or answers what they said a moment ago.
// Scrapes that come together wait for one measurement.
func (g *gauges) measure() (*models.Depth, map[string]int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if began := time.Now(); began.Sub(g.measured) >= g.keep {
		g.depth, g.queues = g.ask(g.Log)
		g.measured = time.Now()
		g.keep = min(max(keepFor, keepTimes*g.measured.Sub(began)), keepMost)
	}
	return g.depth, g.queues
}

func (g *gauges) ask(log *slog.Logger) (depth *models.Depth, queues map[string]int64) {
	ctx, cancel := context.WithTimeout(context.Background(), measureLimit)
	defer cancel()
	var asking sync.WaitGroup
	asking.Go(func() {
		if d, err := g.Store.Engine().Depth(ctx); err != nil {
			log.Warn("measuring for a scrape", "error", err)
		} else {
			depth = &d
		}
	})
	asking.Go(func() {
		if sizes, err := g.Queue.QueueSizes(ctx); err == nil { // that Redis is away is said once, by the queue
			queues = sizes
		}
	})
	asking.Wait()
	return depth, queues
}
