package store_test

import (
	"fmt"
	"regexp"
	"slices"
	"testing"
	"time"

	"hookwell/models"
)

// TestProcess_presses tells who processes not to rest while requests are late, or more
// are due than a step takes.
func TestProcess_presses(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		s := source(t, f.tenant.Receiving(), func(in *models.SourceInput) { in.Mappings = `[]` })
		n := 0
		for _, c := range []struct {
			requests int
			wait     time.Duration
			want     bool
		}{{1, time.Second, false}, {1, 6 * time.Second, true}, {1, 0, false}, {f.GroupWeight(), 0, true}, {1, 0, false}} {
			for range c.requests {
				n++
				f.handle(t, s, f.stripeRequest(s, f.paid(fmt.Sprint("evt_", n), "cus_1", "")))
			}
			f.clock.Advance(c.wait)
			if got, err := f.Engine().ProcessRequests(t.Context()); err != nil || got != c.requests {
				t.Fatalf("ProcessRequests() = %d, %v; want %d", got, err, c.requests)
			}
			if got := f.Engine().RequestsPress(); got != c.want {
				t.Errorf("RequestsPress() after a step of %d and a wait of %s = %v, want %v", c.requests, c.wait, got, c.want)
			}
		}
	})
}

// TestProcess_no_more_than_a_group has requests go to several endpoints each: a step
// takes as many as one transaction writes deliveries, and the next step the others.
func TestProcess_no_more_than_a_group(t *testing.T) {
	const endpoints = 3
	eachStore(t, func(t *testing.T, f *fixture) {
		s := source(t, f.tenant.Receiving(), func(in *models.SourceInput) { in.Mappings = `[]` })
		for range endpoints {
			endpoint(t, f.tenant, func(in *models.EndpointInput) { in.EventTypes = []string{"stripe.*"} })
		}
		first := f.GroupWeight() / endpoints
		many := first + 2
		for n := range many {
			f.handle(t, s, f.stripeRequest(s, f.paid(fmt.Sprint("evt_", n), "cus_1", "")))
		}
		for _, want := range []written{{first, first * endpoints, endpoints, first * endpoints, 0}, {many, many * endpoints, endpoints, many * endpoints, 0}} {
			if _, err := f.Engine().ProcessRequests(t.Context()); err != nil {
				t.Fatalf("ProcessRequests() failed: %v", err)
			}
			if got := writtenOf(t, f, f.tenant); got != want {
				t.Errorf("after a step there is %+v, want %+v", got, want)
			}
		}
	})
}

// TestProcess_in_another_process has a request in the memory of the process that took
// it in, while another one processes it: a replay finds what it became.
func TestProcess_in_another_process(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		r := f.tenant.Receiving()
		s := source(t, r, nil)
		f.process(t) // from now on this process keeps what it takes in
		f.handle(t, s, f.stripeRequest(s, f.paid("evt_0", "cus_1", "")))
		h := f.handle(t, s, f.stripeRequest(s, f.paid("evt_1", "cus_1", "")))
		other := f.again(t)
		if n, err := other.Engine().ProcessRequests(t.Context()); err != nil || n != 2 {
			t.Fatalf("ProcessRequests() of the other process = %d, %v; want 2", n, err)
		}
		_, err := r.ReplayRequest(t.Context(), h.RequestID, false)
		must(t, err)
		f.process(t)
		if q := request(t, r, h.RequestID); q.UnchangedAt == nil || !slices.Equal(become(q), []string{"payment.succeeded", "stripe.invoice.paid"}) {
			t.Errorf("replayed it is %s %q with %v, want it unchanged with both events once", q.Processing, q.Reason, become(q))
		}
		gone := f.handle(t, s, f.stripeRequest(s, f.paid("evt_2", "cus_1", "")))
		must(t, f.DB().Exec("DELETE FROM requests WHERE id = ?", gone.RequestID).Error)
		f.process(t)
		var links int64
		must(t, f.DB().Table("request_events").Where("request_id = ?", gone.RequestID).Count(&links).Error)
		if links != 0 {
			t.Errorf("a request that is in memory alone became %d events, want none", links)
		}
	})
}

// TestRequests_are_updated_in_place holds the indexes of requests to columns that
// processing leaves as they are, where all goes well, and leaves room for the update.
func TestRequests_are_updated_in_place(t *testing.T) {
	changing := regexp.MustCompile(`\b(processing|processed_at|reason|duplicates)\b`)
	eachStore(t, func(t *testing.T, f *fixture) {
		query := "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'requests' AND sql IS NOT NULL"
		if onPostgres(f.Store) {
			query = "SELECT indexdef FROM pg_indexes WHERE tablename = 'requests' AND schemaname = current_schema()"
			must(t, f.Engine().MakePartitions(t.Context()))
			var full []string
			must(t, f.DB().Raw(`SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
				WHERE i.inhparent = 'requests'::regclass AND NOT 'fillfactor=50' = ANY(coalesce(c.reloptions, '{}'))`).Scan(&full).Error)
			if len(full) != 0 {
				t.Errorf("the partitions %v are filled to the end, want half", full)
			}
		}
		var indexes []string
		must(t, f.DB().Raw(query).Scan(&indexes).Error)
		if len(indexes) < 4 {
			t.Fatalf("read %d indexes, want 4 at least: %v", len(indexes), indexes)
		}
		for _, index := range indexes {
			if changing.MatchString(index) {
				t.Errorf("every update writes to %q", index)
			}
		}
		r := f.tenant.Receiving()
		s := source(t, r, nil)
		bad := f.handle(t, s, f.stripeRequest(s, `{"id":"evt_bad","type":"invoice.paid","created":1,"data":{"object":{"amount_paid":"many"}}}`))
		f.handle(t, s, f.stripeRequest(s, f.paid("evt_good", "cus_1", "")))
		f.process(t)
		list, _, err := r.Requests(t.Context(), models.RequestFilter{SourceID: s.ID, Processing: []models.Processing{models.ProcessingFailed}}, models.Page{})
		if err != nil || len(list) != 1 || list[0].ID != bad.RequestID {
			t.Errorf("Requests() that failed = %d rows, %v; want the one", len(list), err)
		}
	})
}
