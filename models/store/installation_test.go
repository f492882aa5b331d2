package store_test

import (
	"net/url"
	"testing"

	"hookwell/internal/testenv"
	"hookwell/models/store"
)

func TestInstallationID(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		id, err := f.Database().InstallationID(t.Context())
		must(t, err)
		if len(id) != 32 {
			t.Errorf("the id is %q, want 32 digits", id)
		}
		must(t, f.Database().Migrate(t.Context()))
		if again, err := f.again(t).Database().InstallationID(t.Context()); err != nil || again != id {
			t.Errorf("another process reads %q, %v; want %q", again, err, id)
		}
	})
	t.Run("differs_between_two_that_were_migrated_alike", func(t *testing.T) {
		var ids [2]string
		for i := range ids {
			f := newFixture(t, store.Options{DatabaseURL: testenv.Database(t)})
			var err error
			ids[i], err = f.Database().InstallationID(t.Context())
			must(t, err)
		}
		if ids[0] == ids[1] {
			t.Errorf("both are %s", ids[0])
		}
	})
}

// TestLocksOfOneDatabase has two installations share a database, each in a
// schema of its own: a lock that one holds keeps the other from nothing.
func TestLocksOfOneDatabase(t *testing.T) {
	address, err := url.Parse(testenv.Database(t))
	must(t, err)
	var both [2]*fixture
	for i, schema := range []string{"public", "second"} {
		if i > 0 {
			must(t, both[0].DB().Exec("CREATE SCHEMA second").Error)
		}
		query := address.Query()
		query.Set("search_path", schema)
		address.RawQuery = query.Encode()
		both[i] = newFixture(t, store.Options{DatabaseURL: address.String()})
	}
	holder := both[0].DB().WithContext(t.Context()).Begin()
	t.Cleanup(func() { holder.Rollback() })
	for _, lock := range store.Locks() {
		must(t, both[0].Serialize(holder, lock))
	}
	other := both[1].DB().WithContext(t.Context()).Begin()
	t.Cleanup(func() { other.Rollback() })
	for _, lock := range store.Locks() {
		if free, err := both[1].TrySerialize(other, lock); err != nil || !free {
			t.Errorf("lock %d of the other installation is taken, %v", lock, err)
		}
	}
	again := both[0].again(t).DB().WithContext(t.Context()).Begin()
	t.Cleanup(func() { again.Rollback() })
	for _, lock := range store.Locks() {
		if free, err := both[0].TrySerialize(again, lock); err != nil || free {
			t.Errorf("lock %d is free for another process of the same installation, %v", lock, err)
		}
	}
}
