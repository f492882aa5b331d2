// Package store decides who may see and change what. Every handler reaches rows
// through one of five views, and each view's methods are scoped to it:
//
//   - Tenant is one organization: its endpoints, events, deliveries, keys, members and
//     audit log. Most files are its methods, one file for each noun.
//   - Person is a signed-in user: account, sessions, second factor, the organizations
//     they belong to.
//   - Platform is a platform key or an operator at the command line: every organization.
//   - Portal is a visitor who came by a portal link: one organization.
//   - Receiving is what one organization's sources or the installation's own receive.
//
// A view is made by signing in (sign_in.go, identity.go, two_factor.go), by a key
// (key.go, reporter.go), by Store.Platform and Store.Operator (platform.go), or
// by a link (portal.go). Which role or scope a call needs, its route says (web/guard.go,
// web/api/api.go); a method checks the input, and the role where that depends on rows,
// as with owners, team and keys. It changes rows in one transaction, and writes its
// audit row there. form.go makes a form that is
// sent twice act once, version.go checks that an edit is of the present version.
//
// Start with Store in store.go and Tenant in tenant.go. Events go on to the
// engine in publish.go.
package store

import (
	"context"
	"log/slog"
	"net/url"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/pipeline"
	"hookwell/webhook"
)

// Options configure a store. DatabaseURL names Postgres; if it is empty,
// SQLitePath names the embedded database's file.
type Options struct {
	DatabaseURL string
	SQLitePath  string
	Catalog     *webhook.Catalog
	Guard       *webhook.Guard
	Vault       *database.Vault
	Clock       *database.Clock // nil is the machine's clock
	Waker       pipeline.Waker  // nil leaves all waking to the due scan
	Meter       pipeline.Meter  // nil counts nothing
	Log         *slog.Logger
	// CircuitProbe is how long an open circuit waits for its probe; 0 is 30 s.
	CircuitProbe time.Duration
	// PasswordCost is the cost of new hashes; the zero value is
	// DefaultPasswordCost. Tests that hash many passwords set a lower one.
	PasswordCost PasswordCost
	// Pooler is the kind of pooler in front of Postgres; empty is PoolerAuto.
	Pooler database.Pooler
	// Connections is the most connections to Postgres to open; 0 derives it from
	// the server's limit.
	Connections int
	// MaxEndpoints is how many endpoints an organization may have; 0 is
	// DefaultMaxEndpoints. An organization that already has more keeps them.
	MaxEndpoints int
	// Mail reports whether a mail server is set.
	Mail bool
	// BaseURL is how providers reach this server, without a slash at the end, as far
	// as it is known before the server listens: see ServedAt.
	BaseURL string
}

// Store decides what people and products may see and change. It is safe for
// concurrent use.
type Store struct {
	db      *database.DB
	engine  *pipeline.Engine
	catalog *webhook.Catalog
	guard   *webhook.Guard
	vault   *database.Vault
	clock   *database.Clock
	log     *slog.Logger
	most    int // endpoints of one organization
	mail    bool
	base    atomic.Pointer[string]     // how providers reach this server
	origins atomic.Pointer[[]*url.URL] // at which the server is reached
	// What was read lately. Each use asks the database whether it still stands.
	reporters    *pipeline.Cache[cachedKey] // by the key's hash
	names        *pipeline.Cache[string]    // ids of organizations, by external id
	passing      *pipeline.Cache[counted]   // refused requests that pass by now, by their source's id
	passwordCost PasswordCost
	hashing      *hashing
}

// Open connects to the database and makes the engine, at rest. It doesn't change
// the database: Migrate makes the tables. It fails if the database can't be
// reached.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Clock == nil {
		o.Clock = &database.Clock{}
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	db, err := database.Open(ctx, database.Options{DatabaseURL: o.DatabaseURL, SQLitePath: o.SQLitePath, Clock: o.Clock, Log: o.Log, Pooler: o.Pooler, Connections: o.Connections})
	if err != nil {
		return nil, err
	}
	engine := pipeline.New(pipeline.Options{Database: db, Clock: o.Clock, Catalog: o.Catalog, Vault: o.Vault, Waker: o.Waker, Meter: o.Meter, Log: o.Log,
		CircuitProbe: o.CircuitProbe})
	s := &Store{db: db, engine: engine, catalog: o.Catalog, guard: o.Guard, vault: o.Vault, clock: o.Clock, log: o.Log, mail: o.Mail,
		most: o.MaxEndpoints, passwordCost: o.PasswordCost, reporters: pipeline.NewCache[cachedKey](), names: pipeline.NewCache[string](), passing: pipeline.NewCache[counted](),
		// Half the processors, so that deliveries go on while passwords are tried.
		hashing: newHashing(max(1, runtime.GOMAXPROCS(0)/2))}
	s.ServedAt(o.BaseURL)
	if s.passwordCost == (PasswordCost{}) {
		s.passwordCost = DefaultPasswordCost
	}
	if s.most == 0 {
		s.most = DefaultMaxEndpoints
	}
	return s, nil
}

// Close finishes work in progress and closes the connections. It fails if closing
// the database does.
func (s *Store) Close() error {
	s.engine.Close()
	return s.db.Close()
}

// Engine returns the engine that accepts, claims and records on the store's
// database.
func (s *Store) Engine() *pipeline.Engine { return s.engine }

// ServedAt sets how providers reach this server, since some sign the URL that they
// send to. Hosts are further ones, with their ports, at which it is reached: no
// endpoint may be a source of this server.
func (s *Store) ServedAt(base string, hosts ...string) {
	base = strings.TrimSuffix(base, "/")
	s.base.Store(&base)
	origins := originsOf(base, hosts)
	s.origins.Store(&origins)
}

func (s *Store) baseURL() string { return *s.base.Load() }

// Database returns the store's database.
func (s *Store) Database() *database.DB { return s.db }

// Catalog returns the catalog of event types that the store accepts.
func (s *Store) Catalog() *webhook.Catalog { return s.catalog }

// Now returns the time by the store's clock, in UTC.
func (s *Store) Now() time.Time { return s.clock.Now() }

// StorageRefusal returns the error to show a person if err means that the
// database is full or read-only, and nil otherwise.
func StorageRefusal(err error) *models.Error { return database.StorageRefusal(err) }

// DatabaseRefuses reports whether an error says that the database was reached and
// refuses connections until somebody changes a setting.
func DatabaseRefuses(err error) bool { return database.Refused(err) }
