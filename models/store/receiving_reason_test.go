package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"hookwell/models"
)

// becameTest is a request and what it is to become.
type becameTest struct {
	body       string
	processing models.Processing
	reason     string
	mappings   []string
	events     []string
}

// TestReceiving_unmapped has requests that are relayed and not mapped: each says why,
// with the mappings that decided so, and still does after a replay.
func TestReceiving_unmapped(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		r := f.tenant.Receiving()
		s := source(t, r, nil)
		paid := f.paid("evt_paid", "cus_1", "")
		tests := map[string]becameTest{
			"mapped":   {paid, models.ProcessingProcessed, "", nil, []string{"payment.succeeded", "stripe.invoice.paid"}},
			"filtered": {strings.Replace(f.paid("evt_free", "cus_1", ""), `"amount_paid":4900`, `"amount_paid":0`, 1), models.ProcessingProcessed, models.ReasonFiltered, []string{"invoice_paid"}, []string{"stripe.invoice.paid"}},
			"unmapped": {stripeBody("evt_customer", "customer.created", `{"id":"cus_1"}`), models.ProcessingProcessed, models.ReasonUnmapped, nil, []string{"stripe.customer.created"}},
			"not JSON": {"this is no JSON", models.ProcessingProcessed, models.ReasonNotJSON, nil, []string{"stripe.received"}},
			"failed":   {`{"id":"evt_bad","type":"invoice.paid","created":1,"data":{"object":{"amount_paid":"many"}}}`, models.ProcessingFailed, models.ReasonMappingFailed, []string{"invoice_paid"}, []string{"stripe.invoice.paid"}},
			"repeated": {strings.Replace(paid, `"id":"evt_paid"`, `"id":"evt_again"`, 1), models.ProcessingProcessed, models.ReasonRepeated, []string{"invoice_paid"}, []string{"stripe.invoice.paid"}},
		}
		ids := map[string]string{}
		take := func(name string) {
			ids[name] = f.handle(t, s, f.stripeRequest(s, tests[name].body)).RequestID
			f.process(t)
		}
		take("mapped")
		for name := range tests {
			if name != "mapped" {
				take(name)
			}
		}
		check := func(when string) {
			for name, want := range tests {
				q := request(t, r, ids[name])
				if q.Processing != want.processing || q.Reason != want.reason || !slices.Equal(q.Mappings(), append([]string{}, want.mappings...)) || !slices.Equal(become(q), want.events) {
					t.Errorf("%s, %s is %s, %q of %q, %q, and became %v; want %s, %q of %v, and %v", when, name, q.Processing, q.Reason, q.ReasonMappings, q.Error, become(q), want.processing, want.reason, want.mappings, want.events)
				}
				if (q.Error != "") != (want.processing == models.ProcessingFailed) {
					t.Errorf("%s, %s has the error %q; want one of what failed alone", when, name, q.Error)
				}
				if unchanged := when == "replayed" && want.processing != models.ProcessingFailed; (q.UnchangedAt != nil) != unchanged {
					t.Errorf("%s, %s is unchanged at %v; want a time: %t", when, name, q.UnchangedAt, unchanged)
				}
			}
		}
		check("processed")
		counts, err := r.RequestCounts(t.Context(), models.RequestFilter{})
		must(t, err)
		for _, id := range ids {
			_, err := r.ReplayRequest(t.Context(), id, false)
			must(t, err)
		}
		f.process(t)
		check("replayed")
		after, err := r.RequestCounts(t.Context(), models.RequestFilter{})
		must(t, err)
		if fmt.Sprint(after) != fmt.Sprint(counts) {
			t.Errorf("RequestCounts() = %v after the replays; want %v as before", after, counts)
		}
		// The same replay does what is new.
		_, err = r.UpdateSource(t.Context(), s.ID, func(in *models.SourceInput) error {
			in.Mappings = `[{"name":"paid","events":["invoice.paid"],"when":"body.data.object.amount_paid == 0","type":"payment.succeeded","data":{"paymentId":{"const":"p"}}}]`
			return nil
		})
		must(t, err)
		_, err = r.ReplayRequest(t.Context(), ids["mapped"], false)
		must(t, err)
		f.process(t)
		if q := request(t, r, ids["mapped"]); q.Processing != models.ProcessingProcessed || q.Reason != "" || len(q.Events) != 2 {
			t.Errorf("replayed by a mapping whose condition is false, it is %s %q with %v; want it as it was", q.Processing, q.Reason, become(q))
		}
	})
}

// TestReceiving_unmapped_alone has requests that nothing relays, at a source of no
// organization, and a source that maps nothing.
func TestReceiving_unmapped_alone(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		r := f.tenant.Receiving()
		none := source(t, r, func(in *models.SourceInput) { in.Mappings = "[]" })
		h := f.handle(t, none, f.stripeRequest(none, stripeBody("evt_1", "customer.created", `{"id":"cus_1"}`)))
		f.process(t)
		if q := request(t, r, h.RequestID); q.Processing != models.ProcessingProcessed || q.Reason != "" || len(q.Events) != 1 {
			t.Errorf("of a source without mappings it is %s %q with %v; want it relayed and no reason", q.Processing, q.Reason, become(q))
		}
		operator := f.Operator().Receiving()
		s := source(t, operator, func(in *models.SourceInput) { in.Slug = "shared" })
		h = f.handle(t, s, f.stripeRequest(s, stripeBody("evt_2", "customer.created", `{"object":"list"}`)))
		f.process(t)
		if q := request(t, operator, h.RequestID); q.Processing != models.ProcessingIgnored || q.Reason != models.ReasonUnmapped || len(q.Events) != 0 {
			t.Errorf("of nobody it is %s %q with %v; want it ignored as unmapped", q.Processing, q.Reason, become(q))
		}
	})
}
