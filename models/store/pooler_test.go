package store_test

import (
	"strings"
	"testing"

	"hookwell/internal/testenv"
	"hookwell/models/database"
	"hookwell/models/store"
)

// TestPoolerModes opens the database behind a real pooler in each mode, for each
// thing that may be said of it.
func TestPoolerModes(t *testing.T) {
	for _, c := range []struct {
		mode   string
		pooler database.Pooler
		mend   string // of the refusal; empty: it works
	}{
		{"transaction", database.PoolerAuto, ""},
		{"transaction", database.PoolerTransaction, ""},
		{"transaction", database.PoolerNone, "HOOKWELL_DATABASE_POOLER is none; leave it out or set it to transaction"},
		{"session", database.PoolerNone, ""},
		{"session", database.PoolerAuto, ""},
		{"statement", database.PoolerAuto, "pool_mode = statement"},
		{"statement", database.PoolerTransaction, "pool_mode = statement"},
		{"statement", database.PoolerNone, "pool_mode = statement"},
		{"no", database.PoolerNone, ""},
		{"no", database.PoolerAuto, ""},
	} {
		t.Run(c.mode+"_mode_and_"+string(c.pooler), func(t *testing.T) {
			t.Parallel()
			address := testenv.Database(t)
			if c.mode != "no" {
				address = testenv.PgBouncer(t, address, "pool_mode = "+c.mode).URL()
			}
			store, err := store.Open(t.Context(), store.Options{DatabaseURL: address, Pooler: c.pooler})
			if err == nil {
				defer store.Close()
			}
			switch {
			case c.mend == "" && err != nil:
				t.Errorf("Open() = %v", err)
			case c.mend == "":
				must(t, store.Database().Migrate(t.Context()))
			case err == nil:
				t.Error("it is taken")
			case !strings.Contains(err.Error(), c.mend) || strings.Contains(err.Error(), "right now"):
				t.Errorf("Open() = %v, want that it says %q", err, c.mend)
			}
		})
	}
}
