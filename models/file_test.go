package models_test

import (
	"os"
	"path/filepath"
	"testing"

	"hookwell/models"
)

func TestEmbedded_database_is_its_owners_alone(t *testing.T) {
	folder := t.TempDir()
	store, err := models.Open(t.Context(), models.Options{SQLitePath: filepath.Join(folder, "hookwell.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.Migrate(t.Context()); err != nil {
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
