package store_test

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm/schema"

	"hookwell/internal/storetest"
	"hookwell/migrations"
	"hookwell/models/store"
)

// layout is what both databases must have alike, as "table.column null" lines.
type layout struct{ Columns, Keys, Indexes []string }

func postgresLayout(t *testing.T, s *store.Store) layout {
	t.Helper()
	var l layout
	queries := map[string]*[]string{
		`SELECT c.relname || '.' || a.attname || CASE WHEN a.attnotnull THEN ' not null' ELSE ' null' END
		FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
		WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relname IN ?`: &l.Columns,
		`SELECT c.relname || ' (' || string_agg(a.attname, ', ' ORDER BY k.place) || ')'
		FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
		CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY k(number, place)
		JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number
		WHERE i.indisprimary AND c.relname IN ? GROUP BY c.relname, i.indexrelid`: &l.Keys,
		`SELECT CASE WHEN i.indisunique THEN 'unique ' ELSE '' END || n.relname || ' ON ' || c.relname
			|| ' (' || string_agg(a.attname, ', ' ORDER BY k.place) || ')' || CASE WHEN i.indpred IS NULL THEN '' ELSE ' where' END
		FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class n ON n.oid = i.indexrelid
		CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY k(number, place)
		JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number
		WHERE NOT i.indisprimary AND c.relname IN ? GROUP BY i.indisunique, n.relname, c.relname, i.indpred`: &l.Indexes,
	}
	for query, to := range queries {
		if err := s.DB().Raw(query, tables(t, s)).Scan(to).Error; err != nil {
			t.Fatal(err)
		}
		slices.Sort(*to)
	}
	return l
}

func sqliteLayout(t *testing.T, s *store.Store) layout {
	t.Helper()
	var l layout
	for _, table := range tables(t, s) {
		var columns []struct {
			Name        string
			NotNull, PK int
		}
		if err := s.DB().Raw(`SELECT name, "notnull" AS not_null, pk FROM pragma_table_info(?)`, table).Scan(&columns).Error; err != nil {
			t.Fatal(err)
		}
		key := make([]string, 0, 2)
		for place := 1; place <= len(columns); place++ {
			for _, c := range columns {
				if c.PK == place {
					key = append(key, c.Name)
				}
			}
		}
		l.Keys = append(l.Keys, fmt.Sprintf("%s (%s)", table, strings.Join(key, ", ")))
		for _, c := range columns {
			null := " null"
			if c.NotNull == 1 {
				null = " not null"
			}
			l.Columns = append(l.Columns, table+"."+c.Name+null)
		}
		l.Indexes = append(l.Indexes, sqliteIndexes(t, s, table)...)
	}
	slices.Sort(l.Columns)
	slices.Sort(l.Keys)
	slices.Sort(l.Indexes)
	return l
}

func sqliteIndexes(t *testing.T, s *store.Store, table string) []string {
	t.Helper()
	var indexes []struct {
		Name              string
		IsUnique, Partial int
	}
	err := s.DB().Raw(`SELECT name, "unique" AS is_unique, partial FROM pragma_index_list(?) WHERE origin = 'c'`, table).Scan(&indexes).Error
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, index := range indexes {
		var columns []string
		if err := s.DB().Raw("SELECT name FROM pragma_index_info(?) ORDER BY seqno", index.Name).Scan(&columns).Error; err != nil {
			t.Fatal(err)
		}
		line := fmt.Sprintf("%s ON %s (%s)", index.Name, table, strings.Join(columns, ", "))
		if index.IsUnique == 1 {
			line = "unique " + line
		}
		if index.Partial == 1 {
			line += " where"
		}
		lines = append(lines, line)
	}
	return lines
}

func layoutOf(t *testing.T, s *store.Store) layout {
	t.Helper()
	if onPostgres(s) {
		return postgresLayout(t, s)
	}
	return sqliteLayout(t, s)
}

func TestSchemasAreAlike(t *testing.T) {
	files := func(folder string, of fs.FS) []string {
		names, err := fs.Glob(of, folder+"/*.sql")
		if err != nil || len(names) == 0 {
			t.Fatal(names, err)
		}
		return named(names, filepath.Base)
	}
	if diff := cmp.Diff(files("postgres", migrations.Postgres), files("sqlite", migrations.SQLite)); diff != "" {
		t.Errorf("migrations (-postgres +sqlite):\n%s", diff)
	}
	postgres := newFixture(t, storetest.Postgres(t))
	sqlite := newFixture(t, storetest.SQLite(t))
	want := layoutOf(t, postgres.Store)
	if len(want.Columns) < 100 || len(want.Keys) < 16 || len(want.Indexes) < 20 {
		t.Fatalf("read only %d columns, %d keys, %d indexes", len(want.Columns), len(want.Keys), len(want.Indexes))
	}
	if diff := cmp.Diff(want, layoutOf(t, sqlite.Store)); diff != "" {
		t.Errorf("schemas differ (-postgres +sqlite):\n%s", diff)
	}
}

// enginesOwn are columns that the engine alone reads and writes: how far its rounds got.
var enginesOwn = map[string][]string{"organizations": {"erased_at", "erased_to"}, "sources": {"bodies_dropped_to"}}

func TestRowsMatchColumns(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		left := tables(t, f.Store)
		columns := layoutOf(t, f.Store).Columns
		for _, row := range store.Models() {
			parsed, err := schema.Parse(row, &sync.Map{}, f.DB().NamingStrategy)
			if err != nil {
				t.Fatal(err)
			}
			left = slices.DeleteFunc(left, func(name string) bool { return name == parsed.Table })
			var want []string
			for _, column := range columns {
				if name, ok := strings.CutPrefix(column, parsed.Table+"."); ok {
					want = append(want, strings.Fields(name)[0])
				}
			}
			got := slices.Sorted(slices.Values(append(enginesOwn[parsed.Table], parsed.DBNames...)))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-columns +fields of %T):\n%s", parsed.Table, row, diff)
			}
		}
		// The engine's own are held to their rows in models/pipeline.
		if want := []string{"accepted_groups", "event_identities", "idempotency_keys", "organization_versions", "refused_counts", "refused_rings", "request_keys", "request_work", "rollup_deltas", "slugs", "workers"}; !slices.Equal(slices.Sorted(slices.Values(left)), want) {
			t.Errorf("tables without a row type: %v; want %v", left, want)
		}
	})
}

func TestMigrationsGoDownAndUp(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		before := layoutOf(t, f.Store)
		if err := f.Down(t.Context()); err != nil {
			t.Fatal(err)
		}
		if left := tables(t, f.Store); len(left) != 0 {
			t.Errorf("down left %v", left)
		}
		for range 2 { // the second has nothing to do
			if err := f.Database().Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(before, layoutOf(t, f.Store)); diff != "" {
			t.Errorf("up again (-before +after):\n%s", diff)
		}
		endpoint(t, f.organization(t, "After"), nil)
	})
}

func TestMigrateAtOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t, storetest.Postgres(t))
	if err := f.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	var starts sync.WaitGroup
	for range 3 {
		s := f.again(t)
		starts.Go(func() {
			if err := s.Database().Migrate(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	starts.Wait()
}
