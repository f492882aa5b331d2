package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"hookwell/models"
	"hookwell/models/store"
	"hookwell/webhook"
)

// walk reads a list from one end to the other.
func walk(list func(models.Page) (ids []string, next string, err error), page models.Page) ([]string, error) {
	var all []string
	for {
		ids, next, err := list(page)
		if err != nil {
			return nil, err
		}
		all = append(all, ids...)
		if next == "" {
			return all, nil
		}
		if len(ids) == 0 {
			return nil, fmt.Errorf("an empty page before the end")
		}
		page.Cursor = next
	}
}

func TestPaging(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		first := endpoint(t, f.tenant, nil)
		second := endpoint(t, f.tenant, func(in *models.EndpointInput) { in.EventTypes = []string{"payment.*"} })
		endpoint(t, f.organization(t, "Other"), nil)
		for i := range 15 {
			eventType := "payment.failed"
			if i%3 == 0 {
				eventType = "org.created"
			}
			publish(t, f.tenant, eventType)
		}
		jobs := f.claim(t, second, 4, named(deliveries(t, f.tenant), func(d models.Delivery) string { return d.ID })...)
		for _, job := range jobs {
			f.record(t, job, 200, "")
		}
		all := deliveries(t, f.tenant)
		if len(all) != 25 || !slices.IsSortedFunc(all, func(a, b models.Delivery) int { return strings.Compare(b.ID, a.ID) }) {
			t.Fatalf("%d deliveries, want 25, newest first", len(all))
		}
		rapid.Check(t, func(rt *rapid.T) {
			filter, keep := drawFilter(rt, all, first, second)
			var want []string
			for _, d := range all {
				if keep(d) {
					want = append(want, d.ID)
				}
			}
			list := func(page models.Page) ([]string, string, error) {
				rows, next, err := f.tenant.Deliveries(t.Context(), filter, page)
				return named(rows, func(d models.Delivery) string { return d.ID }), next, err
			}
			limit := rapid.IntRange(3, 30).Draw(rt, "limit")
			got, err := walk(list, models.Page{Limit: limit})
			if err != nil || !slices.Equal(got, want) {
				rt.Fatalf("%v, %v\nwant %v", got, err, want)
			}
			at := rapid.SampledFrom(all).Draw(rt, "at").ID // a cursor of any row, whether the filter passes it or not
			got, err = walk(list, models.Page{Limit: limit, Cursor: at})
			older := slices.DeleteFunc(slices.Clone(want), func(id string) bool { return id >= at })
			if err != nil || !slices.Equal(got, older) {
				rt.Fatalf("after %s: %v, %v\nwant %v", at, got, err, older)
			}
		})
	})
}

// drawFilter is a filter with what it should let pass.
func drawFilter(rt *rapid.T, all []models.Delivery, endpoints ...*models.Endpoint) (models.DeliveryFilter, func(models.Delivery) bool) {
	var f models.DeliveryFilter
	if rapid.Bool().Draw(rt, "by state") {
		f.States = rapid.SliceOfNDistinct(rapid.SampledFrom(models.States()), 1, 3, rapid.ID).Draw(rt, "states")
	}
	if rapid.Bool().Draw(rt, "by endpoint") {
		f.EndpointID = rapid.SampledFrom(endpoints).Draw(rt, "endpoint").ID
	}
	if rapid.IntRange(0, 3).Draw(rt, "by event") == 0 {
		f.EventID = rapid.SampledFrom(all).Draw(rt, "event").EventID
	}
	f.Types = rapid.SampledFrom([][]string{nil, {"*"}, {"payment.failed"}, {"payment.*"}, {"org.*", "payment.failed"}, {"payment_*"}, {"pay%"}, {"PAYMENT.*"}, {"Payment.failed"}, {"no.such"}}).Draw(rt, "types")
	if rapid.Bool().Draw(rt, "since") {
		f.Since = store.IDTime(rapid.SampledFrom(all).Draw(rt, "from").ID)
	}
	if rapid.Bool().Draw(rt, "until") {
		f.Until = store.IDTime(rapid.SampledFrom(all).Draw(rt, "to").ID)
	}
	return f, func(d models.Delivery) bool {
		of := slices.ContainsFunc(f.Types, func(pattern string) bool {
			prefix, wild := strings.CutSuffix(pattern, "*")
			return d.EventType == pattern || wild && strings.HasPrefix(d.EventType, prefix)
		})
		at := store.IDTime(d.ID)
		return (len(f.States) == 0 || slices.Contains(f.States, d.State)) && (f.EndpointID == "" || d.EndpointID == f.EndpointID) &&
			(f.EventID == "" || d.EventID == f.EventID) && (len(f.Types) == 0 || of) && !at.Before(f.Since) && (f.Until.IsZero() || at.Before(f.Until))
	}
}

func TestOtherLists(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		for i := range 7 {
			endpoint(t, f.tenant, nil)
			publish(t, f.tenant, "payment.failed")
			f.organization(t, fmt.Sprint("Org ", i))
		}
		lists := map[string]func(models.Page) ([]string, string, error){
			"events": func(p models.Page) ([]string, string, error) {
				rows, next, err := f.tenant.Events(t.Context(), models.EventFilter{Types: []string{"payment.*"}}, p)
				return named(rows, func(e models.Event) string { return e.ID }), next, err
			},
			"endpoints": func(p models.Page) ([]string, string, error) {
				list, err := f.tenant.EndpointPage(t.Context(), models.EndpointFilter{}, p)
				return named(list.Rows, func(e models.JudgedEndpoint) string { return e.ID }), list.Next, err
			},
			"organizations": func(p models.Page) ([]string, string, error) {
				rows, next, err := f.Operator().Organizations(t.Context(), p)
				return named(rows, func(o models.Organization) string { return o.ID }), next, err
			},
		}
		for name, list := range lists {
			whole, _, err := list(models.Page{Limit: models.MaxLimit})
			if err != nil || len(whole) < 7 || !slices.IsSortedFunc(whole, func(a, b string) int { return strings.Compare(b, a) }) {
				t.Errorf("%s: %v, %v", name, whole, err)
			}
			if got, err := walk(list, models.Page{Limit: 3}); err != nil || !cmp.Equal(got, whole) {
				t.Errorf("%s: %v, %v", name, got, err)
			}
			for _, bad := range []models.Page{{Limit: -1}, {Limit: models.MaxLimit + 1}, {Cursor: "x"}, {Cursor: "key_" + strings.Repeat("0", 26)}, {Cursor: whole[0] + "0"}, {Cursor: "\x00"}, {Cursor: "\xff"}} {
				_, _, err := list(bad)
				want := "cursor"
				if bad.Limit != 0 {
					want = "limit"
				}
				if got := fields(t, err); !slices.Equal(got, []string{want}) {
					t.Errorf("%s of %+v: faults at %v", name, bad, got)
				}
			}
		}
	})
}

func TestTimesOutOfRange(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		endpoint(t, f.tenant, nil)
		publish(t, f.tenant, "payment.failed")
		for _, c := range []struct {
			filter models.DeliveryFilter
			want   int
		}{
			{models.DeliveryFilter{Since: time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC)}, 1},
			{models.DeliveryFilter{Since: time.Date(1969, 1, 1, 0, 0, 0, 0, time.UTC)}, 1},
			{models.DeliveryFilter{Until: time.Date(1969, 1, 1, 0, 0, 0, 0, time.UTC)}, 0},
			{models.DeliveryFilter{Since: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}, 0},
			{models.DeliveryFilter{Until: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}, 1},
			{models.DeliveryFilter{Since: f.Now().Add(-time.Hour), Until: f.Now().Add(-time.Hour)}, 0},
		} {
			if list, _, err := f.tenant.Deliveries(t.Context(), c.filter, models.Page{}); err != nil || len(list) != c.want {
				t.Errorf("since %v until %v: %d, %v", c.filter.Since, c.filter.Until, len(list), err)
			}
		}
	})
}

// What was delivered is looked for from an endpoint's last success on. That must
// hide nothing, whatever is known of the last success.
func TestDeliveredBeforeAnEndpointFailed(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e, never := endpoint(t, f.tenant, nil), endpoint(t, f.tenant, func(in *models.EndpointInput) { in.EventTypes = []string{"org.*"} })
		delivered := func(e *models.Endpoint) []string {
			t.Helper()
			filter := models.DeliveryFilter{EndpointID: e.ID, States: []models.State{models.Delivered}}
			list := func(page models.Page) ([]string, string, error) {
				rows, next, err := f.tenant.Deliveries(t.Context(), filter, page)
				return named(rows, func(d models.Delivery) string { return d.ID }), next, err
			}
			all, err := walk(list, models.Page{Limit: 1})
			must(t, err)
			return all
		}
		test := func(e *models.Endpoint) string {
			t.Helper()
			job, err := f.tenant.BeginTest(t.Context(), e.ID, "payment.failed", example("payment.failed"))
			must(t, err)
			f.record(t, job, 200, "")
			return job.DeliveryID
		}
		want := []string{f.one(t, e)}
		f.record(t, f.claim(t, e, 1, want...)[0], 200, "")
		f.rollUp(t)
		f.clock.Advance(3 * 24 * time.Hour)
		must(t, f.Database().MakePartitions(t.Context()))
		f.record(t, f.claim(t, e, 1, f.one(t, e))[0], 500, webhook.CauseStatus)
		want = append([]string{test(e), test(e)}, want...)
		slices.Sort(want)
		slices.Reverse(want)
		if got := delivered(e); !slices.Equal(got, want) {
			t.Errorf("delivered are %v, want %v", got, want)
		}
		if only := []string{test(never)}; !slices.Equal(delivered(never), only) {
			t.Errorf("an endpoint that only got a test event has %v", delivered(never))
		}
		must(t, f.DB().Exec("UPDATE endpoint_states SET last_success_at = NULL").Error)
		if got := delivered(e); !slices.Equal(got, want) {
			t.Errorf("without the noted success, delivered are %v, want %v", got, want)
		}
		must(t, f.DB().Exec("UPDATE endpoint_states SET last_success_at = ?", f.Now().Add(-3*24*time.Hour)).Error)
		must(t, f.DB().Exec("DELETE FROM rollups").Error)
		if got := delivered(e); !slices.Equal(got, want) {
			t.Errorf("before anything was rolled up, delivered are %v, want %v", got, want)
		}
	})
}

func TestDeliveryListIsComplete(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := endpoint(t, f.tenant, func(in *models.EndpointInput) { in.Name = "Billing" })
		flying, waiting := f.one(t, e), f.one(t, e)
		f.claim(t, e, 1, flying)
		for _, d := range deliveries(t, f.tenant) {
			if d.EndpointTitle != "Billing" || d.InFlight != (d.ID == flying) || (d.NextAttemptAt != nil) != (d.ID == waiting) {
				t.Errorf("%+v", d)
			}
		}
		publish(t, f.tenant, "payment.failed")
		siblings, err := f.tenant.Siblings(t.Context(), f.delivery(t, flying))
		if err != nil || len(siblings) != 0 {
			t.Errorf("%v, %v", siblings, err)
		}
		endpoint(t, f.tenant, nil)
		a := publish(t, f.tenant, "payment.failed")
		list, _, err := f.tenant.Deliveries(t.Context(), models.DeliveryFilter{EventID: a.ID}, models.Page{})
		if err != nil || len(list) != 2 {
			t.Fatal(list, err)
		}
		if siblings, err := f.tenant.Siblings(t.Context(), &list[0]); err != nil || len(siblings) != 1 || siblings[0].ID != list[1].ID {
			t.Errorf("%v, %v", siblings, err)
		}
	})
}
