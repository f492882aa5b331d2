package database

import (
	"testing"
	"time"
)

// TestUnnested holds that placeholders are written where parameters are, and that
// no text is searched for them: a question mark in a literal stays one.
func TestUnnested(t *testing.T) {
	rows := [][]any{{"a?", 1, time.Unix(0, 0)}, {"b", 2, nil}}
	kinds := []ValueKind{TextValue, IntegerValue, TimeValue}
	next := Numbered()
	before := "SELECT '?' WHERE " + next() + " = 1 AND c0 IN ("
	list, parameters := Unnested(kinds, rows, next)
	want := "SELECT '?' WHERE $1 = 1 AND c0 IN (SELECT c0, c1, c2 FROM unnest($2::text[], $3::bigint[], $4::timestamptz[]) AS listed(c0, c1, c2)) LIMIT $5"
	if got := before + list + ") LIMIT " + next(); got != want || len(parameters) != len(kinds) {
		t.Errorf("Unnested() wrote %q with %d parameters; want %q with %d", got, len(parameters), want, len(kinds))
	}
	list, _ = postgresDialect{}.Values(kinds, rows)
	if want := "SELECT c0, c1, c2 FROM unnest(?::text[], ?::bigint[], ?::timestamptz[]) AS listed(c0, c1, c2)"; list != want {
		t.Errorf("Values() wrote %q; want %q", list, want)
	}
}
