package store_test

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"hookwell/internal/storetest"
	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/store"
)

// onlyPostgres is for what SQLite has nothing like.
func onlyPostgres(t *testing.T) *fixture {
	t.Parallel()
	return newFixture(t, storetest.Postgres(t))
}

func partitions(t *testing.T, f *fixture) []string {
	t.Helper()
	var names []string
	if err := f.DB().Raw("SELECT inhrelid::regclass::text FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE c.relkind = 'r' ORDER BY 1").Scan(&names).Error; err != nil {
		t.Fatal(err)
	}
	return names
}

// partitionsOf is where the rows of a table lie.
func partitionsOf(t *testing.T, f *fixture, table, where string) []string {
	t.Helper()
	var names []string
	if err := f.DB().Raw("SELECT DISTINCT tableoid::regclass::text FROM " + table + " WHERE " + where + " ORDER BY 1").Scan(&names).Error; err != nil {
		t.Fatal(err)
	}
	return names
}

func TestPartitions(t *testing.T) {
	f := onlyPostgres(t)
	e := endpoint(t, f.tenant, nil)
	f.clock.Advance(24 * time.Hour)
	event := publish(t, f.tenant, "payment.failed")
	d := deliveries(t, f.tenant)[0]
	f.record(t, f.claim(t, e, 1, d.ID)[0], 500, "status")
	day := f.Now().Format("_20060102")
	for table, where := range map[string]string{"events": "id = '" + event.ID + "'", "deliveries": "id = '" + d.ID + "'", "attempts": "delivery_id = '" + d.ID + "'"} {
		if got := partitionsOf(t, f, table, where); !slices.Equal(got, []string{table + day}) {
			t.Errorf("the row of %s lies in %v, want its day's", table, got)
		}
	}

	t.Run("a clock that lags an hour", func(t *testing.T) {
		f.clock.Advance(-time.Hour)
		publish(t, f.tenant, "payment.failed")
	})
	t.Run("a clock that lags a month", func(t *testing.T) {
		clock := &database.Clock{}
		clock.Advance(-30 * 24 * time.Hour)
		late := f.with(t, func(o *store.Options) { o.Clock = clock })
		tenant, err := late.Operator().Tenant(t.Context(), f.tenant.Organization().ID)
		if err != nil {
			t.Fatal(err)
		}
		if a, err := tenant.Publish(t.Context(), models.NewEvent{Type: "payment.failed", Data: example("payment.failed")}); err != nil {
			t.Error(err)
		} else if got := partitionsOf(t, f, "events", "id = '"+a.ID+"'"); !slices.Equal(got, []string{"events_first"}) {
			t.Errorf("it lies in %v", got)
		}
	})
	t.Run("a clock 40 days ahead, then right again", func(t *testing.T) {
		f.clock.Advance(40 * 24 * time.Hour)
		publish(t, f.tenant, "payment.failed")
		if _, err := f.tenant.BeginTest(t.Context(), e.ID, "payment.failed", example("payment.failed")); err != nil {
			t.Error(err)
		}
		f.clock.Advance(100 * 24 * time.Hour)
		endpoint(t, f.tenant, nil) // makes ids, but needs no partition
		f.clock.Advance(-140 * 24 * time.Hour)
		publish(t, f.tenant, "payment.failed")
	})
}

func TestMakePartitions(t *testing.T) {
	f := onlyPostgres(t)
	before := partitions(t, f)
	if len(before) != 4*15 {
		t.Errorf("%d partitions, want 15 days of 4 tables: %v", len(before), before)
	}
	if err := f.Database().MakePartitions(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := partitions(t, f); !slices.Equal(before, after) {
		t.Errorf("made again: %v", after)
	}
	f.clock.Advance(60 * 24 * time.Hour)
	var makers sync.WaitGroup
	for range 2 {
		other := f.again(t)
		for range 2 {
			makers.Go(func() {
				if err := other.Database().MakePartitions(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
	}
	makers.Wait()
	if after := partitions(t, f); len(after) != 2*len(before) {
		t.Errorf("%d partitions after four made them at once, want %d", len(after), 2*len(before))
	}
	var unindexed []string
	err := f.DB().Raw(`SELECT p.inhrelid::regclass::text FROM pg_inherits p JOIN pg_class c ON c.oid = p.inhrelid AND c.relkind = 'r'
		WHERE (SELECT count(*) FROM pg_index i WHERE i.indrelid = p.inhrelid) <> (SELECT count(*) FROM pg_index i WHERE i.indrelid = p.inhparent)`).Scan(&unindexed).Error
	if err != nil || len(unindexed) != 0 {
		t.Errorf("partitions without their table's indexes: %v, %v", unindexed, err)
	}
}

// Whoever has written and not yet committed must not hold up the making of
// partitions, nor be held up, nor end in a deadlock with it.
func TestMakePartitionsWaitsForNobody(t *testing.T) {
	f := onlyPostgres(t)
	e := endpoint(t, f.tenant, nil)
	for _, table := range []string{"events", "deliveries", "attempts"} {
		tx := f.DB().Begin()
		defer tx.Rollback()
		if err := tx.Exec("LOCK TABLE " + table + " IN ROW EXCLUSIVE MODE").Error; err != nil {
			t.Fatal(err)
		}
	}
	f.clock.Advance(60 * 24 * time.Hour)
	maker := f.with(t, func(o *store.Options) { o.DatabaseURL = withSetting(o.DatabaseURL, "lock_timeout", "2000") })
	if err := maker.Database().MakePartitions(t.Context()); err != nil {
		t.Error(err)
	}
	publish(t, f.tenant, "payment.failed")
	if jobs := f.claim(t, e, 1, deliveries(t, f.tenant)[0].ID); len(jobs) != 1 {
		t.Error("not claimed")
	}
}

func withSetting(url, name, value string) string {
	separator := "?"
	if strings.Contains(url, "?") {
		separator = "&"
	}
	return url + separator + name + "=" + value
}

// plan is how Postgres runs the first query that a function makes.
func (f *fixture) plan(t *testing.T, ask func() error) string {
	t.Helper()
	var statement string
	var parameters []any
	capture := func(db *gorm.DB) {
		if statement == "" {
			statement, parameters = db.Statement.SQL.String(), db.Statement.Vars
		}
	}
	if err := f.DB().Callback().Query().After("gorm:query").Replace("test:capture", capture); err != nil {
		t.Fatal(err)
	}
	if err := ask(); err != nil {
		t.Fatal(err)
	}
	pool, err := f.DB().DB()
	if err != nil {
		t.Fatal(err)
	}
	rows, err := pool.QueryContext(t.Context(), "EXPLAIN "+statement, parameters...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var lines []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

var partitionNames = regexp.MustCompile(`\bon (\w+_(?:first|\d{8}))\b`)

func TestFiltersPassOverPartitions(t *testing.T) {
	f := onlyPostgres(t)
	e := endpoint(t, f.tenant, nil)
	noon := f.Now().Truncate(24 * time.Hour).Add(3*24*time.Hour + 12*time.Hour)
	f.clock.Advance(noon.Sub(f.Now()))
	day := noon.Format("_20060102")
	event := publish(t, f.tenant, "payment.failed")
	d := deliveries(t, f.tenant)[0]
	queries := map[string]func() error{
		"a filter by time": func() error {
			filter := models.DeliveryFilter{Since: noon.Add(-time.Hour), Until: noon.Add(time.Hour)}
			_, _, err := f.tenant.Deliveries(t.Context(), filter, models.Page{})
			return err
		},
		"the same of an endpoint": func() error {
			filter := models.DeliveryFilter{EndpointID: e.ID, Since: noon.Add(-time.Hour), Until: noon.Add(time.Hour)}
			_, _, err := f.tenant.Deliveries(t.Context(), filter, models.Page{})
			return err
		},
		"a delivery": func() error { _, err := f.tenant.Delivery(t.Context(), d.ID); return err },
		"an event":   func() error { _, err := f.tenant.Event(t.Context(), event.ID); return err },
		"attempts":   func() error { _, err := f.tenant.Attempts(t.Context(), d.ID); return err },
	}
	for name, ask := range queries {
		plan := f.plan(t, ask)
		scanned := partitionNames.FindAllStringSubmatch(plan, -1)
		if len(scanned) == 0 {
			t.Errorf("%s: no partition in\n%s", name, plan)
		}
		for _, match := range scanned {
			if !strings.HasSuffix(match[1], day) {
				t.Errorf("%s reads %s too:\n%s", name, match[1], plan)
			}
		}
	}
}
