// Package pipeline is the engine. It takes an event from its report to its last
// attempt, in this order:
//
//   - Draft checks a report against the catalog and writes the envelope's bytes (draft.go).
//   - Publish groups reports (publisher.go, turns.go) and commits each with one
//     delivery for each subscribed endpoint (accept*.go, fan_out.go; unfinished.go for more
//     deliveries than one transaction writes). It claims what the sole worker can send
//     at once in the same transaction (at_once.go, group.go, attend.go).
//   - Receive takes in the requests of sources in groups (receive*.go), and
//     ProcessRequests turns them into events (process*.go).
//   - Due finds deliveries that nobody was woken for (due.go).
//   - Claim takes due deliveries, within each endpoint's limits (work.go, gate.go), and
//     returns what to send (template.go, bodies.go).
//   - Record writes the results of attempts (record.go; record_grouped.go and
//     record_delivered.go for what delivered), advances deliveries (advance.go), moves
//     circuits (circuit.go) and counts (rollup.go).
//   - Periodic rounds do the rest: end.go, retention.go, watch.go.
//
// Start with Engine in engine.go, then read draft.go, publisher.go, work.go and
// record.go. Processes that serve or work call Engine.Start; before that, nothing
// is committed. Package store decides who may see and change what.
package pipeline

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"hookwell/models/database"
	"hookwell/webhook"
)

// Options configure an engine. Database, Clock, Catalog, Vault and Log are
// required.
type Options struct {
	Database *database.DB
	Clock    *database.Clock
	Catalog  *webhook.Catalog
	Vault    *database.Vault
	Waker    Waker // nil leaves all waking to the due scan
	Meter    Meter // nil counts nothing
	Log      *slog.Logger
	// CircuitProbe is how long an open circuit waits for its probe; 0 is 30 s.
	CircuitProbe time.Duration
}

// Engine accepts, claims and records. It is safe for concurrent use.
type Engine struct {
	db         *database.DB
	statements statements
	clock      *database.Clock
	catalog    *webhook.Catalog
	vault      *database.Vault
	waker      Waker
	meter      Meter
	log        *slog.Logger
	probe      time.Duration
	publish    *publisher
	receive    *receiver
	worker     string      // this process, among those that have workers
	sole       atomic.Bool // it alone has any, as far as it knows
	attending  sync.Mutex
	attended   atomic.Int64 // when Attend last began that was committed, since the machine's start
	unsure     unsure
	groups     ownGroups
	colleagues map[string]colleague // the others; guarded by attending
	// What was read lately. Each use asks the database whether it still stands.
	rules    *Cache[*acceptRules]   // by organization
	messages *Cache[cachedTemplate] // by endpoint
	sources  *Cache[*OpenSource]    // by the hash of a token, or by id
	opening  singleflight.Group     // of sources, by the hash of a token
	readings atomic.Int64           // of sources, so far
	// sourcesDropped is how many readings had begun as sources were last dropped from
	// memory.
	sourcesDropped atomic.Int64
	bodies         bodies
	received       keptRequests
	successes      successes

	requestsCalled chan struct{} // some wait to be processed
	previewing     chan struct{} // has one while a preview of mappings runs
	requestsPress  atomic.Bool   // more are to be processed at once
	processes      atomic.Bool   // this process turns requests into events
	handshakes     handshakes
	hopOnce        sync.Mutex
	hopText        string // guarded by hopOnce
}

// New returns an engine at rest: it reads and writes, but commits no reports
// until Start.
func New(o Options) *Engine {
	p := &Engine{db: o.Database, statements: statementsFor(o.Database.Dialect), clock: o.Clock, catalog: o.Catalog, vault: o.Vault,
		waker: o.Waker, meter: o.Meter, log: o.Log, probe: o.CircuitProbe, worker: newWorkerID(),
		rules: NewCache[*acceptRules](), messages: NewCache[cachedTemplate](), sources: NewCache[*OpenSource](), requestsCalled: make(chan struct{}, 1), previewing: make(chan struct{}, 1)}
	if p.probe == 0 {
		p.probe = circuitProbe
	}
	p.publish, p.receive = newPublisher(p), newReceiver(p)
	return p
}

// Now returns the time by the engine's clock, in UTC.
func (p *Engine) Now() time.Time { return p.clock.Now() }

// Ping reports whether the database answers.
func (p *Engine) Ping(ctx context.Context) error { return p.db.Ping(ctx) }

// MakePartitions makes the partitions of the days ahead. Any process may call it
// at any time.
func (p *Engine) MakePartitions(ctx context.Context) error { return p.db.MakePartitions(ctx) }

// Close commits the reports and the requests that were taken in, and then stops
// committing.
func (p *Engine) Close() {
	p.receive.close()
	p.publish.close()
}
