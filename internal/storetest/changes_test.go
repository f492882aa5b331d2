package storetest_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"hookwell/internal/storetest"
	"hookwell/internal/testenv"
	"hookwell/models"
	"hookwell/models/store"
)

func TestMain(m *testing.M) {
	time.Local = time.UTC
	os.Exit(testenv.Run(m))
}

// wantLines checks what a call has changed: each line begins as wanted.
func wantLines(t *testing.T, after string, got []string, want ...string) {
	t.Helper()
	matches := func(line, head string) bool { return strings.HasPrefix(line, head) }
	if !slices.EqualFunc(got, want, matches) {
		t.Errorf("Take() after %s returned %q, want lines that begin with %q", after, got, want)
	}
}

func TestChanges(t *testing.T) {
	storetest.Each(t, func(t *testing.T, o store.Options) {
		s := storetest.Open(t, o)
		tenant := storetest.Organization(t, s, "Acme")
		changes := storetest.WatchChanges(t, s, func(table string, row map[string]any) bool {
			delete(row, "version")
			return table == "slugs"
		})
		take := func() []string { t.Helper(); return changes.Take(t) }
		exec := func(statement string, values ...any) {
			t.Helper()
			storetest.Must(t, s.Database().Exec(statement, values...).Error)
		}
		id := tenant.Organization().ID

		wantLines(t, "nothing", take())
		exec("UPDATE organizations SET name = 'Globex' WHERE id = ?", id)
		wantLines(t, "an update", take(), "+organizations ", "-organizations ")
		wantLines(t, "it was taken", take())
		exec("UPDATE organizations SET name = 'Acme' WHERE id = ?", id)
		exec("UPDATE organizations SET name = 'Globex' WHERE id = ?", id)
		wantLines(t, "a change there and back", take())
		exec("UPDATE organizations SET version = version + 1 WHERE id = ?", id)
		exec("UPDATE slugs SET slug = 'other' WHERE organization_id = ?", id)
		wantLines(t, "what is ignored", take())
		exec("UPDATE organizations SET name = 'Initech' WHERE id = ?", id)
		changes.Drop(t)
		wantLines(t, "what was dropped", take())
		storetest.Must(t, s.Database().DB.Transaction(func(tx *gorm.DB) error {
			storetest.Must(t, tx.Exec("INSERT INTO throttles (key, failures, free_at, forget_at) VALUES ('x', 1, ?, ?)", s.Now(), s.Now()).Error)
			return tx.Exec("DELETE FROM throttles").Error
		}))
		wantLines(t, "a row that came and went", take())

		event := storetest.Publish(t, tenant, "payment.failed") // into a partition, its body as bytes
		lines := take()
		if !slices.ContainsFunc(lines, func(line string) bool {
			return strings.HasPrefix(line, "+events ") && strings.Contains(line, event.ID) && strings.Contains(line, "amount")
		}) {
			t.Errorf("Take() after an event returned %q, want a line of events with its id and its data", lines)
		}
		exec("DELETE FROM events WHERE id = ?", event.ID)
		wantLines(t, "a delete", take(), "-events ")
		_, _ = tenant.DisableEndpoint(t.Context(), models.PrefixEndpoint+"unknown")
		wantLines(t, "a refusal", take())
		exec("DROP TABLE throttles")
		wantLines(t, "a drop", take(), "-table throttles")
		exec("DROP TABLE budgets")
		changes.Drop(t)
		wantLines(t, "a drop that was dropped", take())
	})
}
