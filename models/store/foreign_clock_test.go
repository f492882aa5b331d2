package store_test

import (
	"testing"
	"time"

	"hookwell/internal/storetest"
	"hookwell/models"
	"hookwell/models/pipeline"
	"hookwell/models/store"
	"hookwell/webhook"
)

// apart is a store whose database's clock differs from its own.
func apart(t *testing.T, by string) *fixture {
	t.Helper()
	url := storetest.Postgres(t).DatabaseURL
	err := newFixture(t, store.Options{DatabaseURL: url}).DB().Exec(`CREATE FUNCTION public.statement_timestamp() RETURNS timestamptz
		LANGUAGE sql STABLE AS $$ SELECT pg_catalog.statement_timestamp() + interval '` + by + `' $$`).Error
	must(t, err)
	return newFixture(t, store.Options{DatabaseURL: withSetting(url, "search_path", "public,pg_catalog")})
}

func TestDatabaseClockDiffers(t *testing.T) {
	for _, by := range []string{"-10 minutes", "10 minutes"} {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			f := apart(t, by)
			in := models.NewEndpointInput()
			in.URL, in.EventTypes = "http://127.0.0.1:9/", []string{"*"}
			e, _, err := f.tenant.CreateEndpoint(t.Context(), in)
			must(t, err)
			c, err := storetest.Catalog()
			must(t, err)
			et, _ := c.Lookup("payment.failed")
			_, err = f.tenant.Publish(t.Context(), models.NewEvent{Type: et.Type, Data: et.Example})
			must(t, err)
			list, _, err := f.tenant.Deliveries(t.Context(), models.DeliveryFilter{}, models.Page{})
			must(t, err)
			lanes := []pipeline.Lane{{EndpointID: e.ID, DeliveryIDs: []string{list[0].ID}, Slots: 5}}

			jobs, _, err := f.Engine().Claim(t.Context(), lanes)
			must(t, err)
			if len(jobs) != 1 {
				t.Fatal("a fresh delivery can't be claimed")
			}
			failed := webhook.Exchange{StartedAt: f.Now(), StatusCode: 500, Cause: webhook.CauseStatus}
			must(t, f.Engine().Record(t.Context(), []*pipeline.Result{{Job: jobs[0], Exchange: failed}}))
			if jobs, _, err = f.Engine().Claim(t.Context(), lanes); err != nil || len(jobs) != 0 {
				t.Errorf("the retry was claimed before its time: %d, %v", len(jobs), err)
			}
			f.clock.Advance(7 * time.Second)
			if due, err := f.Engine().Due(t.Context()); err != nil || len(due) != 1 {
				t.Errorf("%d endpoints are due after 7 s: %v", len(due), err)
			}
			if due, err := f.Engine().Due(t.Context()); err != nil || len(due) != 0 {
				t.Errorf("woken again at once: %v, %v", due, err)
			}
			_, err = f.tenant.Resend(t.Context(), list[0].ID)
			must(t, err)
			if jobs, _, err = f.Engine().Claim(t.Context(), lanes); err != nil || len(jobs) != 1 {
				t.Errorf("a resend can’t be claimed: %d, %v", len(jobs), err)
			}
			_, err = f.tenant.BeginTest(t.Context(), e.ID, et.Type, et.Example)
			must(t, err)
			if n, err := f.Engine().Reclaim(t.Context()); err != nil || n != 0 {
				t.Errorf("%d attempts under way were taken for interrupted: %v", n, err)
			}
		})
	}
}
