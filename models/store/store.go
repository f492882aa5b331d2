// Package store holds who may see and change what. A handler reaches an
// organization's rows only through its Tenant, whose methods are all scoped;
// what concerns a person goes through a Person, what an operator may do
// through a Platform.
package store

import (
	"context"
	"log/slog"
	"runtime"
	"time"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/pipeline"
	"hookwell/webhook"
)

// Options are what a store is made of. DatabaseURL names Postgres; when it is
// empty, SQLitePath names the embedded database's file.
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
	// PasswordCost is the cost of the hashes that are made; the zero value is
	// DefaultPasswordCost. Tests that hash a lot name a lower one.
	PasswordCost PasswordCost
	// Pooler is what stands between the program and Postgres; empty is PoolerAuto.
	Pooler database.Pooler
	// Connections is how many connections to Postgres are opened at most; 0 goes by
	// what the server grants.
	Connections int
	// MaxEndpoints is how many endpoints an organization may have; 0 is
	// DefaultMaxEndpoints. One that has more already keeps them.
	MaxEndpoints int
	// Mail tells that a mail server is set.
	Mail bool
}

// Store is the rules on what people and products may see and change. It is safe
// for concurrent use.
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
	// What was read lately. Each use asks the database whether it still stands.
	reporters    *pipeline.Cache[cachedKey] // by the key's hash
	names        *pipeline.Cache[string]    // ids of organizations, by external id
	passwordCost PasswordCost
	hashing      *hashing
}

// Open connects to the database and makes the engine, at rest. It changes
// nothing: Migrate makes the tables. It fails when the database can't be reached.
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
		most: o.MaxEndpoints, passwordCost: o.PasswordCost, reporters: pipeline.NewCache[cachedKey](), names: pipeline.NewCache[string](),
		// Half the processors, so that deliveries go on while passwords are tried.
		hashing: newHashing(max(1, runtime.GOMAXPROCS(0)/2))}
	if s.passwordCost == (PasswordCost{}) {
		s.passwordCost = DefaultPasswordCost
	}
	if s.most == 0 {
		s.most = DefaultMaxEndpoints
	}
	return s, nil
}

// Close ends what is under way and the connections.
func (s *Store) Close() error {
	s.engine.Close()
	return s.db.Close()
}

// Engine is what accepts, claims and records on the store's database.
func (s *Store) Engine() *pipeline.Engine { return s.engine }

// Database is the store's database.
func (s *Store) Database() *database.DB { return s.db }

// Catalog is the event types that the store accepts.
func (s *Store) Catalog() *webhook.Catalog { return s.catalog }

// Now is the store's clock, in UTC.
func (s *Store) Now() time.Time { return s.clock.Now() }

// StorageRefusal returns what a person gets to see of an error that says that
// the database has no room left or takes no writes, and nil of any other.
func StorageRefusal(err error) *models.Error { return database.StorageRefusal(err) }
