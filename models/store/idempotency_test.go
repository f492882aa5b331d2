package store_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"hookwell/models"
	"hookwell/models/store"
)

func TestTwinsInABatch(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		endpoint(t, f.tenant, nil)
		other := f.organization(t, "Other")
		report := func(tenant *store.Tenant, key, id string) store.Report {
			return store.Report{Tenant: tenant, Event: models.NewEvent{Type: "payment.failed", Data: payment(id), IdempotencyKey: key}}
		}
		for round := range 4 { // the third and fourth with another key, and by settings that are in memory
			key := fmt.Sprint("k", round/2)
			out := f.PublishBatch(t.Context(), []store.Report{
				report(f.tenant, key, "a"), report(f.tenant, key, "a"), report(f.tenant, key, "b"), report(other, key, "a"), report(f.tenant, "", "a"),
			})
			first := out[0].Accepted
			if out[0].Err != nil || first.Replayed != (round%2 == 1) || first.Deliveries != 1 {
				t.Fatalf("first: %+v, %v", first, out[0].Err)
			}
			if twin := out[1].Accepted; out[1].Err != nil || twin.ID != first.ID || !twin.Replayed || twin.Deliveries != 1 {
				t.Errorf("twin: %+v, %v", twin, out[1].Err)
			}
			if !models.IsKind(out[2].Err, models.Conflict) || out[2].Accepted != nil {
				t.Errorf("another body: %+v", out[2])
			}
			if out[3].Err != nil || out[3].Accepted.ID == first.ID || out[4].Err != nil || out[4].Accepted.ID == first.ID || out[4].Accepted.Replayed {
				t.Errorf("another tenant's and a keyless one: %+v %+v", out[3], out[4])
			}
		}
		if list := deliveries(t, f.tenant); len(list) != 6 {
			t.Errorf("%d deliveries, want the first of each key and four keyless ones", len(list))
		}
	})
}

func TestTwinsAcrossProcesses(t *testing.T) {
	const keys = 30
	eachStore(t, func(t *testing.T, f *fixture) {
		endpoint(t, f.tenant, nil)
		id := f.tenant.Organization().ID
		var mu sync.Mutex
		answers := map[string]map[string]int{}
		fresh := 0
		var calls sync.WaitGroup
		for process := range 2 {
			s := f.again(t)
			tenant, err := s.Operator().Tenant(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			for n := range keys {
				key := fmt.Sprint(n)
				if process == 1 { // in the other order
					key = fmt.Sprint(keys - 1 - n)
				}
				calls.Go(func() {
					a, err := tenant.Publish(t.Context(), models.NewEvent{Type: "payment.failed", Data: payment(key), IdempotencyKey: key})
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					defer mu.Unlock()
					if answers[key] == nil {
						answers[key] = map[string]int{}
					}
					answers[key][a.ID]++
					if !a.Replayed {
						fresh++
					}
				})
			}
		}
		calls.Wait()
		for key, ids := range answers {
			if len(ids) != 1 {
				t.Errorf("key %s was answered with %v", key, ids)
			}
		}
		if list := deliveries(t, f.tenant); len(list) != keys || fresh != keys {
			t.Errorf("%d deliveries, %d accepted anew, want %d", len(list), fresh, keys)
		}
	})
}

func TestExpiredKeys(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		send := func(id string) *models.Accepted {
			t.Helper()
			a, err := f.tenant.Publish(t.Context(), models.NewEvent{Type: "payment.failed", Data: payment(id), IdempotencyKey: "k"})
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		first := send("a")
		f.clock.Advance(23 * time.Hour)
		if err := f.Engine().PruneIdempotencyKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
		if a := send("a"); a.ID != first.ID || !a.Replayed {
			t.Errorf("within a day: %+v", a)
		}
		f.clock.Advance(time.Hour + time.Second)
		second := send("b") // the key is free, for another body too
		if second.ID == first.ID || second.Replayed {
			t.Errorf("after a day: %+v", second)
		}
		if a := send("b"); a.ID != second.ID || !a.Replayed {
			t.Errorf("the new holder: %+v", a)
		}
		f.clock.Advance(25 * time.Hour)
		if err := f.Engine().PruneIdempotencyKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
		if rows := dumpTable(t, f.Store, "idempotency_keys"); len(rows) != 0 {
			t.Errorf("pruning left %v", rows)
		}
	})
}
