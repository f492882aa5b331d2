// Package database opens, migrates and queries the two databases, Postgres and
// SQLite:
//
//   - DB and Tx: a connection pool, and a transaction with its time and the functions
//     to call after its commit (database.go, transaction.go, tx.go)
//   - Dialect: what the two do differently (dialect*.go)
//   - postgres_*.go, pooler.go: connections, sessions and poolers
//   - bulk.go, page.go, partition.go, migrate*.go: bulk writes, pages by keyset,
//     partitions by day, migrations
//   - Clock, which makes rising ids (clock.go, id.go), and Vault, which seals secrets
//     (vault.go)
//   - outage.go, storage.go, probe.go: database errors as errors that a person may see
//
// It knows the rows of package models, and no rule about them. Start with Open.
package database

import (
	"context"
	"errors"
	"log/slog"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// Options are how a database is opened. DatabaseURL names Postgres; when it is
// empty, SQLitePath names the embedded database's file.
type Options struct {
	DatabaseURL string
	SQLitePath  string
	Clock       *Clock // nil is the machine's clock
	Log         *slog.Logger
	// Pooler is what stands between the program and Postgres; empty is PoolerAuto.
	Pooler Pooler
	// Connections is how many connections to Postgres are opened at most; 0 goes by
	// what the server grants.
	Connections int
}

// DB is a database. It is safe for concurrent use.
type DB struct {
	*gorm.DB
	Dialect Dialect
	clock   *Clock
	log     *slog.Logger
	access  Access
	full    shortage // of room
	// writing lets transactions on SQLite take turns in the order in which they
	// come: the database has one writer, and those that wait for it look again
	// after ever longer pauses. It is nil on Postgres.
	writing chan struct{}
}

// Open connects to the database. It changes nothing: Migrate makes the tables.
// It fails when the database can't be reached.
func Open(ctx context.Context, o Options) (*DB, error) {
	if o.Clock == nil {
		o.Clock = &Clock{}
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	db := &DB{clock: o.Clock, log: o.Log}
	if o.DatabaseURL != "" {
		db.Dialect = postgresDialect{}
	} else {
		db.Dialect, db.writing = sqliteDialect{}, make(chan struct{}, 1)
		if err := makePrivate(o.SQLitePath); err != nil {
			return nil, begun("opening the database", err)
		}
	}
	connection, err := gorm.Open(db.Dialect.open(o), &gorm.Config{
		Logger:                 storageWatch{logger.Discard, &db.full}, // errors are returned, and logged once where they end
		SkipDefaultTransaction: true,
		TranslateError:         true,
		DisableAutomaticPing:   true, // configure reaches the database, and waits for it
		QueryFields:            true, // an older process goes on beside a newer one that added columns
		NowFunc:                o.Clock.Now,
	})
	if err != nil {
		return nil, begun("opening the database", err)
	}
	db.DB = connection
	pool, err := db.DB.DB()
	if err != nil {
		return nil, err
	}
	if db.access, err = db.Dialect.configure(ctx, connection, pool, o); err == nil {
		err = pool.PingContext(ctx)
	}
	if err != nil {
		return nil, errors.Join(begun("reaching the database", err), pool.Close())
	}
	return db, nil
}

// Close ends the connections.
func (db *DB) Close() error {
	if p, ok := db.ConnPool.(*PostgresPool); ok {
		p.close()
	}
	pool, err := db.DB.DB()
	if err != nil {
		return err
	}
	return pool.Close()
}

// WithinGranted has the pool open no more connections than its share, and none
// beyond what the server grants this role, once nothing takes two at a time as
// migrations do: who needs one waits its turn, where it would else be refused one
// and come last. It returns how the database is reached then.
func (db *DB) WithinGranted() Access {
	if p, ok := db.ConnPool.(*PostgresPool); ok && !db.access.Pooled && db.access.Granted > 0 {
		db.access.Connections = min(db.access.Connections, db.access.Granted)
		p.setMost(db.access.Connections)
	}
	return db.access
}

// Access returns how the database is reached, as Open found it.
func (db *DB) Access() Access { return db.access }
