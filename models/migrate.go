package models

import (
	"context"
	"database/sql"
	"io/fs"

	"hookwell/migrations"

	"github.com/pressly/goose/v3"
)

// Migrate applies the migrations that are missing, one process at a time, and
// makes the partitions of the days ahead.
func (s *Store) Migrate(ctx context.Context) error {
	provider, err := s.migrator()
	if err != nil {
		return err
	}
	if err := s.migrateUp(ctx, provider); err != nil {
		return begun("migrating", err)
	}
	return s.MakePartitions(ctx)
}

// migrateTries is how often a migration is tried that deadlocks with the work
// of a running process.
const migrateTries = 10

// migrateUp applies what is missing. A migration that is chosen as a deadlock's
// victim was rolled back whole and is tried again, so that a new version starts
// beside an old one under load.
func (s *Store) migrateUp(ctx context.Context, provider *goose.Provider) error {
	for try := 1; ; try++ {
		_, err := provider.Up(ctx)
		if try == migrateTries || !runsAgain(err) && !notGranted(err) {
			return outage(err)
		}
		s.log.Warn("a migration stood in the way of running work and is tried again", "error", err)
	}
}

func (s *Store) migrator() (*goose.Provider, error) {
	pool, err := s.db.DB()
	if err != nil {
		return nil, err
	}
	return s.dialect.migrator(pool)
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
