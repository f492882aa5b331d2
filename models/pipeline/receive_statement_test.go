package pipeline

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm/schema"

	"hookwell/models"
	"hookwell/models/database"
)

// TestInsertRequests_names_every_column has a column that is added to the row be
// written by the statement as well.
func TestInsertRequests_names_every_column(t *testing.T) {
	w := &statement{next: database.Numbered()}
	text, err := w.insertRequests([]*models.Request{{ID: "req_1"}})
	if err != nil {
		t.Fatalf("insertRequests() failed: %v", err)
	}
	written := regexp.MustCompile(`(?s)INSERT INTO requests \((.*?)\)`).FindStringSubmatch(text)
	if written == nil {
		t.Fatalf("insertRequests() = %q, want an INSERT INTO requests", text)
	}
	parsed, err := schema.Parse(&models.Request{}, &sync.Map{}, schema.NamingStrategy{})
	if err != nil {
		t.Fatalf("Parse() failed: %v", err)
	}
	later := []string{"accepted_at", "body_dropped_at", "diagnosis_text", "processed_at", "reason_mappings", "unchanged_at"} // of no request that has just come
	want := slices.DeleteFunc(slices.Clone(parsed.DBNames), func(name string) bool { return slices.Contains(later, name) })
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Sorted(slices.Values(strings.Split(written[1], ", ")))); diff != "" {
		t.Errorf("columns (-of the row +written):\n%s", diff)
	}
	for _, name := range requestColumns {
		if !slices.Contains(parsed.DBNames, name) {
			t.Errorf("processing reads a column %s, which requests don't have", name)
		}
	}
}
