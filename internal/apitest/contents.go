package apitest

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"hookwell/internal/storetest"
)

// contents is everything that a request could change.
func (f *Fixture) contents(t testing.TB) string {
	t.Helper()
	var all strings.Builder
	for _, table := range []string{"organizations", "slugs", "endpoints", "endpoint_states", "endpoint_settings", "endpoint_secrets",
		"audit_entries", "events", "deliveries", "attempts", "delivery_work", "idempotency_keys", "members"} {
		fmt.Fprintln(&all, table)
		f.dump(t, &all, "SELECT * FROM "+table+" ORDER BY 1, 2")
	}
	return all.String()
}

func (f *Fixture) dump(t testing.TB, to io.Writer, query string) {
	t.Helper()
	rows, err := f.Database.QueryContext(t.Context(), query)
	storetest.Must(t, err)
	defer rows.Close()
	columns, err := rows.Columns()
	storetest.Must(t, err)
	for rows.Next() {
		values, targets := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		storetest.Must(t, rows.Scan(targets...))
		fmt.Fprintln(to, values...)
	}
	storetest.Must(t, rows.Err())
}

// Count returns the number of rows in a table.
func (f *Fixture) Count(t testing.TB, table string) (n int) {
	t.Helper()
	storetest.Must(t, f.Database.QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&n))
	return n
}

// Unchanged runs requests that must leave the database as it was.
func (f *Fixture) Unchanged(t testing.TB, requests func()) {
	t.Helper()
	before := f.contents(t)
	requests()
	if after := f.contents(t); after != before {
		t.Errorf("something changed:\n%s\nwas\n%s", after, before)
	}
}
