package store_test

import (
	"testing"

	"hookwell/internal/storetest"
	"hookwell/models"
	"hookwell/models/pipeline"
	"hookwell/models/store"
	"hookwell/webhook"
)

// A queue is empty at one moment and long at the next. What was planned for
// the one must not read all of the other.
func TestClaimReadsNoBacklog(t *testing.T) {
	f := newFixture(t, storetest.Postgres(t))
	options := f.opened
	options.DatabaseURL = withSetting(options.DatabaseURL, "application_name", "worker")
	worker, err := store.Open(t.Context(), options)
	must(t, err)
	worker.Engine().Start()
	c, err := storetest.Catalog()
	must(t, err)
	quick, slow := storetest.NamedEndpoint(t, f.tenant, "", "org.created"), storetest.NamedEndpoint(t, f.tenant, "", "payment.failed")
	report := func(kind string) store.Report {
		et, _ := c.Lookup(kind)
		return store.Report{Tenant: f.tenant, Event: models.NewEvent{Type: et.Type, Data: et.Example}}
	}
	deliver := func() {
		must(t, f.PublishBatch(t.Context(), []store.Report{report("org.created")})[0].Err)
		list, _, err := f.tenant.Deliveries(t.Context(), models.DeliveryFilter{EndpointID: quick.ID}, models.Page{Limit: 1})
		must(t, err)
		jobs, _, err := worker.Engine().Claim(t.Context(), []pipeline.Lane{{EndpointID: quick.ID, DeliveryIDs: []string{list[0].ID}, Slots: 5}})
		must(t, err)
		if len(jobs) != 1 {
			t.Fatal("not claimed")
		}
		must(t, worker.Engine().Record(t.Context(), []*pipeline.Result{{Job: jobs[0], Exchange: webhook.Exchange{StartedAt: f.Now(), StatusCode: 200}}}))
	}
	for range 10 { // as often as it takes a plan to be kept
		deliver()
	}
	const backlog = 3000 // of few, to read them all is as cheap
	reports := make([]store.Report, backlog)
	for i := range reports {
		reports[i] = report("payment.failed")
	}
	for _, o := range f.PublishBatch(t.Context(), reports) {
		must(t, o.Err)
	}
	before := rowsRead(t, f)
	deliver()
	closeAndCount(t, f, worker)
	if read := rowsRead(t, f) - before; read >= backlog {
		t.Errorf("claiming and recording one delivery read %d rows, with %d of %s waiting", read, backlog, slow.ID)
	}
}

// What ends because it waited too long, or for an endpoint that is gone, is found
// without reading what waits for its turn.
func TestEndWaitingReadsNoBacklog(t *testing.T) {
	f := newFixture(t, storetest.Postgres(t))
	storetest.NamedEndpoint(t, f.tenant, "", "payment.failed")
	const backlog = 3000
	waiting := func() []store.Report {
		reports := make([]store.Report, backlog/3)
		c, err := storetest.Catalog()
		must(t, err)
		et, _ := c.Lookup("payment.failed")
		for i := range reports {
			reports[i] = store.Report{Tenant: f.tenant, Event: models.NewEvent{Type: et.Type, Data: et.Example}}
		}
		return reports
	}()
	for range 3 {
		for _, o := range f.PublishBatch(t.Context(), waiting) {
			must(t, o.Err)
		}
	}
	must(t, f.DB().Exec("ANALYZE delivery_work, endpoints").Error)
	options := f.opened
	options.DatabaseURL = withSetting(options.DatabaseURL, "application_name", "worker")
	worker, err := store.Open(t.Context(), options)
	must(t, err)
	worker.Engine().Start()
	before := rowsRead(t, f)
	n, err := worker.Engine().EndWaiting(t.Context())
	must(t, err)
	if n != 0 {
		t.Errorf("ended %d", n)
	}
	closeAndCount(t, f, worker)
	if read := rowsRead(t, f) - before; read >= backlog/10 {
		t.Errorf("ending nothing read %d rows, with %d waiting", read, backlog)
	}
}

// closeAndCount closes a store whose sessions are named "worker", and waits until
// they have handed in what they counted.
func closeAndCount(t *testing.T, f *fixture, worker *store.Store) {
	t.Helper()
	must(t, worker.Close())
	for left := 1; left > 0; {
		must(t, f.DB().Raw("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'worker'").Scan(&left).Error)
	}
}

// rowsRead is how many rows and index entries of the queue were read so far.
func rowsRead(t *testing.T, f *fixture) (n int64) {
	t.Helper()
	must(t, f.DB().Raw(`SELECT sum(seq_tup_read) + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE relname = 'delivery_work')
		FROM pg_stat_user_tables WHERE relname = 'delivery_work'`).Scan(&n).Error)
	return n
}

func TestClaimPassesOverADeliveryWithoutItsEvent(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := storetest.NamedEndpoint(t, f.tenant, "", "payment.failed")
		c, err := storetest.Catalog()
		must(t, err)
		et, _ := c.Lookup("payment.failed")
		for range 2 {
			_, err := f.tenant.Publish(t.Context(), models.NewEvent{Type: et.Type, Data: et.Example})
			must(t, err)
		}
		list, _, err := f.tenant.Deliveries(t.Context(), models.DeliveryFilter{}, models.Page{})
		must(t, err)
		must(t, f.DB().Delete(&models.Event{}, "id = ?", list[0].EventID).Error)
		// By another process: the one that accepted an event still has it in memory.
		jobs, _, err := f.again(t).Engine().Claim(t.Context(), []pipeline.Lane{{EndpointID: e.ID, DeliveryIDs: []string{list[0].ID, list[1].ID}, Slots: 5}})
		must(t, err)
		if len(jobs) != 1 || jobs[0].DeliveryID != list[1].ID {
			t.Errorf("%d claimed, want the one whose event is there", len(jobs))
		}
	})
}
