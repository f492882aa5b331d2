package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"hookwell/models"
	"hookwell/models/store"
	"hookwell/webhook"
)

// payment is data that fits payment.failed, told apart by its id.
func payment(id string) []byte {
	return fmt.Appendf(nil, `{"paymentId":%q,"amount":1,"currency":"usd","status":"failed","errorMessage":"declined"}`, id)
}

func TestEventFaults(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		endpoint(t, f.tenant, nil)
		before := dumpAll(t, f.Store)
		ok := payment("p")
		for _, c := range []struct {
			field string
			event models.NewEvent
		}{
			{"type", models.NewEvent{Type: "no.such", Data: ok}},
			{"type", models.NewEvent{Type: "payment.failed\x00", Data: ok}},
			{"type", models.NewEvent{Type: "payment.*", Data: ok}},
			{"data.currency", models.NewEvent{Type: "payment.failed", Data: []byte(strings.Replace(string(ok), "usd", "USD", 1))}},
			{"data", models.NewEvent{Type: "payment.failed", Data: []byte("[1]")}},
			{"data", models.NewEvent{Type: "payment.failed", Data: nil}},
			{"data", models.NewEvent{Type: "payment.failed", Data: []byte(`{"a":"` + "\xff" + `"}`)}},
			{"timestamp", models.NewEvent{Type: "payment.failed", Data: ok, Timestamp: time.Date(1969, 12, 31, 0, 0, 0, 0, time.UTC)}},
			{"timestamp", models.NewEvent{Type: "payment.failed", Data: ok, Timestamp: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}},
			{"Idempotency-Key", models.NewEvent{Type: "payment.failed", Data: ok, IdempotencyKey: strings.Repeat("k", 256)}},
			{"Idempotency-Key", models.NewEvent{Type: "payment.failed", Data: ok, IdempotencyKey: "a\x00"}},
			{"Idempotency-Key", models.NewEvent{Type: "payment.failed", Data: ok, IdempotencyKey: "a\xff"}},
		} {
			_, err := f.tenant.Publish(t.Context(), c.event)
			if got := fields(t, err); len(got) != 1 || got[0] != c.field {
				t.Errorf("%.80q: faults at %v, want %s", c.event, got, c.field)
			}
		}
		room := webhook.MaxData - len(payment(""))
		_, err := f.tenant.Publish(t.Context(), models.NewEvent{Type: "payment.failed", Data: payment(strings.Repeat("x", room+1))})
		if e := refusal(t, err, models.TooLarge); len(e.Fields) != 1 || e.Fields[0].Field != "data" {
			t.Errorf("too large: %+v", e)
		}
		sameRows(t, before, dumpAll(t, f.Store))
		if _, err := f.tenant.Publish(t.Context(), models.NewEvent{Type: "payment.failed", Data: payment(strings.Repeat("x", room))}); err != nil {
			t.Errorf("256 KiB exactly: %v", err)
		}
	})
}

func TestEnvelope(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		org, _, err := f.Operator().CreateOrganization(t.Context(), models.NewOrganization{Name: "Cust", ExternalID: "cust_42"})
		if err != nil {
			t.Fatal(err)
		}
		tenant, err := f.Operator().Tenant(t.Context(), org.ID)
		if err != nil {
			t.Fatal(err)
		}
		e := endpoint(t, tenant, nil)
		zone := time.FixedZone("", 2*3600)
		data := `{"status":"failed", "amount": 9007199254740993, "paymentId":"\u0000\"é", "currency":"usd","errorMessage":"x","z":1e2}`
		a, err := tenant.Publish(t.Context(), models.NewEvent{Type: "payment.failed", Data: []byte(data), Timestamp: time.Date(2026, 3, 3, 17, 22, 41, 530_999_999, zone)})
		if err != nil {
			t.Fatal(err)
		}
		want := `{"id":"` + a.ID + `","type":"payment.failed","timestamp":"2026-03-03T15:22:41.530Z","organizationId":"cust_42","data":` +
			`{"status":"failed","amount":9007199254740993,"paymentId":"\u0000\"é","currency":"usd","errorMessage":"x","z":1e2}}`
		event, err := tenant.Event(t.Context(), a.ID)
		if err != nil || string(event.Body) != want {
			t.Errorf("stored %s, %v, want %s", event.Body, err, want)
		}
		if !event.OccurredAt.Equal(time.Date(2026, 3, 3, 15, 22, 41, 530_000_000, time.UTC)) || event.Origin != models.OriginAPI {
			t.Errorf("%v %s", event.OccurredAt, event.Origin)
		}
		if job := f.claim(t, e, 1, deliveries(t, tenant)[0].ID)[0]; string(job.Message.Body) != want {
			t.Errorf("sent %s", job.Message.Body)
		}
		job, err := tenant.BeginTest(t.Context(), e.ID, "payment.failed", []byte(data))
		if err != nil || !job.Message.Test || !strings.Contains(string(job.Message.Body), `"type":"payment.failed","test":true`) {
			t.Errorf("test %s, %v", job.Message.Body, err)
		}
	})
}

func TestPublishAtOnce(t *testing.T) {
	const tenants, each = 5, 40
	eachStore(t, func(t *testing.T, f *fixture) {
		all := make([]*store.Tenant, tenants)
		for i := range all {
			all[i] = f.organization(t, fmt.Sprintf("Tenant %d", i))
			endpoint(t, all[i], nil)
			endpoint(t, all[i], func(in *models.EndpointInput) { in.EventTypes = []string{"payment.*"} })
		}
		var mu sync.Mutex
		accepted := map[string]string{}
		var calls sync.WaitGroup
		for i, tenant := range all {
			for n := range each {
				calls.Go(func() {
					id := fmt.Sprintf("p-%d-%d", i, n)
					a, err := tenant.Publish(t.Context(), models.NewEvent{Type: "payment.failed", Data: payment(id)})
					if err != nil || a.Deliveries != 2 {
						t.Errorf("%+v, %v", a, err)
						return
					}
					mu.Lock()
					defer mu.Unlock()
					accepted[a.ID] = id
				})
			}
		}
		calls.Wait()
		for i, tenant := range all {
			events, _, err := tenant.Events(t.Context(), models.EventFilter{}, models.Page{Limit: models.MaxLimit})
			if err != nil || len(events) != each {
				t.Errorf("tenant %d has %d events, %v", i, len(events), err)
			}
			for _, listed := range events {
				if listed.Body != nil {
					t.Error("the list read bodies")
				}
				e, err := tenant.Event(t.Context(), listed.ID)
				if err != nil {
					t.Fatal(err)
				}
				var body struct{ Data struct{ PaymentID string } }
				if err := json.Unmarshal(e.Body, &body); err != nil || body.Data.PaymentID != accepted[e.ID] {
					t.Errorf("event %s holds %s, and was answered for %s", e.ID, body.Data.PaymentID, accepted[e.ID])
				}
			}
			list, _, err := tenant.Deliveries(t.Context(), models.DeliveryFilter{}, models.Page{Limit: models.MaxLimit})
			if err != nil || len(list) != 2*each {
				t.Errorf("tenant %d has %d deliveries, %v", i, len(list), err)
			}
		}
		if len(f.woken.list) != tenants*each*2 {
			t.Errorf("woke %d", len(f.woken.list))
		}
	})
}

// refuse makes the database refuse the deliveries of one endpoint, as a full
// disk or a broken index would.
func (f *fixture) refuse(t *testing.T, endpointID string) {
	t.Helper()
	statements := []string{fmt.Sprintf(`CREATE TRIGGER broken BEFORE INSERT ON delivery_work WHEN NEW.endpoint_id = '%s'
		BEGIN SELECT RAISE(ABORT, 'broken on purpose'); END`, endpointID)}
	if onPostgres(f.Store) {
		statements = []string{
			`CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'broken on purpose'; END $$`,
			fmt.Sprintf(`CREATE TRIGGER broken BEFORE INSERT ON delivery_work FOR EACH ROW WHEN (NEW.endpoint_id = '%s') EXECUTE FUNCTION broken()`, endpointID),
		}
	}
	for _, statement := range statements {
		if err := f.DB().Exec(statement).Error; err != nil {
			t.Fatal(err)
		}
	}
}

func TestOneThatFailsFailsAlone(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		endpoint(t, f.tenant, nil)
		broken := f.organization(t, "Broken")
		f.refuse(t, endpoint(t, broken, nil).ID)

		t.Run("among requests", func(t *testing.T) {
			var calls sync.WaitGroup
			for n := range 60 {
				calls.Go(func() {
					tenant := f.tenant
					if n%20 == 7 {
						tenant = broken
					}
					_, err := tenant.Publish(t.Context(), models.NewEvent{Type: "payment.failed", Data: payment("p"), IdempotencyKey: fmt.Sprint(n)})
					if (err != nil) != (tenant == broken) {
						t.Errorf("request %d: %v", n, err)
					}
				})
			}
			calls.Wait()
		})
		t.Run("in a batch, in order", func(t *testing.T) {
			var reports []store.Report
			for n := range 300 {
				tenant, event := f.tenant, models.NewEvent{Type: "payment.failed", Data: payment(fmt.Sprint(n))}
				switch n % 100 {
				case 7:
					tenant = broken
				case 8:
					event.Type = "no.such"
				case 9:
					event.Data = []byte(strings.Repeat("x", webhook.MaxData+1))
				}
				reports = append(reports, store.Report{Tenant: tenant, Event: event})
			}
			for n, outcome := range f.PublishBatch(t.Context(), reports) {
				switch n % 100 {
				case 7:
					if outcome.Err == nil || outcome.Accepted != nil || asError(outcome.Err) != nil {
						t.Errorf("report %d: %+v, want the database's failure", n, outcome)
					}
				case 8:
					refusal(t, outcome.Err, models.Invalid)
				case 9:
					refusal(t, outcome.Err, models.TooLarge)
				default:
					if outcome.Err != nil {
						t.Errorf("report %d: %v", n, outcome.Err)
						continue
					}
					event, err := f.tenant.Event(t.Context(), outcome.Accepted.ID)
					if err != nil || !strings.Contains(string(event.Body), fmt.Sprintf(`"paymentId":"%d"`, n)) {
						t.Errorf("report %d is answered with another's event: %s, %v", n, event.Body, err)
					}
				}
			}
		})
		if list, _, err := broken.Events(t.Context(), models.EventFilter{}, models.Page{}); err != nil || len(list) != 0 {
			t.Errorf("what failed left %d events, %v", len(list), err)
		}
		if list, _, err := f.tenant.Deliveries(t.Context(), models.DeliveryFilter{}, models.Page{Limit: models.MaxLimit}); err != nil || len(list) != models.MaxLimit {
			t.Errorf("%d, %v", len(list), err)
		}
	})
}

func TestPublishWhileStopping(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		other, err := store.Open(t.Context(), f.opened)
		if err != nil {
			t.Fatal(err)
		}
		other.Engine().Start()
		tenant, err := other.Operator().Tenant(t.Context(), f.tenant.Organization().ID)
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		accepted := map[string]bool{}
		var calls sync.WaitGroup
		stop := make(chan struct{})
		for range 8 {
			calls.Go(func() {
				for range 20 {
					// Without a deadline: an answer has to come by itself.
					a, err := tenant.Publish(context.Background(), models.NewEvent{Type: "payment.failed", Data: payment("p")})
					mu.Lock()
					if err == nil {
						accepted[a.ID] = true
					} else if !models.IsKind(err, models.Unavailable) {
						t.Error(err)
					}
					if len(accepted) == 20 {
						close(stop)
						accepted["stopping"] = true
					}
					mu.Unlock()
				}
			})
		}
		<-stop
		if err := other.Close(); err != nil {
			t.Error(err)
		}
		calls.Wait()
		delete(accepted, "stopping")
		var events int64
		if err := f.DB().Model(&models.Event{}).Count(&events).Error; err != nil || int(events) != len(accepted) {
			t.Errorf("%d events, %d answered, %v", events, len(accepted), err)
		}
	})
}

func TestPublishWithAnEndedContext(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for range 20 {
			if a, err := f.tenant.Publish(ctx, models.NewEvent{Type: "payment.failed", Data: payment("p")}); err == nil && a == nil {
				t.Error("neither accepted nor refused")
			}
		}
		publish(t, f.tenant, "payment.failed")
	})
}
