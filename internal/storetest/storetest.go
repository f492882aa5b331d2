// Package storetest is for tests that need a store on a real database:
//
//   - Each runs a test on an embedded database and on Postgres, each time on a copy of
//     a database that this process has migrated once.
//   - Open opens a store on it, and supplies what the test doesn't set: a key, a clock
//     to move, cheap passwords.
//   - Organization, Endpoint and Publish make rows as users do.
//   - WatchChanges returns the rows that a call has changed.
package storetest

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"hookwell/internal/testenv"
	"hookwell/models/database"
	"hookwell/models/store"
	"hookwell/webhook"
)

// CheapPasswords is what hashes of passwords cost in tests that are not about it.
var CheapPasswords = store.PasswordCost{Memory: 64, Passes: 1}

// Catalog returns the built-in catalog, read once.
var Catalog = sync.OnceValues(func() (*webhook.Catalog, error) { return webhook.NewCatalog(nil) })

// Must ends the test if err is an error.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Each runs a test with the options of a store on SQLite, and of one on
// Postgres: on a migrated database of its own each.
func Each(t *testing.T, test func(t *testing.T, o store.Options)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, Postgres(t)) })
}

// EachParallel is Each with both at the same time.
func EachParallel(t *testing.T, test func(t *testing.T, o store.Options)) {
	t.Helper()
	for name, made := range map[string]func(testing.TB) store.Options{"sqlite": SQLite, "postgres": Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, made(t))
		})
	}
}

// Postgres returns the options of a store on a migrated database of Postgres
// that is this test's own and is dropped when it ends.
func Postgres(t testing.TB) store.Options {
	t.Helper()
	return store.Options{DatabaseURL: testenv.DatabaseFrom(t, "migrated", func(url string) error {
		return migrate(database.Options{DatabaseURL: url})
	})}
}

// migratedFile is an embedded database without rows, byte for byte.
var migratedFile = sync.OnceValues(func() ([]byte, error) {
	folder, err := os.MkdirTemp("", "hookwell-migrated-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "hookwell.db")
	if err := migrate(database.Options{SQLitePath: path}); err != nil {
		return nil, err
	}
	return os.ReadFile(path) // closing it has emptied its log
})

// SQLite returns the options of a store on a migrated embedded database in a
// folder that is this test's own.
func SQLite(t testing.TB) store.Options {
	t.Helper()
	file, err := migratedFile()
	if err != nil {
		t.Fatalf("making the embedded database that tests copy: %v", err)
	}
	o := store.Options{SQLitePath: filepath.Join(testenv.Memory(t), "hookwell.db")}
	Must(t, os.WriteFile(o.SQLitePath, file, 0o600))
	return o
}

func migrate(o database.Options) error {
	ctx := context.Background()
	db, err := database.Open(ctx, o)
	if err != nil {
		return err
	}
	defer db.Close()
	return db.Migrate(ctx)
}

// Open opens a store with these options, starts its engine and makes the
// partitions of its clock's days. What the options leave open it fills in: a
// vault with a key of its own, the built-in catalog, a clock, a guard that lets
// pass loopback, and cheap passwords. The store is closed when the test ends.
func Open(t testing.TB, o store.Options) *store.Store {
	t.Helper()
	o = Complete(t, o)
	s, err := store.Open(t.Context(), o)
	Must(t, err)
	s.Engine().Start()
	t.Cleanup(func() { s.Close() })
	Must(t, s.Database().Migrate(t.Context()))
	return s
}

// Complete returns the options with what Open fills in.
func Complete(t testing.TB, o store.Options) store.Options {
	t.Helper()
	var err error
	if o.Vault == nil {
		o.Vault, err = database.ParseVault(Key())
		Must(t, err)
	}
	if o.Catalog == nil {
		o.Catalog, err = Catalog()
		Must(t, err)
	}
	if o.Clock == nil {
		o.Clock = &database.Clock{}
	}
	if o.Guard == nil {
		o.Guard = webhook.NewGuard([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})
	}
	if o.PasswordCost == (store.PasswordCost{}) {
		o.PasswordCost = CheapPasswords
	}
	return o
}

// Key returns a new key of a vault, as settings name it.
func Key() string {
	key := make([]byte, 32)
	rand.Read(key)
	return base64.StdEncoding.EncodeToString(key)
}
