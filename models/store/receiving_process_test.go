package store_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/models/store"
)

// stripeRequest signs a body as Stripe does.
func (f *fixture) stripeRequest(s *models.Source, body string) *inbound.Request {
	return f.stripeSigned(s, secretOf, body)
}

// stripeSigned signs a body as Stripe does, with a secret.
func (f *fixture) stripeSigned(s *models.Source, secret, body string) *inbound.Request {
	at := f.Now()
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%d.%s", at.Unix(), body)
	return &inbound.Request{Method: "POST", URL: "https://hooks.example.com" + s.Path, Body: []byte(body), ReceivedAt: at, RemoteAddress: netip.MustParseAddr("203.0.113.7"),
		Headers: []inbound.Header{{Name: "Content-Type", Value: "application/json"}, {Name: "Stripe-Signature", Value: fmt.Sprintf("t=%d,v1=%s", at.Unix(), hex.EncodeToString(mac.Sum(nil)))}}}
}

// paid is a body of Stripe's about a paid invoice of a customer.
func (f *fixture) paid(id, customer, organizationID string) string {
	metadata, _ := json.Marshal(map[string]string{"organizationId": organizationID})
	if organizationID == "" {
		metadata = []byte("{}")
	}
	return fmt.Sprintf(`{"id":%q,"object":"event","created":%d,"livemode":true,"type":"invoice.paid","data":{"object":{"id":"in_%s","object":"invoice","customer":%q,"currency":"usd","amount_due":4900,"amount_paid":4900,"attempt_count":1,"status":"paid","metadata":%s,"payments":{"data":[{"payment":{"type":"payment_intent","payment_intent":"pi_%s"}}]},"status_transitions":{"paid_at":%d}}}}`,
		id, f.Now().Unix(), id, customer, metadata, id, f.Now().Unix())
}

// TestInstallationSource finds each request's own organization.
func TestInstallationSource(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		r := f.Operator().Receiving()
		s := source(t, r, nil)
		other := f.organization(t, "Other")
		types := func(tenant *store.Tenant) (list []string) {
			for _, origin := range []models.Origin{models.OriginMapped, models.OriginRelayed} {
				events, _, err := tenant.Events(t.Context(), models.EventFilter{Origin: origin}, models.Page{})
				must(t, err)
				for _, e := range events {
					list = append(list, e.Type)
				}
			}
			return list
		}
		both := []string{"payment.succeeded", "stripe.invoice.paid"}
		named := f.handle(t, s, f.stripeRequest(s, f.paid("evt_1", "cus_1", f.tenant.Organization().ID)))
		parked := f.handle(t, s, f.stripeRequest(s, f.paid("evt_2", "cus_2", "")))
		f.process(t)
		if q := request(t, r, named.RequestID); q.Processing != models.ProcessingProcessed || !slices.Equal(types(f.tenant), both) || len(types(other)) != 0 {
			t.Fatalf("the named organization got %v and the other one %v, %+v", types(f.tenant), types(other), q)
		}
		q := request(t, r, parked.RequestID)
		if q.Processing != models.ProcessingFailed || q.Reason != models.ReasonNoOrganization {
			t.Fatalf("a request of nobody's is %s, %s %s; want it parked", q.Processing, q.Reason, q.Error)
		}
		must(t, f.Operator().SetReferences(t.Context(), other.Organization().ID, map[string]string{"stripe": "cus_2"}))
		if err := f.Operator().SetReferences(t.Context(), f.tenant.Organization().ID, map[string]string{"stripe": "cus_2"}); !models.IsCode(err, "reference_taken") {
			t.Errorf("SetReferences() of another's reference = %v, want reference_taken", err)
		}
		f.process(t)
		if q := request(t, r, parked.RequestID); q.Processing != models.ProcessingProcessed || !slices.Equal(types(other), both) {
			t.Errorf("with the reference the other organization got %v; %s %s", types(other), q.Processing, q.Error)
		}
		if q, err := f.tenant.EventRequest(t.Context(), request(t, r, named.RequestID).Events[0].EventID); err != nil || q != nil {
			t.Errorf("EventRequest() showed an organization the installation's request: %v, %v", q, err)
		}
	})
}

// TestProcess_cut has the transaction fail that turns requests into events: nothing
// of it is there, and later all of it is, once.
func TestProcess_cut(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		r := f.tenant.Receiving()
		s := source(t, r, nil)
		h := f.handle(t, s, f.stripeRequest(s, f.paid("evt_1", "cus_1", "")))
		f.refusing(t, "request_events", func() {
			for range 3 {
				if _, err := f.Engine().ProcessRequests(t.Context()); err != nil {
					t.Errorf("ProcessRequests() = %v, want the request put off", err)
				}
			}
		})
		count := func(origin models.Origin) int {
			events, _, err := f.tenant.Events(t.Context(), models.EventFilter{Origin: origin}, models.Page{})
			must(t, err)
			return len(events)
		}
		if q := request(t, r, h.RequestID); q.Processing != models.ProcessingWaiting || count(models.OriginMapped)+count(models.OriginRelayed) != 0 {
			t.Fatalf("after the cut the request is %s and there are events", q.Processing)
		}
		waiting, _, err := f.Engine().WaitingRequests(t.Context())
		if err != nil || waiting != 1 {
			t.Errorf("WaitingRequests() = %d, %v; want 1", waiting, err)
		}
		f.clock.Advance(time.Minute)
		f.process(t)
		f.process(t)
		if q := request(t, r, h.RequestID); q.Processing != models.ProcessingProcessed || count(models.OriginMapped) != 1 || count(models.OriginRelayed) != 1 {
			t.Errorf("later the request is %s with %d mapped and %d relayed events, want one of each", q.Processing, count(models.OriginMapped), count(models.OriginRelayed))
		}
	})
}

// refusing has the database refuse rows of a table meanwhile.
func (f *fixture) refusing(t *testing.T, table string, do func()) {
	t.Helper()
	set, lift := []string{"CREATE TRIGGER refusing BEFORE INSERT ON " + table + " BEGIN SELECT RAISE(ABORT, 'refused'); END"}, []string{"DROP TRIGGER refusing"}
	if onPostgres(f.Store) {
		set = []string{"CREATE FUNCTION refusing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$",
			"CREATE TRIGGER refusing BEFORE INSERT ON " + table + " FOR EACH ROW EXECUTE FUNCTION refusing()"}
		lift = []string{"DROP TRIGGER refusing ON " + table, "DROP FUNCTION refusing()"}
	}
	for _, statement := range set {
		must(t, f.DB().Exec(statement).Error)
	}
	do()
	for _, statement := range lift {
		must(t, f.DB().Exec(statement).Error)
	}
}

// TestReceive_cut has the transaction fail that takes a request in: the provider
// hears of it, and the same request is new when it comes again.
func TestReceive_cut(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		r := f.tenant.Receiving()
		s := source(t, r, nil)
		sent := f.stripeRequest(s, f.paid("evt_1", "cus_1", ""))
		f.refusing(t, "request_work", func() {
			if h, err := f.Engine().Handle(t.Context(), f.open(t, s), sent, "", false); err == nil {
				t.Errorf("Handle() returned %+v, want an error", h)
			}
		})
		if h := f.handle(t, s, sent); h.Duplicate {
			t.Error("what was never taken in counts as there")
		}
		if list, _, err := r.Requests(t.Context(), models.RequestFilter{}, models.Page{}); err != nil || len(list) != 1 {
			t.Errorf("Requests() returned %d, %v; want 1", len(list), err)
		}
	})
}

func TestReplayRequests(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		r := f.tenant.Receiving()
		s := source(t, r, func(in *models.SourceInput) { in.Mappings = `[]` })
		const many = 7
		var ids []string
		for i := range many {
			ids = append(ids, f.handle(t, s, f.stripeRequest(s, f.paid(fmt.Sprint("evt_", i), "cus_1", ""))).RequestID)
		}
		f.process(t)
		if q := request(t, r, ids[0]); !slices.Equal(become(q), []string{"stripe.invoice.paid"}) {
			t.Fatalf("without a mapping it became %v", become(q))
		}
		_, err := r.UpdateSource(t.Context(), s.ID, func(in *models.SourceInput) error { in.Mappings = ""; return nil })
		must(t, err)
		replay, err := r.ReplayRequests(t.Context(), models.RequestFilter{SourceID: s.ID}, 3, false)
		if err != nil || replay.Total != many {
			t.Fatalf("ReplayRequests() returned %+v, %v; want %d", replay, err, many)
		}
		steps := 0
		for ; ; steps++ {
			due, err := f.StepReplay(t.Context())
			must(t, err)
			f.process(t)
			if replay, err = r.Replay(t.Context(), replay.ID); err != nil || replay.State != models.RecoveryRunning {
				break
			}
			if due == nil {
				f.clock.Advance(time.Second)
			}
		}
		if replay.State != models.RecoveryDone || replay.Queued != many {
			t.Errorf("the replay ended as %+v, want all %d queued", replay, many)
		}
		for _, id := range ids {
			if q := request(t, r, id); !slices.Equal(become(q), []string{"payment.succeeded", "stripe.invoice.paid"}) {
				t.Errorf("replayed, %s became %v; want the mapped event beside the one that was there", id, become(q))
			}
		}
		again, err := r.ReplayRequest(t.Context(), ids[0], false)
		must(t, err)
		f.process(t)
		if q := request(t, r, again.ID); q.Processing != models.ProcessingProcessed || q.Reason != "" || q.UnchangedAt == nil || len(q.Events) != 2 {
			t.Errorf("replayed once more it is %s %q with %v, unchanged at %v; want it as it was, and when", q.Processing, q.Reason, become(q), q.UnchangedAt)
		}
		_, err = r.ReplayRequest(t.Context(), ids[0], true)
		must(t, err)
		f.process(t)
		if q := request(t, r, again.ID); q.Processing != models.ProcessingProcessed || q.UnchangedAt != nil || len(q.Events) != 4 {
			t.Errorf("forced it is %s with %v, want both events once more", q.Processing, become(q))
		}
	})
}

// TestMappingFails has a mapping that fails for one request and not the next.
func TestMappingFails(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		r := f.tenant.Receiving()
		s := source(t, r, nil)
		bad := f.handle(t, s, f.stripeRequest(s, `{"id":"evt_bad","type":"invoice.paid","created":1,"data":{"object":{"amount_paid":"many"}}}`))
		none := f.handle(t, s, f.stripeRequest(s, `this is no JSON`))
		good := f.handle(t, s, f.stripeRequest(s, f.paid("evt_good", "cus_1", "")))
		f.process(t)
		if q := request(t, r, bad.RequestID); q.Processing != models.ProcessingFailed || q.Reason != models.ReasonMappingFailed || q.Error == "" || !slices.Equal(become(q), []string{"stripe.invoice.paid"}) {
			t.Errorf("the bad one is %s %s %q and became %v; want it parked and relayed", q.Processing, q.Reason, q.Error, become(q))
		}
		if q := request(t, r, none.RequestID); len(q.Events) != 1 || string(q.Body) != "this is no JSON" {
			t.Errorf("what is no JSON is %s %s and became %v; want it relayed as it is", q.Processing, q.Reason, become(q))
		}
		if q := request(t, r, good.RequestID); q.Processing != models.ProcessingProcessed || len(q.Events) != 2 {
			t.Errorf("the good one is %s %s %q and became %v", q.Processing, q.Reason, q.Error, become(q))
		}
	})
}

// TestDeletedOrganization_receives_nothing deletes an organization with a source.
func TestDeletedOrganization_receives_nothing(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		short := f.organization(t, "Short")
		r := short.Receiving()
		s := source(t, r, nil)
		waits := f.handle(t, s, f.stripeRequest(s, f.paid("evt_1", "cus_1", "")))
		sent := f.stripeRequest(s, f.paid("evt_2", "cus_1", ""))
		stale := f.open(t, s)
		must(t, short.DeleteOrganization(t.Context()))
		if h, err := f.Engine().Handle(t.Context(), stale, sent, "", false); !models.IsKind(err, models.NotFound) {
			t.Errorf("Handle() returned %+v, %v; want NotFound", h, err)
		}
		f.process(t)
		if q := request(t, r, waits.RequestID); q.Processing != models.ProcessingFailed || q.Reason != models.ReasonNoOrganization {
			t.Errorf("what waited is %s %s, want it failed", q.Processing, q.Reason)
		}
	})
}

// TestPruneRequests removes what is older than retention, and nothing that waits.
func TestPruneRequests(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		r := f.tenant.Receiving()
		s := source(t, r, nil)
		old := f.handle(t, s, f.stripeRequest(s, f.paid("evt_1", "cus_1", "")))
		f.handle(t, s, f.stripeRequest(s, f.paid("evt_1", "cus_1", ""))) // a duplicate
		f.handle(t, s, f.signed(t, s, "", laterSecret))
		f.process(t)
		f.clock.Advance(40 * models.Day)
		must(t, f.Engine().MakePartitions(t.Context()))
		fresh := f.handle(t, s, f.stripeRequest(s, f.paid("evt_2", "cus_1", "")))
		must(t, f.Engine().Prune(t.Context(), f.Now().Add(-30*models.Day)))
		if _, err := r.Request(t.Context(), old.RequestID); !models.IsKind(err, models.NotFound) {
			t.Errorf("the old request is still there: %v", err)
		}
		request(t, r, fresh.RequestID)
		for _, table := range []string{"request_keys", "request_events", "event_identities", "request_duplicates", "refused_requests", "refused_counts"} {
			var left int64
			must(t, f.DB().Table(table).Count(&left).Error)
			if want := map[string]int64{"request_keys": 1}[table]; left != want {
				t.Errorf("%s has %d rows, want %d", table, left, want)
			}
		}
	})
}

// TestRecoverMissing_leaves_out_what_is_relayed recovers what "*" missed.
func TestRecoverMissing_leaves_out_what_is_relayed(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		s := source(t, f.tenant.Receiving(), nil)
		f.handle(t, s, f.stripeRequest(s, f.paid("evt_1", "cus_1", "")))
		f.process(t)
		f.clock.Advance(time.Second)
		for wanted, want := range map[string]int{"*": 1, "stripe.*": 1, "*,stripe.*": 2} {
			e := endpoint(t, f.tenant, func(in *models.EndpointInput) { in.EventTypes = strings.Split(wanted, ",") })
			n, err := f.tenant.CountRecovery(t.Context(), e.ID, models.RecoveryInput{Kind: models.RecoverMissing, Since: f.Now().Add(-time.Hour), Types: []string{"payment.*", "stripe.*"}})
			if err != nil || n != want {
				t.Errorf("CountRecovery() of an endpoint for %s returned %d, %v; want %d", wanted, n, err, want)
			}
		}
	})
}
