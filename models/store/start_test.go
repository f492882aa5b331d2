package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"hookwell/internal/testenv"
	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/store"
)

// begin does what a process begins with, and returns what comes of it.
func begin(t *testing.T, o store.Options) error {
	t.Helper()
	store, err := store.Open(t.Context(), o)
	if err != nil {
		return err
	}
	return errors.Join(store.Database().Migrate(t.Context()), store.Close())
}

// wantSentence checks that a start is refused with what to do, and without the
// database's own words.
func wantSentence(t *testing.T, err error, code, sentence string) {
	t.Helper()
	if err == nil {
		t.Error("it starts")
		return
	}
	text := err.Error()
	if refusedAs(err) != code || !strings.HasPrefix(text, sentence) || !strings.Contains(text, "start again") || strings.ContainsAny(text, "()\n") || strings.Contains(text, "ERROR") {
		t.Errorf("a start is refused with %q (%s)", text, refusedAs(err))
	}
}

func TestStart_on_a_full_disk(t *testing.T) {
	t.Parallel()
	const full = "the database has no room left: make room on its disk"
	t.Run("of_SQLite", func(t *testing.T) {
		for _, before := range []string{"nothing", "a_database", "a_database_after_work"} {
			t.Run(before, func(t *testing.T) {
				folder := testenv.Disk(t, "8m")
				o := store.Options{SQLitePath: filepath.Join(folder, "hookwell.db")}
				if before != "nothing" {
					must(t, begin(t, o))
				}
				if before == "a_database_after_work" { // as a killed process leaves it
					for _, beside := range []string{"-wal", "-shm"} {
						must(t, os.WriteFile(o.SQLitePath+beside, nil, 0o600))
					}
				}
				free := testenv.Fill(t, folder)
				wantSentence(t, begin(t, o), models.CodeStorageFull, full)
				free()
				must(t, begin(t, o))
			})
		}
	})
	t.Run("of_Postgres", func(t *testing.T) {
		server, folder := smallPostgres(t)
		free := testenv.Fill(t, folder)
		wantSentence(t, begin(t, store.Options{DatabaseURL: server.URL()}), models.CodeStorageFull, full)
		free()
		must(t, begin(t, store.Options{DatabaseURL: server.URL()}))
	})
}

func TestStart_on_what_takes_no_writes(t *testing.T) {
	t.Parallel()
	const readOnly = "the database takes no writes: it is a replica, or it or its disk is set read-only"
	t.Run("SQLite", func(t *testing.T) {
		folder := testenv.Disk(t, "8m")
		o := store.Options{SQLitePath: filepath.Join(folder, "hookwell.db")}
		must(t, begin(t, o))
		must(t, syscall.Mount("", folder, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, "size=8m"))
		wantSentence(t, begin(t, o), models.CodeStorageReadOnly, readOnly)
	})
	t.Run("Postgres", func(t *testing.T) {
		address := testenv.Database(t)
		o := store.Options{DatabaseURL: address + "&default_transaction_read_only=on"}
		wantSentence(t, begin(t, o), models.CodeStorageReadOnly, readOnly)
		must(t, begin(t, store.Options{DatabaseURL: address}))
		clock := &database.Clock{}
		clock.Advance(40 * models.Day) // partitions are to be made
		o.Clock = clock
		wantSentence(t, begin(t, o), models.CodeStorageReadOnly, readOnly)
	})
}
