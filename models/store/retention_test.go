package store_test

import (
	"testing"
	"time"

	"hookwell/models"
)

// kept counts the organization's events, deliveries and attempts.
func (f *fixture) kept(t *testing.T) [3]int {
	t.Helper()
	events, _, err := f.tenant.Events(t.Context(), models.EventFilter{}, models.Page{})
	if err != nil {
		t.Fatal(err)
	}
	attempts := 0
	list := deliveries(t, f.tenant)
	for _, d := range list {
		rows, err := f.tenant.Attempts(t.Context(), d.ID)
		if err != nil {
			t.Fatal(err)
		}
		attempts += len(rows)
	}
	return [3]int{len(events), len(list), attempts}
}

func (f *fixture) prune(t *testing.T) {
	t.Helper()
	if err := f.Engine().Prune(t.Context(), f.Now().Add(-30*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
}

func TestPrune(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e, parked := endpoint(t, f.tenant, nil), endpoint(t, f.tenant, nil)
		deliver := func() {
			publish(t, f.tenant, "payment.failed")
			for _, d := range deliveries(t, f.tenant) {
				for _, job := range f.claim(t, e, 10, d.ID) {
					f.record(t, job, 200, "")
				}
			}
		}
		deliver()
		if _, err := f.tenant.DisableEndpoint(t.Context(), parked.ID); err != nil {
			t.Fatal(err)
		}
		f.clock.Advance(3 * 24 * time.Hour)
		deliver()
		f.clock.Advance(37 * 24 * time.Hour)
		deliver()
		if before := f.kept(t); before != [3]int{3, 4, 3} {
			t.Fatalf("made %v", before)
		}
		// One delivery of the first day has not ended: it stays with its event, and
		// so does all that is younger.
		f.prune(t)
		if got := f.kept(t); got[0] != 3 || got[1] < 3 || got[2] < 2 {
			t.Errorf("%v are left while a delivery of the first day waits", got)
		}
		if _, err := f.Engine().EndWaiting(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.prune(t)
		f.prune(t)
		if got := f.kept(t); got != [3]int{1, 1, 1} {
			t.Errorf("%v are left, want the youngest alone", got)
		}
		deliver()
		if got := f.kept(t); got != [3]int{2, 2, 2} {
			t.Errorf("after a removal %v, want one more of each", got)
		}
	})
}

// What a removal left behind when it was cut short goes with the next one.
func TestPruneFinishesWhatWasCutShort(t *testing.T) {
	f := onlyPostgres(t)
	before := partitions(t, f)
	f.clock.Advance(60 * 24 * time.Hour)
	if err := f.Database().MakePartitions(t.Context()); err != nil {
		t.Fatal(err)
	}
	detached := before[0] // by name: the attempts of a day
	if err := f.DB().Exec("ALTER TABLE attempts DETACH PARTITION " + detached).Error; err != nil {
		t.Fatal(err)
	}
	f.prune(t)
	f.prune(t)
	for _, name := range partitions(t, f) {
		for _, old := range before {
			if name == old && name[len(name)-5:] != "first" {
				t.Errorf("%s is still there", name)
			}
		}
	}
	var left []string
	if err := f.DB().Raw("SELECT relname FROM pg_class WHERE relname = ?", detached).Scan(&left).Error; err != nil {
		t.Fatal(err)
	}
	if len(left) != 0 {
		t.Errorf("%s was left behind", detached)
	}
	publish(t, f.tenant, "payment.failed")
}
