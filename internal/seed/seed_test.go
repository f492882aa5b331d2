package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hookwell/internal/testenv"
	"hookwell/models"
	"hookwell/models/store"
)

func TestMain(m *testing.M) {
	time.Local = time.UTC
	os.Exit(testenv.Run(m))
}

func TestSeed(t *testing.T) {
	for name, o := range map[string]order{
		"sqlite":   {sqlite: filepath.Join(t.TempDir(), "hookwell.db")},
		"postgres": {database: testenv.Database(t)},
	} {
		t.Run(name, func(t *testing.T) {
			o.deliveries, o.days, o.organizations, o.endpoints, o.email, o.seed = 1500, 12, 2, 9, "demo@example.com", 1
			if err := o.run(t.Context()); err != nil {
				t.Fatal(err)
			}
			store, err := store.Open(t.Context(), store.Options{DatabaseURL: o.database, SQLitePath: o.sqlite})
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			looksLived(t, store, o)
			if err := o.run(t.Context()); err == nil {
				t.Error("a database in use was filled again")
			}
		})
	}
}

// looksLived checks that the past is one that could have been.
func looksLived(t *testing.T, store *store.Store, o order) {
	total := 0
	var oldest time.Time
	orgs, _, err := store.Operator().Organizations(t.Context(), models.Page{})
	if err != nil || len(orgs) != o.organizations {
		t.Fatalf("%d organizations, %v", len(orgs), err)
	}
	for _, org := range orgs {
		tenant, err := store.Operator().Tenant(t.Context(), org.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range all(t, tenant) {
			total++
			if oldest.IsZero() || d.CreatedAt.Before(oldest) {
				oldest = d.CreatedAt
			}
			attempts, err := tenant.Attempts(t.Context(), d.ID)
			if err != nil || len(attempts) != d.AttemptCount {
				t.Errorf("%s has %d attempts of %d, %v", d.ID, len(attempts), d.AttemptCount, err)
			}
			if open := d.State == models.Pending || d.State == models.Retrying; open != (d.NextAttemptAt != nil) || open == (d.EndedAt != nil) {
				t.Errorf("%s is %s with the next attempt at %v and its end at %v", d.ID, d.State, d.NextAttemptAt, d.EndedAt)
			}
		}
	}
	if total != o.deliveries {
		t.Errorf("%d deliveries, want %d", total, o.deliveries)
	}
	if age := store.Now().Sub(oldest); age < time.Duration(o.days-1)*day {
		t.Errorf("the oldest delivery was made %s ago", age)
	}
}

func all(t *testing.T, tenant *store.Tenant) (list []models.Delivery) {
	for page := (models.Page{Limit: models.MaxLimit}); ; {
		rows, next, err := tenant.Deliveries(context.Background(), models.DeliveryFilter{}, page)
		if err != nil {
			t.Fatal(err)
		}
		if list = append(list, rows...); next == "" {
			return list
		}
		page.Cursor = next
	}
}
