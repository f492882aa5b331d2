package ops

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"hookwell/models"
	"hookwell/models/pipeline"
	"hookwell/webhook"
)

// Metrics count what a process does. No label names a tenant, an endpoint or a
// URL: each has a few values that are known beforehand. It is a pipeline.Meter
// and a web.Meter. It is safe for concurrent use.
type Metrics struct {
	registry   *prometheus.Registry
	events     *prometheus.CounterVec
	deliveries *prometheus.CounterVec
	attempts   *prometheus.CounterVec
	ended      *prometheus.CounterVec
	requests   *prometheus.HistogramVec
	accept     prometheus.Histogram
	received   *prometheus.CounterVec
	receive    prometheus.Histogram
	wait       prometheus.Histogram
	exchange   prometheus.Histogram
}

// The buckets, in seconds. Accepting takes a commit; an exchange up to 30 s; a
// delivery may wait for as long as its endpoint is held back.
var (
	acceptBuckets   = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	waitBuckets     = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200}
	exchangeBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 15, 30}
)

// NewMetrics returns metrics that are all zero.
func NewMetrics(version string) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
	}
	m := &Metrics{
		registry:   prometheus.NewRegistry(),
		events:     counter("hookwell_events_accepted_total", "Events that were committed, by who reported them: api, app, test, mapped or relayed.", "origin"),
		deliveries: counter("hookwell_deliveries_accepted_total", "Deliveries that accepted events led to, by the event's origin.", "origin"),
		attempts:   counter("hookwell_attempts_total", "Attempts that were recorded, by outcome, cause of failure and what asked for them.", "outcome", "cause", "trigger"),
		ended:      counter("hookwell_deliveries_ended_total", "Deliveries that came to an end, by state, and failed ones by the cause of their last attempt. Tests are left out.", "state", "cause"),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "hookwell_api_request_duration_seconds",
			Help: "Requests of the HTTP API, by route and status.", Buckets: acceptBuckets}, []string{"method", "route", "status"}),
		accept:   histogram("hookwell_accept_duration_seconds", "From the arrival of a report to its 202, events one by one and in batches.", acceptBuckets),
		received: counter("hookwell_requests_received_total", "Requests that came to sources, by state (verified, authenticated, unverified, duplicate, handshake, refused or failed) and cause of refusal.", "state", "cause"),
		receive:  histogram("hookwell_receive_duration_seconds", "From the arrival of a request at a source to its response, whatever became of it.", acceptBuckets),
		wait:     histogram("hookwell_first_attempt_wait_seconds", "From an event's acceptance to the start of a delivery's first attempt, over what its schedule asks for.", waitBuckets),
		exchange: histogram("hookwell_exchange_duration_seconds", "The whole exchange of an attempt, whatever its outcome.", exchangeBuckets),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{Name: "hookwell_build_info", Help: "1, labelled with the program's version.", ConstLabels: prometheus.Labels{"version": version}})
	build.Set(1)
	m.registry.MustRegister(m.events, m.deliveries, m.attempts, m.ended, m.requests, m.accept, m.received, m.receive, m.wait, m.exchange, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.beginAtZero()
	return m
}

// beginAtZero makes the series that alerts look at, so that the first failure
// is a rise and not a series that was not there.
func (m *Metrics) beginAtZero() {
	for _, origin := range models.Origins() {
		m.events.WithLabelValues(string(origin))
		m.deliveries.WithLabelValues(string(origin))
	}
	for _, outcome := range models.ReceivedOutcomes() {
		m.received.WithLabelValues(outcome[0], outcome[1])
	}
	m.ended.WithLabelValues(string(models.Delivered), "")
	m.ended.WithLabelValues(string(models.Cancelled), "")
	for _, cause := range webhook.Causes() {
		m.ended.WithLabelValues(string(models.Failed), string(cause))
	}
}

// Accepted counts a transaction's events of one origin.
func (m *Metrics) Accepted(origin models.Origin, events, deliveries int) {
	m.events.WithLabelValues(string(origin)).Add(float64(events))
	m.deliveries.WithLabelValues(string(origin)).Add(float64(deliveries))
}

// Attempted counts a group of attempts: one addition for each kind among them.
func (m *Metrics) Attempted(results []*pipeline.Result) {
	type kind struct {
		cause   webhook.Cause
		trigger models.Trigger
	}
	kinds := map[kind]int{}
	for i := range results {
		r := results[i]
		kinds[kind{r.Exchange.Cause, r.Trigger()}]++
		if r.Exchange.Cause != webhook.CauseInterrupted {
			m.exchange.Observe(r.Exchange.Duration.Seconds())
		}
		if wait, ok := r.FirstWait(); ok {
			m.wait.Observe(wait.Seconds())
		}
	}
	for k, n := range kinds {
		outcome := "failure"
		if k.cause == "" {
			outcome = "success"
		}
		m.attempts.WithLabelValues(outcome, string(k.cause), string(k.trigger)).Add(float64(n))
	}
}

// Ended counts deliveries that came to one end.
func (m *Metrics) Ended(state models.State, cause webhook.Cause, deliveries int) {
	m.ended.WithLabelValues(string(state), string(cause)).Add(float64(deliveries))
}

// Request counts a response of the API. The route is its pattern, never a path.
func (m *Metrics) Request(method, route string, status int, took time.Duration) {
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Observe(took.Seconds())
}

// Accept counts an accepted report.
func (m *Metrics) Accept(took time.Duration) { m.accept.Observe(took.Seconds()) }

// Receive counts a request to a source.
func (m *Metrics) Receive(state, cause string, took time.Duration) {
	m.received.WithLabelValues(state, cause).Inc()
	m.receive.Observe(took.Seconds())
}
