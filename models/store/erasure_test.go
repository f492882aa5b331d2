package store_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/models/store"
)

// eraseAll closes deleted organizations and erases what they received, as the workers'
// rounds do.
func (f *fixture) eraseAll(t *testing.T) {
	t.Helper()
	f.clock.Advance(5 * time.Minute)
	_, err := f.CloseOrganizations(t.Context())
	must(t, err)
	for {
		if n, err := f.EraseReceived(t.Context()); err != nil || n == 0 {
			must(t, err)
			return
		}
	}
}

// receives gives an organization one row of everything that receiving knows. Every
// row's content, or its ids, name it.
func (f *fixture) receives(t *testing.T, tenant *store.Tenant, marker string) *models.Source {
	t.Helper()
	r := tenant.Receiving()
	s := source(t, r, nil)
	marked := func(id string) *inbound.Request {
		sent := f.stripeRequest(s, f.paid(id, marker+"_customer", ""))
		sent.Headers = append(sent.Headers, inbound.Header{Name: "X-Note", Value: marker + "_header"})
		return sent
	}
	first := f.handle(t, s, marked(marker+"_evt_1"))
	if again := f.handle(t, s, marked(marker+"_evt_1")); !again.Duplicate {
		t.Fatalf("Handle() of a repeat returned %+v, want a duplicate", again)
	}
	forged := marked(marker + "_evt_2")
	forged.Body = append(bytes.Clone(forged.Body), ' ')
	f.handle(t, s, forged)
	unsigned := marked(marker + "_evt_3")
	unsigned.Headers = unsigned.Headers[2:]
	f.handle(t, s, unsigned)
	f.process(t)
	if q := request(t, r, first.RequestID); q.Processing != models.ProcessingProcessed || len(q.Events) != 2 {
		t.Fatalf("the request became %v, want two events", become(q))
	}
	f.handle(t, s, marked(marker+"_evt_4")) // which is not processed in time
	_, err := r.ReplayRequests(t.Context(), models.RequestFilter{SourceID: s.ID}, 0, false)
	must(t, err)
	must(t, f.Operator().SetReferences(t.Context(), tenant.Organization().ID, map[string]string{"stripe": marker + "_reference"}))
	must(t, f.DB().Create(&models.SourcePayment{OrganizationID: tenant.Organization().ID, SourceID: s.ID, PaymentID: marker + "_payment", UpdatedAt: f.Now()}).Error)
	return s
}

// TestErasure deletes an organization that received things. Nothing of that is left,
// in no table and no form, and its neighbour and the installation keep what is theirs.
func TestErasure(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		short, kept := f.organization(t, "Short"), f.organization(t, "Kept")
		s := f.receives(t, short, "shortlived")
		f.receives(t, kept, "neighbour")
		installed := source(t, f.Operator().Receiving(), func(in *models.SourceInput) { in.Slug = "shared" })
		shared := f.handle(t, installed, f.stripeRequest(installed, f.paid("shared_evt", "cus_shared", short.Organization().ID)))
		f.process(t)
		if q := request(t, f.Operator().Receiving(), shared.RequestID); len(q.Events) != 2 {
			t.Fatalf("the installation's request became %v, want two events", become(q))
		}
		e := endpoint(t, short, func(in *models.EndpointInput) { in.EventTypes = []string{"payment.*"} })
		publish(t, short, "payment.failed") // its delivery still waits when the organization is deleted
		before := dumpAll(t, f.Store)

		must(t, short.DeleteOrganization(t.Context()))
		f.eraseAll(t)
		if left := dumpAll(t, f.Store)["requests"]; !slices.ContainsFunc(left, func(row string) bool { return strings.Contains(row, "shortlived") }) {
			t.Error("the requests went while a delivery still waited")
		}
		list, _, err := short.Deliveries(t.Context(), models.DeliveryFilter{EndpointID: e.ID}, models.Page{})
		must(t, err)
		for _, job := range f.claim(t, e, 20, named(list, func(d models.Delivery) string { return d.ID })...) {
			f.record(t, job, 200, "")
		}
		f.eraseAll(t)

		after := dumpAll(t, f.Store)
		after.holdsNowhere(t, "what the organization received", "shortlived")
		if len(before.of(s.ID)) < 12 {
			t.Errorf("before, only %d tables had rows of the source: this proves little", len(before.of(s.ID)))
		}
		for table, rows := range after.of(s.ID) {
			if table != "audit_entries" { // which is never changed
				t.Errorf("%s names the source: %v", table, rows)
			}
		}
		for table, rows := range leavingOut(after, "source_id="+installed.ID).of(short.Organization().ID) { // whose request says so itself
			// What an organization leaves behind in any case; its events are without bodies.
			if !slices.Contains([]string{"audit_entries", "organizations", "organization_versions", "slugs", "events", "deliveries", "endpoints", "endpoint_settings", "rollups", "rollup_deltas", "attempts", "members", "mail_messages"}, table) {
				t.Errorf("%s names the organization: %v", table, rows)
			}
		}
		for _, row := range after["events"] {
			if (strings.Contains(row, "cus_shared") || strings.Contains(row, "origin=relayed")) && strings.Contains(row, short.Organization().ID) && !strings.Contains(row, "body= ") {
				t.Errorf("an event has what was received: %s", row)
			}
		}
		for _, own := range []string{kept.Organization().ID, "neighbour", installed.ID} {
			if sameRows(t, leavingOut(before.of(own), short.Organization().ID), leavingOut(after.of(own), short.Organization().ID)); len(before.of(own)) == 0 {
				t.Errorf("nothing of %s was there before", own)
			}
		}
	})
}

// leavingOut leaves out the rows that name an id.
func leavingOut(d dump, id string) dump {
	rest := dump{}
	for table, rows := range d {
		rows = slices.DeleteFunc(slices.Clone(rows), func(row string) bool { return strings.Contains(row, id) })
		if len(rows) > 0 {
			rest[table] = rows
		}
	}
	return rest
}
