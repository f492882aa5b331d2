package jobs_test

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hookwell/models"
	"hookwell/webhook"
)

func TestRecovery(t *testing.T) {
	eachPair(t, func(t *testing.T, f *fixture) {
		var works atomic.Bool
		var mu sync.Mutex
		arrived := map[string]int{}
		s := receiver(t, func(w http.ResponseWriter, r *http.Request) {
			if !works.Load() {
				w.WriteHeader(400) // which opens no circuit
				return
			}
			mu.Lock()
			defer mu.Unlock()
			arrived[r.Header.Get("x-webhook-delivery-id")]++
		})
		schedule, err := webhook.NewSchedule([]int{0})
		must(t, err)
		e, _ := f.endpoint(t, s.URL, func(in *models.EndpointInput) { in.Schedule = schedule })
		f.wakeQueue()
		f.start(t)
		f.publish(t, 30)
		f.until(t, "all failed", models.DeliveryFilter{}, all(30, models.Failed))
		works.Store(true)
		changes, cancel := f.feed.Subscribe(f.tenant.Organization().ID)
		defer cancel()
		r, err := f.tenant.Recover(t.Context(), e.ID, models.RecoveryInput{Since: f.Now().Add(-time.Hour), PerSecond: 30})
		must(t, err)
		f.until(t, "all delivered", models.DeliveryFilter{}, all(30, models.Delivered))
		late := time.After(20 * time.Second)
		for {
			got, err := f.tenant.Recovery(t.Context(), r.ID)
			must(t, err)
			if !got.Running() {
				if got.State != models.RecoveryDone || got.Sent() != 30 || got.Total != 30 {
					t.Errorf("%+v", got)
				}
				break
			}
			select {
			case <-changes: // its own id is among them, so that pages follow it
			case <-late:
				t.Fatalf("not done: %+v", got)
			}
		}
		mu.Lock()
		defer mu.Unlock()
		for id, n := range arrived {
			if n != 1 {
				t.Errorf("%s arrived %d times", id, n)
			}
		}
		if len(arrived) != 30 {
			t.Errorf("%d arrived", len(arrived))
		}
	})
}
