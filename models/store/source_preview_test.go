package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hookwell/models"
)

// previewed has a source take in bodies of Stripe's, one after the other.
func (f *fixture) previewed(t *testing.T, s *models.Source, bodies ...string) {
	t.Helper()
	for _, body := range bodies {
		if h := f.handle(t, s, f.stripeRequest(s, body)); h.RequestID == "" {
			t.Fatalf("Handle() returned %+v; want the request taken in", h)
		}
		f.clock.Advance(time.Second)
	}
}

func stripeBody(id, kind, object string) string {
	return fmt.Sprintf(`{"id":%q,"object":"event","type":%q,"created":1770000000,"livemode":true,"data":{"object":%s}}`, id, kind, object)
}

// roleMapping makes org.member.role_changed of an item. Its schema wants a text as
// the role.
const roleMapping = `[{"name": "roles", "events": ["customer.updated"], "when": "body.data.object.role != 'none'", "type": "org.member.role_changed", "data": {
	"memberId": {"path": "$.data.object.id"}, "userId": {"const": "u"}, "email": {"const": "a@example.com"},
	"newRole": {"path": "$.data.object.role"}, "previousRole": {"cel": "body.data.object.before.role"}}}]`

// TestReceiving_PreviewMappings shows what each of the latest requests would become,
// or where it fails, and writes nothing.
func TestReceiving_PreviewMappings(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		r := f.tenant.Receiving()
		s := source(t, r, func(in *models.SourceInput) { in.Mappings = "[]" })
		f.previewed(t, s,
			stripeBody("evt_1", "customer.updated", `{"id":"mem_1","role":"admin","before":{"role":"member"}}`),
			stripeBody("evt_2", "customer.updated", `{"id":"mem_2","role":7,"before":{"role":"member"}}`),
			stripeBody("evt_3", "customer.updated", `{"id":"mem_3","role":"admin"}`),
			stripeBody("evt_4", "customer.updated", `{"id":"mem_4","role":"none"}`),
			stripeBody("evt_5", "invoice.paid", `{"id":"in_1"}`))
		f.process(t)
		w := newWatch(t, f.Store)
		w.take(t)
		list, err := r.PreviewMappings(t.Context(), s.ID, roleMapping)
		must(t, err)
		w.untouched(t)
		if len(list) != 5 {
			t.Fatalf("PreviewMappings() returned %d requests; want 5", len(list))
		}
		ids := make([]string, len(list))
		for i, q := range list {
			if ids[i] = q.Request.ExternalID; q.Request.Body != nil || q.Request.Headers != nil {
				t.Errorf("%s has its body or headers", q.Request.ExternalID)
			}
			if want := "stripe." + q.Request.ExternalType; q.Relayed != want {
				t.Errorf("%s is relayed as %q; want %q", q.Request.ExternalID, q.Relayed, want)
			}
		}
		if want := []string{"evt_5", "evt_4", "evt_3", "evt_2", "evt_1"}; !slices.Equal(ids, want) {
			t.Fatalf("the order is %v; want %v", ids, want)
		}
		fits := list[4]
		if len(fits.Events) != 1 || len(fits.Events[0].Faults) != 0 || fits.Events[0].Type != "org.member.role_changed" || fits.Events[0].OrganizationID != f.tenant.Organization().PublicID() ||
			!strings.Contains(string(fits.Events[0].Data), `"previousRole":"member"`) || fits.Events[0].OccurredAt.Unix() != 1770000000 || fits.Request.Processing != models.ProcessingProcessed {
			t.Errorf("evt_1 becomes %+v, %q; want one event that fits", fits.Events, fits.Request.Processing)
		}
		misfits := list[3]
		if len(misfits.Events) != 1 || len(misfits.Events[0].Faults) != 1 || misfits.Events[0].Faults[0].Field != "data.newRole" || misfits.Events[0].Data == nil ||
			misfits.Request.Processing != models.ProcessingFailed || misfits.Request.Reason != models.ReasonMappingFailed {
			t.Errorf("evt_2 becomes %+v, %q; want a fault of the schema at data.newRole", misfits.Events, misfits.Request.Processing)
		}
		_, err = r.UpdateSource(t.Context(), s.ID, func(in *models.SourceInput) error { in.Mappings = roleMapping; return nil })
		must(t, err)
		_, err = r.ReplayRequest(t.Context(), misfits.Request.ID, false)
		must(t, err)
		f.process(t)
		if q := request(t, r, misfits.Request.ID); !strings.HasPrefix(q.Error, "roles: what it makes doesn’t fit org.member.role_changed: data.newRole: ") || q.ReasonMappings != "roles" {
			t.Errorf("evt_2 failed with %q of %q; want the field that doesn't fit", q.Error, q.ReasonMappings)
		}
		fails := list[2]
		if want := (models.PreviewFault{Mapping: "roles", Field: "mappings[0].data.previousRole", Source: `{"cel":"body.data.object.before.role"}`}); len(fails.Faults) != 1 ||
			fails.Faults[0].Message == "" || fails.Faults[0].Field != want.Field || fails.Faults[0].Source != want.Source || fails.Faults[0].Mapping != want.Mapping || len(fails.Events) != 0 {
			t.Errorf("evt_3 fails with %+v; want %+v with a message", fails.Faults, want)
		}
		// Each was passed on before, as it was processed.
		for n, want := range []models.Request{{Reason: models.ReasonUnmapped}, {Reason: models.ReasonFiltered, ReasonMappings: "roles"}} {
			q := list[n]
			if len(q.Events)+len(q.Faults) != 0 || q.Request.Processing != models.ProcessingProcessed || q.Request.Reason != want.Reason || q.Request.ReasonMappings != want.ReasonMappings {
				t.Errorf("request %d becomes %+v, %q %q of %q; want it relayed, %q of %q", n, q, q.Request.Processing, q.Request.Reason, q.Request.ReasonMappings, want.Reason, want.ReasonMappings)
			}
		}
	})
}

// TestReceiving_PreviewMappings_as_processed compares a preview by the shipped mappings
// with what processing then makes, of payments with refunds too.
func TestReceiving_PreviewMappings_as_processed(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		r := f.tenant.Receiving()
		s := source(t, r, func(in *models.SourceInput) { in.Mappings = refundMappings })
		f.previewed(t, s,
			stripeBody("evt_1", "charge.succeeded", `{"id":"ch_1","amount":1000}`),
			stripeBody("evt_2", "charge.refunded", `{"id":"re_1","charge":"ch_1","amount":300}`),
			stripeBody("evt_3", "charge.refunded", `{"id":"re_2","charge":"ch_1","amount":400}`),
			stripeBody("evt_4", "charge.refunded", `{"id":"re_2","charge":"ch_1","amount":400}`))
		preview := func() (data []string, repeated int) {
			list, err := r.PreviewMappings(t.Context(), s.ID, refundMappings)
			must(t, err)
			for _, q := range slices.Backward(list) {
				for _, e := range q.Events {
					if e.Repeated {
						repeated++
						continue
					}
					if len(e.Faults) > 0 {
						t.Errorf("%s has the faults %v", q.Request.ExternalID, e.Faults)
					}
					data = append(data, string(e.Data))
				}
			}
			return data, repeated
		}
		foretold, repeated := preview()
		if len(foretold) != 3 || repeated != 1 {
			t.Fatalf("the preview has %d new events and %d repeats; want 3 and 1: %v", len(foretold), repeated, foretold)
		}
		f.process(t)
		list, _, err := f.tenant.Events(t.Context(), models.EventFilter{Types: []string{"payment.*"}}, models.Page{})
		must(t, err)
		var made []string
		for i := range slices.Backward(list) {
			event, err := f.tenant.Event(t.Context(), list[i].ID)
			must(t, err)
			var body struct{ Data json.RawMessage }
			must(t, json.Unmarshal(event.Body, &body))
			made = append(made, string(body.Data))
		}
		slices.Sort(made)
		slices.Sort(foretold)
		if !slices.Equal(made, foretold) {
			t.Errorf("processing made\n%s\nwhere the preview had\n%s", strings.Join(made, "\n"), strings.Join(foretold, "\n"))
		}
		if after, repeated := preview(); len(after) != 0 || repeated != 4 {
			t.Errorf("once they were made the preview has %d new events and %d repeats; want 0 and 4", len(after), repeated)
		}
	})
}

const refundMappings = `[
	{"name": "paid", "events": ["charge.succeeded"], "type": "payment.succeeded", "payment": {"id": {"path": "$.data.object.id"}, "paid": {"path": "$.data.object.amount"}},
		"data": {"paymentId": {"path": "$.data.object.id"}, "amount": {"path": "$.data.object.amount"}, "currency": {"const": "eur"}, "status": {"const": "succeeded"}, "paidAt": {"path": "$.created", "fn": "unix"}}},
	{"name": "refunded", "events": ["charge.refunded"], "type": "payment.refunded", "identity": [{"path": "$.data.object.id"}],
		"payment": {"id": {"path": "$.data.object.charge"}, "refund": {"path": "$.data.object.amount"}},
		"data": {"paymentId": {"path": "$.data.object.charge"}, "refundId": {"path": "$.data.object.id"}, "amount": {"payment": "amount"}, "amountRefunded": {"payment": "refunded"},
			"currency": {"const": "eur"}, "status": {"payment": "status"}, "refundedAt": {"path": "$.created", "fn": "unix"}}}]`

// TestReceiving_PreviewMappings_bounds has requests and events beyond what a preview
// looks at.
func TestReceiving_PreviewMappings_bounds(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		r := f.tenant.Receiving()
		s := source(t, r, func(in *models.SourceInput) { in.Mappings, in.MaxBodyBytes = "[]", models.MaxSourceBody })
		large := strings.Repeat("x", 5<<20) // two of them are beyond what is read at once
		for n := range models.PreviewRequests + 2 {
			object := `{}`
			if n%7 == 3 {
				object = `{"large":"` + large + `"}`
			}
			f.previewed(t, s, stripeBody(fmt.Sprintf("evt_%d", n), "customer.updated", object))
		}
		var mappings []string
		for n := range models.PreviewEvents + 3 {
			mappings = append(mappings, fmt.Sprintf(`{"name": "m_%d", "events": ["*"], "type": "payment.failed", "data": {"a": {"const": %d}}}`, n, n))
		}
		list, err := r.PreviewMappings(t.Context(), s.ID, "["+strings.Join(mappings, ",")+"]")
		must(t, err)
		if len(list) != models.PreviewRequests || list[0].Request.ExternalID != fmt.Sprintf("evt_%d", models.PreviewRequests+1) {
			t.Fatalf("PreviewMappings() returned %d requests, the newest %q; want the latest %d", len(list), list[0].Request.ExternalID, models.PreviewRequests)
		}
		for _, q := range list {
			if q.Request.BodyBytes > 5<<20 { // which may take longer than a request has
				continue
			}
			if len(q.Events) != models.PreviewEvents || q.More != 3 {
				t.Errorf("%s lists %d events and %d more; want %d and 3", q.Request.ExternalID, len(q.Events), q.More, models.PreviewEvents)
			}
		}
		wide := source(t, r, func(in *models.SourceInput) { in.Slug = "wide" })
		const count, bytes = 12, 240_000
		for n := range count {
			f.previewed(t, wide, stripeBody(fmt.Sprintf("evt_wide_%d", n), "customer.updated", `{"text":"`+strings.Repeat("x", bytes)+`"}`))
		}
		list, err = r.PreviewMappings(t.Context(), wide.ID, `[{"name": "wide", "events": ["*"], "type": "payment.failed", "data": {"all": {"path": "$.data.object"}}}]`)
		must(t, err)
		shown, left := 0, 0
		for _, q := range list {
			for _, e := range q.Events {
				if e.Data != nil {
					shown++
				} else {
					left++
				}
			}
		}
		if want := models.PreviewData / bytes; shown > want || shown < want-1 || shown+left != count {
			t.Errorf("the preview shows the data of %d events and leaves out that of %d; want some %d of %d", shown, left, want, count)
		}
	})
}

// TestReceiving_PreviewMappings_of_the_installation finds the organization of each
// request as processing does.
func TestReceiving_PreviewMappings_of_the_installation(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		r := f.Operator().Receiving()
		s := source(t, r, func(in *models.SourceInput) { in.Mappings = "[]" })
		must(t, f.Operator().SetReferences(t.Context(), f.tenant.Organization().ID, map[string]string{"stripe": "cus_known"}))
		f.previewed(t, s,
			stripeBody("evt_1", "customer.updated", `{"id":"mem_1","customer":"cus_known","role":"admin","before":{"role":"member"}}`),
			stripeBody("evt_2", "customer.updated", `{"id":"mem_2","customer":"cus_unknown","role":"admin","before":{"role":"member"}}`))
		list, err := r.PreviewMappings(t.Context(), s.ID, roleMapping)
		must(t, err)
		if got := list[1]; len(got.Events) != 1 || got.Events[0].OrganizationID != f.tenant.Organization().PublicID() || got.Request.Processing != models.ProcessingProcessed {
			t.Errorf("evt_1 becomes %+v, %q; want an event of the organization", got.Events, got.Request.Processing)
		}
		if got := list[0]; len(got.Events) != 0 || got.Request.Reason != models.ReasonNoOrganization || !strings.Contains(got.Request.Error, "cus_unknown") {
			t.Errorf("evt_2 becomes %+v, %q %q; want it parked for its organization", got.Events, got.Request.Reason, got.Request.Error)
		}
	})
}

// TestReceiving_PreviewMappings_faults says what is wrong with the mappings themselves.
func TestReceiving_PreviewMappings_faults(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		r := f.tenant.Receiving()
		s := source(t, r, nil)
		var invalid *models.Error
		for mappings, want := range map[string]string{
			`{}`: "mappings",
			`[{"name": "A b", "events": ["*"], "type": "payment.failed", "data": {"a": {"path": "x"}}}]`:   "mappings[0].data.a.path mappings[0].name",
			`[{"name": "a", "events": ["*"], "type": "nothing.here", "data": {"a": {"path": "$.x"}}}]`:     "mappings",
			`[{"name": "a", "events": ["*"], "type": "payment.failed", "data": {"a": {"cel": "body.("}}}]`: "mappings[0].data.a.cel",
		} {
			_, err := r.PreviewMappings(t.Context(), s.ID, mappings)
			var fields []string
			if errors.As(err, &invalid) {
				for _, fault := range invalid.Fields {
					fields = append(fields, fault.Field)
				}
			}
			slices.Sort(fields)
			if !models.IsKind(err, models.Invalid) || strings.Join(fields, " ") != want {
				t.Errorf("PreviewMappings() of %s has faults at %q, %v; want %q", mappings, fields, err, want)
			}
		}
	})
}

// TestReceiving_PreviewMappings_takes_turns has a preview give up its place when the
// client leaves.
func TestReceiving_PreviewMappings_takes_turns(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		r := f.tenant.Receiving()
		s := source(t, r, nil)
		f.previewed(t, s, stripeBody("evt_1", "customer.updated", `{}`))
		gone, leave := context.WithCancel(t.Context())
		leave()
		if _, err := r.PreviewMappings(gone, s.ID, "[]"); err == nil {
			t.Error("PreviewMappings() for a client that has left returned no error")
		}
		for range 2 { // the place is free again
			if _, err := r.PreviewMappings(t.Context(), s.ID, "[]"); err != nil {
				t.Errorf("PreviewMappings() = %v", err)
			}
		}
	})
}

// TestReceiving_PreviewReplay says what a request would become if its events were made
// again, and writes nothing.
func TestReceiving_PreviewReplay(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		r := f.tenant.Receiving()
		s := source(t, r, nil)
		h := f.handle(t, s, f.stripeRequest(s, f.paid("evt_1", "cus_1", "")))
		f.process(t)
		w := newWatch(t, f.Store)
		w.take(t)
		got, err := r.PreviewReplay(t.Context(), h.RequestID)
		must(t, err)
		w.untouched(t)
		if len(got.Events) != 1 || got.Events[0].Type != "payment.succeeded" || got.Relayed != "stripe.invoice.paid" {
			t.Errorf("PreviewReplay() = %+v, relayed as %q; want both events", got.Events, got.Relayed)
		}
		if _, err := f.organization(t, "Other").Receiving().PreviewReplay(t.Context(), h.RequestID); !models.IsKind(err, models.NotFound) {
			t.Errorf("PreviewReplay() of another organization's request = %v, want NotFound", err)
		}
	})
}
