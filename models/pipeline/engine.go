// Package pipeline is the engine: what happens to an event from its report to
// its last attempt. It is started by who serves or works.
//
//   - Publish: a report is checked (draft), grouped with others (publisher, turns)
//     and committed with one delivery for each endpoint (accept, unfinished); what
//     the sole worker can send at once it claims with it (at_once, attend);
//   - Due names deliveries whose time has come, and Claim takes them (work, gate)
//     with what is sent (template);
//   - Record writes what came of attempts (record, record_delivered, advance), moves circuits
//     (circuit) and counts (rollup);
//   - rounds do the rest: end, retention, watch.
//
// Who may see and change what is the business of package store.
package pipeline

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"hookwell/models/database"
	"hookwell/webhook"
)

// Options are what an engine is made of.
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
	worker     string      // this process, among those that have workers
	sole       atomic.Bool // it alone has any, as far as it knows
	attending  sync.Mutex
	unsure     unsure
	colleagues map[string]colleague // the others; guarded by attending
	// What was read lately. Each use asks the database whether it still stands.
	rules     *Cache[*acceptRules]   // by organization
	messages  *Cache[cachedTemplate] // by endpoint
	bodies    bodies
	successes successes
}

// New returns an engine at rest: it reads and writes, and commits reports once
// it is started.
func New(o Options) *Engine {
	p := &Engine{db: o.Database, statements: statementsFor(o.Database.Dialect), clock: o.Clock, catalog: o.Catalog, vault: o.Vault,
		waker: o.Waker, meter: o.Meter, log: o.Log, probe: o.CircuitProbe, worker: newWorkerID(),
		rules: NewCache[*acceptRules](), messages: NewCache[cachedTemplate]()}
	if p.probe == 0 {
		p.probe = circuitProbe
	}
	p.publish = newPublisher(p)
	return p
}

// Now is the engine's clock, in UTC.
func (p *Engine) Now() time.Time { return p.clock.Now() }

// Ping reports whether the database answers.
func (p *Engine) Ping(ctx context.Context) error { return p.db.Ping(ctx) }

// MakePartitions makes the partitions of the days ahead. It is safe to call at
// any time and from several processes.
func (p *Engine) MakePartitions(ctx context.Context) error { return p.db.MakePartitions(ctx) }

// Close commits what was reported, and ends.
func (p *Engine) Close() { p.publish.close() }
