package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"hookwell/internal/config"
	"hookwell/models/database"
	"hookwell/models/pipeline"
	"hookwell/models/store"
	"hookwell/webhook"
)

// OpenStore opens and migrates the database, for a command that delivers
// nothing. Its error names the setting that it comes from.
func OpenStore(ctx context.Context, c *config.Config) (*store.Store, error) {
	if c.Embedded {
		if err := c.MakeDataDir(); err != nil {
			return nil, err
		}
	}
	store, err := open(ctx, c, storeOptions(c))
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, c, store); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return store, nil
}

// sayAccess says how Postgres is reached, and what an operator should know of it.
func sayAccess(c *config.Config, a database.Access) {
	if c.Embedded {
		return
	}
	c.Log.Info("database", "connections", a.Connections, "granted", a.Granted, "pooler", a.Pooled, "isolation", a.Isolation)
	if said := scarce(c, a); said != "" {
		c.Log.Warn(said, "connections", a.Connections, "granted", a.Granted)
	}
	if a.Pooled && a.Isolation != "read committed" {
		c.Log.Warn("behind a pooler, statements outside of transactions run in the database's default isolation and are tried again when they collide; "+
			"ALTER ROLE ... SET default_transaction_isolation = 'read committed' spares that", "isolation", a.Isolation)
	}
}

// scarce says what to do about a database that grants fewer connections than the
// process wants, or "".
func scarce(c *config.Config, a database.Access) string {
	switch {
	case a.Pooled:
		return ""
	case c.Database.Connections > a.Granted:
		return "HOOKWELL_DATABASE_CONNECTIONS is more than the database grants; what goes beyond that waits"
	case c.Database.Connections == 0 && a.Connections < database.LeastConnections:
		return fmt.Sprintf("the database grants this role fewer connections than two processes and commands work well with, which is %d for each process; "+
			"what goes beyond that waits. Raise max_connections, or the limit of the role or of the database (ALTER ROLE ... CONNECTION LIMIT ...)", database.LeastConnections)
	}
	return ""
}

// migrate brings the database up to date, as its owner where one is named.
func migrate(ctx context.Context, c *config.Config, store *store.Store) error {
	if c.Database.MigrateURL != "" {
		if err := store.Database().MigrateAs(ctx, c.Database.MigrateURL); err != nil {
			return config.Wrong("HOOKWELL_MIGRATE_DATABASE_URL", "%w", err)
		}
		return nil
	}
	if err := store.Database().Migrate(ctx); err != nil {
		return config.Wrong(storedBy(c), "%w", err)
	}
	return nil
}

// storedBy returns the variable that says where the data lies.
func storedBy(c *config.Config) string {
	if c.Embedded {
		return "HOOKWELL_DATA_DIR"
	}
	return "DATABASE_URL"
}

// prepare migrates the database and returns the installation's id. Only with that
// is there a queue, and only with a queue the store that events are accepted into.
func prepare(ctx context.Context, c *config.Config) (installation string, err error) {
	store, err := OpenStore(ctx, c)
	if err != nil {
		return "", err
	}
	if err := store.CheckSources(ctx); err != nil {
		return "", errors.Join(config.Wrong("HOOKWELL_CATALOG", "%w", err), store.Close())
	}
	installation, err = store.Database().InstallationID(ctx)
	return installation, errors.Join(err, store.Close())
}

// openServing opens the database that prepare has migrated, with what is told of
// the work on it.
func openServing(ctx context.Context, c *config.Config, meter pipeline.Meter, waker pipeline.Waker) (*store.Store, error) {
	o := storeOptions(c)
	o.Meter, o.Waker = meter, waker
	store, err := open(ctx, c, o)
	if err != nil {
		return nil, err
	}
	sayAccess(c, store.Database().Access())
	store.Database().WithinGranted()
	store.Engine().Start()
	return store, nil
}

func open(ctx context.Context, c *config.Config, o store.Options) (*store.Store, error) {
	store, err := store.Open(ctx, o)
	if err != nil {
		return nil, config.Wrong(storedBy(c), "%w", err)
	}
	return store, nil
}

// storeOptions returns the settings as the store takes them.
func storeOptions(c *config.Config) store.Options {
	return store.Options{DatabaseURL: c.Database.URL, SQLitePath: filepath.Join(c.DataDir, "hookwell.db"),
		Catalog: c.Catalog, Guard: webhook.NewGuard(c.AllowedNetworks), Vault: c.Vault, Log: c.Log, CircuitProbe: c.CircuitProbe, MaxEndpoints: c.MaxEndpoints,
		Mail: c.Mailer != nil, Connections: c.Database.Connections, Pooler: c.Database.Pooler}
}
