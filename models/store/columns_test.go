package store_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gorm.io/gorm"
)

// unnamed is SQL that reads or writes whatever columns there are.
var unnamed = regexp.MustCompile(`(?i)\b(SELECT|RETURNING|DISTINCT)\s+("?\w+"?\.)?\*|,\s*"?\w+"?\.\*|\b\w+\.\*\s*(,|FROM\b)|"\w+\.\*"|INSERT INTO "?\w+"?\s+(SELECT|VALUES)`)

// TestQueriesNameTheirColumns looks for such SQL in the source, and in what a
// store says to its database.
func TestQueriesNameTheirColumns(t *testing.T) {
	t.Run("source", func(t *testing.T) {
		files, err := filepath.Glob("../*/*.go")
		must(t, err)
		if len(files) < 100 {
			t.Fatalf("found only %d files", len(files))
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			source, err := os.ReadFile(file)
			must(t, err)
			for line := range strings.Lines(string(source)) {
				code, _, _ := strings.Cut(line, "//")
				if unnamed.MatchString(code) {
					t.Errorf("%s: %s", file, strings.TrimSpace(line))
				}
			}
		}
	})
	t.Run("statements", func(t *testing.T) {
		eachStore(t, func(t *testing.T, f *fixture) {
			said := 0
			look := func(db *gorm.DB) {
				said++
				if text := db.Statement.SQL.String(); unnamed.MatchString(text) {
					t.Errorf("%s", text)
				}
			}
			all := f.DB().Callback()
			must(t, all.Query().After("gorm:query").Register("test:look", look))
			must(t, all.Raw().After("gorm:raw").Register("test:look", look))
			must(t, all.Row().After("gorm:row").Register("test:look", look))
			must(t, all.Create().After("gorm:create").Register("test:look", look))
			must(t, all.Update().After("gorm:update").Register("test:look", look))
			must(t, all.Delete().After("gorm:delete").Register("test:look", look))
			f.worksAndServes(t)
			if said < 50 {
				t.Errorf("%d statements were looked at: this proves little", said)
			}
		})
	})
}

// TestAnOlderProcessBesideANewerSchema adds a column to every table while a
// store has described its queries on every connection.
func TestAnOlderProcessBesideANewerSchema(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		for _, column := range []string{"first_later", "second_later"} {
			f.worksAndServes(t)
			for _, table := range tables(t, f.Store) {
				must(t, f.DB().Exec("ALTER TABLE "+table+" ADD COLUMN "+column+" text NOT NULL DEFAULT 'later'").Error)
			}
		}
		f.worksAndServes(t)
	})
}
