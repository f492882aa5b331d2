package database

import (
	"context"
	"database/sql"
	"io/fs"

	"github.com/pressly/goose/v3"

	"hookwell/migrations"
)

// Migrate applies the migrations that are missing, one process at a time, and
// makes the partitions of the days ahead.
func (db *DB) Migrate(ctx context.Context) error {
	provider, err := db.Migrator()
	if err != nil {
		return err
	}
	if err := db.migrateUp(ctx, provider); err != nil {
		return begun("migrating", err)
	}
	return db.MakePartitions(ctx)
}

// migrateTries is how often a migration is tried that deadlocks with the work
// of a running process.
const migrateTries = 10

// migrateUp applies what is missing. A migration that is chosen as a deadlock's
// victim was rolled back whole and is tried again, so that a new version starts
// beside an old one under load.
func (db *DB) migrateUp(ctx context.Context, provider *goose.Provider) error {
	for try := 1; ; try++ {
		_, err := provider.Up(ctx)
		if try == migrateTries || !runsAgain(err) && !notGranted(err) {
			return Outage(err)
		}
		db.log.Warn("a migration stood in the way of running work and is tried again", "error", err)
	}
}

// Migrator returns what applies the migrations. It fails if they can't be read.
func (db *DB) Migrator() (*goose.Provider, error) {
	pool, err := db.DB.DB()
	if err != nil {
		return nil, err
	}
	return db.Dialect.migrator(pool)
}

func newMigrator(dialect goose.Dialect, pool *sql.DB, folder string, files fs.FS, options ...goose.ProviderOption) (*goose.Provider, error) {
	sub, err := fs.Sub(files, folder)
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(dialect, pool, sub, options...)
}

func (postgresDialect) migrator(pool *sql.DB) (*goose.Provider, error) {
	return newMigrator(goose.DialectPostgres, pool, "postgres", migrations.Postgres, goose.WithSessionLocker(&migrationLock{pool: pool}))
}

func (sqliteDialect) migrator(pool *sql.DB) (*goose.Provider, error) {
	return newMigrator(goose.DialectSQLite3, pool, "sqlite", migrations.SQLite)
}
