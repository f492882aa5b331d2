package store_test

import (
	"context"
	"testing"
	"time"

	"hookwell/internal/testenv"
	"hookwell/models/store"
)

// TestMigrateUnderLoad has a transaction of running work meet the migrations
// such that one of them is the deadlock's victim.
func TestMigrateUnderLoad(t *testing.T) {
	t.Run("a_deadlock_is_tried_again", func(t *testing.T) {
		f := newFixture(t, store.Options{DatabaseURL: testenv.Database(t)})
		must(t, f.Down(t.Context()))
		must(t, f.UpTo(t.Context(), 1))

		work := f.DB().WithContext(t.Context()).Begin()
		t.Cleanup(func() { work.Rollback() })
		must(t, work.Exec("SET LOCAL deadlock_timeout = '10min'").Error) // so that the migration finds the deadlock, and is its victim
		must(t, work.Exec("LOCK TABLE members IN ACCESS SHARE MODE").Error)
		migrated := make(chan error, 1)
		go func() { migrated <- f.Database().Migrate(context.Background()) }()
		eventually(t, "the migration's wait", func() bool {
			var waiting int
			must(t, f.DB().Raw("SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_database d ON d.oid = l.database WHERE c.relname = 'members' AND NOT l.granted AND d.datname = current_database()").Scan(&waiting).Error)
			return waiting > 0
		})
		must(t, work.Exec("LOCK TABLE users IN ACCESS SHARE MODE").Error) // until the migration is rolled back
		must(t, work.Commit().Error)
		must(t, <-migrated)
	})
}

// eventually waits until the check is met, as long as the test may run.
func eventually(t *testing.T, what string, met func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !met() {
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatalf("%s did not come", what)
		}
	}
}
