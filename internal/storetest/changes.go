package storetest

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hookwell/models/store"
)

// Changes notes what becomes of every row of a database, by triggers: what a
// call has changed is then read from the few rows that it touched, where two
// dumps of all tables would cost more with each row that a test has made.
type Changes struct {
	db       *sql.DB
	postgres bool
	ignore   Ignore
	tables   []string
}

// Ignore reports whether a row of a table is of no interest. It may take cells
// out of a row whose other cells are.
type Ignore func(table string, row map[string]any) bool

// WatchChanges begins to note changes of any table that a store's database has
// by then, goose's left out. ignore may be nil.
func WatchChanges(t testing.TB, s *store.Store, ignore Ignore) *Changes {
	t.Helper()
	db, err := s.Database().DB.DB()
	Must(t, err)
	c := &Changes{db: db, postgres: s.Database().Name() == "postgres", ignore: ignore}
	c.tables = c.names(t)
	if c.postgres {
		c.exec(t, watchOnPostgres)
		return c
	}
	c.exec(t, "CREATE TABLE row_changes (seq INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, gone TEXT, come TEXT)")
	for _, table := range c.tables {
		c.watchOnSQLite(t, table)
	}
	return c
}

// Take returns what has changed since the last call, or since the watch began:
// a line for each row that came ("+table {...}") and for each that went
// ("-table {...}"). A row that came and went again, or was changed and changed
// back, has none. A table that is gone is a line as well, a partition too.
// Bytes are shown as they stand.
func (c *Changes) Take(t testing.TB) []string {
	t.Helper()
	net := map[string]int{}
	rows, err := c.db.QueryContext(t.Context(), "DELETE FROM row_changes RETURNING name, gone, come")
	Must(t, err)
	defer rows.Close()
	for rows.Next() {
		var table string
		var gone, come sql.NullString
		Must(t, rows.Scan(&table, &gone, &come))
		c.count(t, net, table, gone, -1)
		c.count(t, net, table, come, +1)
	}
	Must(t, rows.Err())
	return append(netLines(net), c.goneTables(t)...)
}

// Drop forgets what has changed up to now, without reading it.
func (c *Changes) Drop(t testing.TB) {
	t.Helper()
	c.exec(t, "DELETE FROM row_changes")
	c.tables = c.names(t)
}

func (c *Changes) count(t testing.TB, net map[string]int, table string, text sql.NullString, by int) {
	t.Helper()
	if !text.Valid {
		return
	}
	var row map[string]any
	decoder := json.NewDecoder(strings.NewReader(text.String))
	decoder.UseNumber() // a float64 takes two large numbers for one
	if err := decoder.Decode(&row); err != nil {
		t.Fatalf("reading a changed row of %s: %v: %s", table, err, text.String)
	}
	if c.ignore != nil && c.ignore(table, row) {
		return
	}
	net[table+" "+line(row)] += by
}

// writtenBytes is how either database's JSON shows bytes.
var writtenBytes = regexp.MustCompile(`^\\x(?:[0-9a-fA-F]{2})+$`)

// line returns a row's cells by name, in the order of the names.
func line(row map[string]any) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(row)) {
		cell := row[name]
		if text, ok := cell.(string); ok && writtenBytes.MatchString(text) {
			if raw, err := hex.DecodeString(text[2:]); err == nil {
				cell = string(raw)
			}
		}
		fmt.Fprintf(&b, "%s=%v ", name, cell)
	}
	return b.String()
}

func netLines(net map[string]int) (lines []string) {
	for row, n := range net {
		sign := "+"
		if n < 0 {
			sign, n = "-", -n
		}
		lines = append(lines, slices.Repeat([]string{sign + row}, n)...)
	}
	slices.Sort(lines)
	return lines
}

// goneTables returns those that there were at the last call.
func (c *Changes) goneTables(t testing.TB) (lines []string) {
	t.Helper()
	now := c.names(t)
	for _, table := range c.tables {
		if !slices.Contains(now, table) {
			lines = append(lines, "-table "+table)
		}
	}
	c.tables = now
	return lines
}

// names lists the tables, partitions too.
func (c *Changes) names(t testing.TB) (names []string) {
	t.Helper()
	query := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'goose%' AND name NOT LIKE 'sqlite%' AND name <> 'row_changes'"
	if c.postgres {
		query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'goose%' AND tablename <> 'row_changes'"
	}
	rows, err := c.db.QueryContext(t.Context(), query)
	Must(t, err)
	defer rows.Close()
	for rows.Next() {
		var name string
		Must(t, rows.Scan(&name))
		names = append(names, name)
	}
	Must(t, rows.Err())
	return names
}

func (c *Changes) exec(t testing.TB, statement string) {
	t.Helper()
	if _, err := c.db.ExecContext(context.WithoutCancel(t.Context()), statement); err != nil {
		t.Fatalf("%v, of: %s", err, statement)
	}
}

// watchOnSQLite makes the triggers of one table.
func (c *Changes) watchOnSQLite(t testing.TB, table string) {
	t.Helper()
	var columns []string
	rows, err := c.db.QueryContext(t.Context(), "SELECT name FROM pragma_table_info(?)", table)
	Must(t, err)
	defer rows.Close()
	for rows.Next() {
		var name string
		Must(t, rows.Scan(&name))
		columns = append(columns, name)
	}
	Must(t, rows.Err())
	// JSON holds no bytes, so they are written as Postgres writes them.
	row := func(of string) string {
		cells := make([]string, len(columns))
		for i, name := range columns {
			cells[i] = fmt.Sprintf(`'%[2]s', iif(typeof(%[1]s."%[2]s") = 'blob', '\x' || hex(%[1]s."%[2]s"), %[1]s."%[2]s")`, of, name)
		}
		return "json_object(" + strings.Join(cells, ", ") + ")"
	}
	for event, values := range map[string]string{"INSERT": "NULL, " + row("NEW"), "UPDATE": row("OLD") + ", " + row("NEW"), "DELETE": row("OLD") + ", NULL"} {
		c.exec(t, fmt.Sprintf("CREATE TRIGGER watch_%[1]s_%[2]s AFTER %[2]s ON %[1]s BEGIN INSERT INTO row_changes (name, gone, come) VALUES ('%[1]s', %[3]s); END", table, event, values))
	}
}

// A trigger of a partitioned table is its partitions' too, of those to come as
// well; it is told the table's own name.
const watchOnPostgres = `
CREATE TABLE row_changes (seq bigserial PRIMARY KEY, name text NOT NULL, gone jsonb, come jsonb);
CREATE FUNCTION watch_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO row_changes (name, gone, come) VALUES (TG_ARGV[0],
		CASE WHEN TG_OP IN ('UPDATE', 'DELETE') THEN to_jsonb(OLD) END,
		CASE WHEN TG_OP IN ('UPDATE', 'INSERT') THEN to_jsonb(NEW) WHEN TG_OP = 'TRUNCATE' THEN '{"everything": "truncated"}' END);
	RETURN NULL;
END $$;
DO $$
DECLARE own record;
BEGIN
	FOR own IN SELECT relname, relispartition FROM pg_class WHERE relkind IN ('r', 'p')
		AND relnamespace = 'public'::regnamespace AND relname NOT LIKE 'goose%' AND relname <> 'row_changes'
	LOOP
		EXECUTE format('CREATE TRIGGER watch_truncate AFTER TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION watch_row(%L)', own.relname, own.relname);
		CONTINUE WHEN own.relispartition;
		EXECUTE format('CREATE TRIGGER watch_row AFTER INSERT OR UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION watch_row(%L)', own.relname, own.relname);
	END LOOP;
END $$`
