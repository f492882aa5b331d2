package store_test

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hookwell/internal/storetest"
	"hookwell/models"
	"hookwell/models/store"
)

// dump is every row of every table, as text by table. Bytes stand as they are.
type dump map[string][]string

// tables lists the database's own tables, partitions and goose's left out.
func tables(t *testing.T, s *store.Store) []string {
	t.Helper()
	query := `SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition
		AND relnamespace = 'public'::regnamespace AND relname NOT LIKE 'goose%' ORDER BY relname`
	if !onPostgres(s) {
		query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'goose%' AND name NOT LIKE 'sqlite%' ORDER BY name"
	}
	var names []string
	if err := s.DB().Raw(query).Scan(&names).Error; err != nil {
		t.Fatal(err)
	}
	return names
}

func onPostgres(s *store.Store) bool { return s.DB().Name() == "postgres" }

// dumpAll is of when the slices of what happened before are written. A test
// that compares often watches instead: a dump reads every row that it has made.
func dumpAll(t *testing.T, s *store.Store) dump {
	t.Helper()
	awaitSlices(t, s)
	d := dump{}
	for _, table := range tables(t, s) {
		d[table] = dumpTable(t, s, table)
	}
	return d
}

// awaitSlices waits until what happened before is written to the end.
func awaitSlices(t *testing.T, s *store.Store) {
	t.Helper()
	for unfinished, end := int64(1), time.Now().Add(30*time.Second); unfinished > 0; {
		if err := s.DB().Table("fan_outs").Count(&unfinished).Error; err != nil || time.Now().After(end) {
			t.Fatalf("%d events are not written to the end: %v", unfinished, err)
		}
	}
}

// watch is a store whose changes are noted.
type watch struct {
	store   *store.Store
	changes *storetest.Changes
}

func newWatch(t *testing.T, s *store.Store) *watch {
	t.Helper()
	return &watch{s, storetest.WatchChanges(t, s, nil)}
}

// take returns what has changed since it was last asked.
func (w *watch) take(t *testing.T) []string {
	t.Helper()
	awaitSlices(t, w.store)
	return w.changes.Take(t)
}

// drop forgets what has changed up to now.
func (w *watch) drop(t *testing.T) {
	t.Helper()
	awaitSlices(t, w.store)
	w.changes.Drop(t)
}

// untouched fails if a row has changed since the changes were last taken.
func (w *watch) untouched(t *testing.T) {
	t.Helper()
	if changed := w.take(t); len(changed) > 0 {
		t.Errorf("rows changed:\n%s", strings.Join(changed, "\n"))
	}
}

// untouchedOf fails if a row that names an id has.
func (w *watch) untouchedOf(t *testing.T, id string) {
	t.Helper()
	changed := slices.DeleteFunc(w.take(t), func(line string) bool { return !strings.Contains(line, id) })
	if len(changed) > 0 {
		t.Errorf("rows of %s changed:\n%s", id, strings.Join(changed, "\n"))
	}
}

func dumpTable(t *testing.T, s *store.Store, table string) []string {
	t.Helper()
	rows, err := s.DB().Raw("SELECT * FROM " + table).Rows()
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	list := []string{}
	for rows.Next() {
		cells, to := make([]any, len(columns)), make([]any, len(columns))
		for i := range cells {
			to[i] = &cells[i]
		}
		if err := rows.Scan(to...); err != nil {
			t.Fatal(err)
		}
		var line strings.Builder
		for i, cell := range cells {
			if raw, ok := cell.([]byte); ok {
				cell = string(raw)
			}
			fmt.Fprintf(&line, "%s=%v ", columns[i], cell)
		}
		list = append(list, line.String())
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(list)
	return list
}

// of is what of the dump names an id.
func (d dump) of(id string) dump {
	own := dump{}
	for table, rows := range d {
		for _, row := range rows {
			if strings.Contains(row, id) {
				own[table] = append(own[table], row)
			}
		}
	}
	return own
}

// sameRows fails when a dump has changed.
func sameRows(t *testing.T, before, after dump) {
	t.Helper()
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("rows changed (-before +after):\n%s", diff)
	}
}

// holdsNowhere fails when the dump shows a text in any of its encodings.
func (d dump) holdsNowhere(t *testing.T, what, text string) {
	t.Helper()
	if len(text) < 8 {
		t.Fatalf("holdsNowhere(%q): sealed bytes may hold so short a text by chance", text)
	}
	for _, table := range slices.Sorted(maps.Keys(d)) {
		for _, row := range d[table] {
			for name, form := range encodings(text) {
				if strings.Contains(row, form) {
					t.Errorf("%s stands in %s as %s", what, table, name)
				}
			}
		}
	}
}

// encodings are the ways in which a text could be seen in stored bytes, base64
// at each of the three places where it may begin in a longer text.
func encodings(text string) map[string]string {
	forms := map[string]string{
		"clear text": text,
		"hex":        hex.EncodeToString([]byte(text)),
		"upper hex":  strings.ToUpper(hex.EncodeToString([]byte(text))),
	}
	for before := range 3 {
		padded := append(make([]byte, before), text...)
		whole := len(padded) / 3 * 3
		from := (before*8 + 5) / 6
		forms[fmt.Sprintf("base64 after %d bytes", before)] = base64.RawStdEncoding.EncodeToString(padded[:whole])[from:]
		forms[fmt.Sprintf("base64url after %d bytes", before)] = base64.RawURLEncoding.EncodeToString(padded[:whole])[from:]
	}
	return forms
}

// asError is the refusal that an error wraps; nil when there is none.
func asError(err error) *models.Error {
	var e *models.Error
	errors.As(err, &e)
	return e
}

func TestEncodingsAreSeen(t *testing.T) {
	const secret = "hwk_secret"
	for before := range 4 {
		text := strings.Repeat("x", before) + secret + "yz"
		for name, written := range map[string]string{"clear": text, "hex": hex.EncodeToString([]byte(text)), "base64": base64.StdEncoding.EncodeToString([]byte(text))} {
			seen := false
			for _, form := range encodings(secret) {
				seen = seen || strings.Contains(written, form)
			}
			if !seen {
				t.Errorf("not seen in %s after %d bytes", name, before)
			}
		}
	}
}
