package jobs_test

import (
	"context"
	"net/http"
	"testing"

	"hookwell/models"
	"hookwell/webhook"
)

func TestExchangesThatAreCutOffAreOnRecord(t *testing.T) {
	eachPair(t, func(t *testing.T, f *fixture) {
		const n = 20
		started, hang := make(chan struct{}, n), make(chan struct{})
		s := receiver(t, func(http.ResponseWriter, *http.Request) { started <- struct{}{}; <-hang })
		t.Cleanup(func() { close(hang) })
		f.endpoint(t, s.URL, nil)
		f.wakeQueue()
		w := f.start(t)
		f.publish(t, n)
		for range n {
			<-started
		}
		over, cancel := context.WithCancel(context.Background())
		cancel()
		w.Shutdown(over)
		list, _, err := f.tenant.Deliveries(t.Context(), models.DeliveryFilter{}, models.Page{})
		must(t, err)
		for _, d := range list {
			if d.InFlight || d.AttemptCount != 1 || d.LastCause != webhook.CauseInterrupted {
				t.Fatalf("after a stop without grace: %+v", d)
			}
		}
	})
}
