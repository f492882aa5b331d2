package store_test

import (
	"os"
	"path/filepath"
	"testing"

	"hookwell/models/store"
)

func TestEmbedded_database_is_its_owners_alone(t *testing.T) {
	folder := t.TempDir()
	store, err := store.Open(t.Context(), store.Options{SQLitePath: filepath.Join(folder, "hookwell.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.Database().Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(folder)
	if err != nil || len(files) < 2 {
		t.Fatalf("%d files, want the database and its log: %v", len(files), err)
	}
	for _, file := range files {
		if info, err := file.Info(); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s can be read by others: %v %v", file.Name(), info.Mode(), err)
		}
	}
}

// What others could read before is narrowed at the start, with what lies beside it.
func TestEmbedded_database_that_others_could_read_is_narrowed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hookwell.db")
	open := func() *store.Store {
		store, err := store.Open(t.Context(), store.Options{SQLitePath: path})
		must(t, err)
		must(t, store.Database().Migrate(t.Context()))
		return store
	}
	other := open() // keeps the log there
	defer other.Close()
	files := []string{path, path + "-wal", path + "-shm"}
	for _, file := range files {
		must(t, os.Chmod(file, 0o644))
	}
	defer open().Close()
	for _, file := range files {
		info, err := os.Stat(file)
		must(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has the mode %o, want 600", file, info.Mode().Perm())
		}
	}
}
