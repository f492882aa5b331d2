// Package models holds the rows and every query on them. A handler reaches an
// organization's rows only through its Tenant, whose methods are all scoped;
// what concerns a person goes through a Person, what an operator may do
// through a Platform.
package models

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"runtime"
	"sync/atomic"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"hookwell/webhook"
)

// Woken names a delivery whose work is due, for whoever sends it.
type Woken struct {
	OrganizationID string
	EndpointID     string
	DeliveryID     string
	Urgent         bool // a person asked for it and watches
}

// Waker is told, after the commit, which deliveries have become due. It must
// neither block nor fail: what it loses, the due scan finds.
type Waker interface {
	Wake(woken []Woken)
	// WakeMail says that mail was queued.
	WakeMail()
}

// Options are what a store is made of. DatabaseURL names Postgres; when it is
// empty, SQLitePath names the embedded database's file.
type Options struct {
	DatabaseURL string
	SQLitePath  string
	Catalog     *webhook.Catalog
	Guard       *webhook.Guard
	Vault       *Vault
	Clock       *Clock // nil is the machine's clock
	Waker       Waker  // nil leaves all waking to the due scan
	Meter       Meter  // nil counts nothing
	Log         *slog.Logger
	// CircuitProbe is how long an open circuit waits for its probe; 0 is 30 s.
	CircuitProbe time.Duration
	// PasswordCost is the cost of the hashes that are made; the zero value is
	// DefaultPasswordCost. Tests that hash a lot name a lower one.
	PasswordCost PasswordCost
	// Pooler is what stands between the program and Postgres; empty is PoolerAuto.
	Pooler Pooler
	// Connections is how many connections to Postgres are opened at most; 0 goes by
	// what the server grants.
	Connections int
	// MaxEndpoints is how many endpoints an organization may have; 0 is
	// DefaultMaxEndpoints. One that has more already keeps them.
	MaxEndpoints int
	// Mail tells that a mail server is set; BaseURL is what links in mail begin with.
	Mail    bool
	BaseURL *url.URL
}

// Store is the database and the rules on it. It is safe for concurrent use.
type Store struct {
	db      *gorm.DB
	dialect dialect
	access  Access
	catalog *webhook.Catalog
	guard   *webhook.Guard
	vault   *Vault
	clock   *Clock
	waker   Waker
	meter   Meter
	log     *slog.Logger
	probe   time.Duration
	most    int // endpoints of one organization
	publish *publisher
	mail    bool
	base    atomic.Pointer[url.URL]
	full    atomic.Bool // something was refused for want of room
	// What was read lately. Each use asks the database whether it still stands.
	settings     kept[*settings]    // by organization
	reporters    kept[keptKey]      // by the key's hash
	names        kept[string]       // ids of organizations, by external id
	messages     kept[keptTemplate] // by endpoint
	bodies       bodies
	successes    successes
	passwordCost PasswordCost
	hashing      *hashing
	// writing lets transactions on SQLite take turns in the order in which they
	// come: the database has one writer, and those that wait for it look again
	// after ever longer pauses. It is nil on Postgres.
	writing    chan struct{}
	statements statements
}

// Open connects to the database. It changes nothing: Migrate makes the tables.
// It fails when the database can't be reached.
func Open(ctx context.Context, o Options) (*Store, error) {
	s := &Store{catalog: o.Catalog, guard: o.Guard, vault: o.Vault, clock: o.Clock, waker: o.Waker, meter: o.Meter, log: o.Log, mail: o.Mail,
		// Half the processors, so that deliveries go on while passwords are tried.
		hashing: newHashing(max(1, runtime.GOMAXPROCS(0)/2))}
	if s.passwordCost = o.PasswordCost; s.passwordCost == (PasswordCost{}) {
		s.passwordCost = DefaultPasswordCost
	}
	if s.probe = o.CircuitProbe; s.probe == 0 {
		s.probe = circuitProbe
	}
	if s.most = o.MaxEndpoints; s.most == 0 {
		s.most = DefaultMaxEndpoints
	}
	s.base.Store(o.BaseURL)
	if s.clock == nil {
		s.clock = &Clock{}
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	o.Log = s.log
	if o.DatabaseURL != "" {
		s.dialect = postgresDialect{}
	} else {
		s.dialect, s.writing = sqliteDialect{}, make(chan struct{}, 1)
		if err := makePrivate(o.SQLitePath); err != nil {
			return nil, begun("opening the database", err)
		}
	}
	db, err := gorm.Open(s.dialect.open(o), &gorm.Config{
		Logger:                 storageWatch{logger.Discard, &s.full}, // errors are returned, and logged once where they end
		SkipDefaultTransaction: true,
		TranslateError:         true,
		DisableAutomaticPing:   true, // configure reaches the database, and waits for it
		QueryFields:            true, // an older process goes on beside a newer one that added columns
		NowFunc:                s.clock.Now,
	})
	if err != nil {
		return nil, begun("opening the database", err)
	}
	s.db = db
	pool, err := db.DB()
	if err != nil {
		return nil, err
	}
	if s.access, err = s.dialect.configure(ctx, db, pool, o); err == nil {
		err = pool.PingContext(ctx)
	}
	if err != nil {
		return nil, errors.Join(begun("reaching the database", err), pool.Close())
	}
	s.statements = statementsFor(s.dialect)
	s.publish = newPublisher(s)
	return s, nil
}

// Close ends what is under way and the connections.
func (s *Store) Close() error {
	s.publish.close()
	if p, ok := s.db.ConnPool.(*postgresPool); ok {
		p.close()
	}
	pool, err := s.db.DB()
	if err != nil {
		return err
	}
	return pool.Close()
}

// Ping tells whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	pool, err := s.db.DB()
	if err != nil {
		return err
	}
	return pool.PingContext(ctx)
}

// Access is how the store reaches its database, as Open found it.
func (s *Store) Access() Access { return s.access }

// Now is the store's clock, in UTC.
func (s *Store) Now() time.Time { return s.clock.Now() }

// Catalog is the event types that the store accepts.
func (s *Store) Catalog() *webhook.Catalog { return s.catalog }

// find reads one row, or says that there is no such noun.
func find[T any](query *gorm.DB, noun string) (*T, error) {
	var row T
	err := query.Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, notFound(noun)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the %s: %w", noun, err)
	}
	return &row, nil
}
