package pipeline

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm/schema"

	"hookwell/internal/testenv"
	"hookwell/models/database"
)

func TestMain(m *testing.M) { os.Exit(testenv.Run(m)) }

// TestRowsMatchColumns holds the rows that only the engine knows to their tables;
// those of everybody else are held in models/store.
func TestRowsMatchColumns(t *testing.T) {
	for name, options := range map[string]database.Options{
		"sqlite": {SQLitePath: filepath.Join(t.TempDir(), "hookwell.db")}, "postgres": {DatabaseURL: testenv.Database(t)},
	} {
		t.Run(name, func(t *testing.T) {
			db, err := database.Open(t.Context(), options)
			if err != nil {
				t.Fatalf("Open() failed: %v", err)
			}
			t.Cleanup(func() { db.Close() })
			if err := db.Migrate(context.Background()); err != nil {
				t.Fatalf("Migrate() failed: %v", err)
			}
			for table, row := range map[string]any{"accepted_groups": &acceptedGroup{}, "idempotency_keys": &idempotencyKey{}, "organization_versions": &organizationVersion{}, "rollup_deltas": &rollupDelta{}, "workers": &worker{},
				"event_identities": &identityRow{}, "refused_counts": &refusedCount{}, "refused_rings": &refusedRing{}, "request_keys": &requestKey{}, "request_work": &requestWork{}} {
				parsed, err := schema.Parse(row, &sync.Map{}, db.NamingStrategy)
				if err != nil {
					t.Fatalf("Parse(%T) failed: %v", row, err)
				}
				if parsed.Table != table {
					t.Errorf("%T is of the table %s; want %s", row, parsed.Table, table)
				}
				columns, err := db.DB.Migrator().ColumnTypes(table)
				if err != nil {
					t.Fatalf("ColumnTypes(%s) failed: %v", table, err)
				}
				var want []string
				for _, column := range columns {
					want = append(want, column.Name())
				}
				slices.Sort(want)
				if diff := cmp.Diff(want, slices.Sorted(slices.Values(parsed.DBNames))); diff != "" {
					t.Errorf("%s (-columns +fields of %T):\n%s", table, row, diff)
				}
			}
		})
	}
}
