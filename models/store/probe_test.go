package store_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hookwell/internal/storetest"
	"hookwell/internal/testenv"
	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/store"
)

// refusedAs is what a person is told of an error.
func refusedAs(err error) string {
	if told := database.StorageRefusal(err); told != nil {
		return told.Code
	}
	return ""
}

// untilFull reports events until one is refused. What is free within the
// database's own files is used up first.
func untilFull(t *testing.T, f *fixture) error {
	t.Helper()
	for range 2000 {
		if _, err := f.tenant.Publish(t.Context(), event(f)); err != nil {
			return err
		}
	}
	t.Fatal("the disk is never full")
	return nil
}

func event(f *fixture) models.NewEvent {
	kind, _ := f.Catalog().Lookup("org.member.added")
	return models.NewEvent{Type: kind.Type, Data: kind.Example}
}

// smallPostgres is a server whose database lies on a small disk, and that disk's
// folder.
func smallPostgres(t *testing.T) (*testenv.Process, string) {
	t.Helper()
	folder := testenv.Disk(t, "64m")
	server, err := testenv.StartPostgres(t.Context())
	must(t, err)
	t.Cleanup(func() { must(t, server.Close()) })
	// Its log of changes stays where it is: without room for that it stops.
	space := filepath.Join(folder, "space")
	must(t, os.Mkdir(space, 0o700))
	must(t, exec.CommandContext(t.Context(), "chown", "postgres", space).Run())
	admin, err := store.Open(context.Background(), store.Options{DatabaseURL: strings.Replace(server.URL(), "/postgres?", "/template1?", 1)})
	must(t, err)
	must(t, admin.DB().Exec("CREATE TABLESPACE small LOCATION '"+space+"'").Error)
	must(t, admin.DB().Exec("ALTER DATABASE postgres SET TABLESPACE small").Error)
	must(t, admin.Close())
	return server, folder
}

func TestAFullDisk(t *testing.T) {
	holds := func(t *testing.T, f *fixture, folder string) {
		t.Helper()
		must(t, f.Database().Probe(t.Context()))
		free := testenv.Fill(t, folder)
		if err := untilFull(t, f); refusedAs(err) != models.CodeStorageFull {
			t.Fatalf("a report is refused with %v", err)
		}
		for i := range 3 {
			if err := f.Database().Probe(t.Context()); refusedAs(err) != models.CodeStorageFull {
				t.Fatalf("Probe() = %v on a full disk, try %d", err, i+1)
			}
		}
		free()
		must(t, f.Database().Probe(t.Context()))
		_, err := f.tenant.Publish(t.Context(), event(f))
		must(t, err)
		var left int64
		must(t, f.DB().Model(&database.Probe{}).Count(&left).Error)
		if left != 0 {
			t.Errorf("%d rows of probes are left", left)
		}
	}
	t.Run("of_SQLite", func(t *testing.T) {
		folder := testenv.Disk(t, "8m")
		holds(t, newFixture(t, store.Options{SQLitePath: filepath.Join(folder, "hookwell.db")}), folder)
	})
	t.Run("of_Postgres", func(t *testing.T) {
		server, folder := smallPostgres(t)
		f := newFixture(t, store.Options{DatabaseURL: server.URL()})
		holds(t, f, folder)
	})
}

func TestProbe(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) { must(t, f.Database().Probe(t.Context())) })
	t.Run("fails_where_nothing_can_be_written", func(t *testing.T) {
		f := newFixture(t, storetest.Postgres(t))
		reader := f.with(t, func(o *store.Options) { o.DatabaseURL += "&default_transaction_read_only=on" })
		if err := reader.Database().Probe(t.Context()); refusedAs(err) != models.CodeStorageReadOnly {
			t.Errorf("Probe() = %v", err)
		}
		if err := reader.Database().Ping(t.Context()); err != nil {
			t.Errorf("Ping() = %v, which only asks whether it answers", err)
		}
	})
}
