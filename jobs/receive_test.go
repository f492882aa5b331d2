package jobs_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"hookwell/models"
)

// TestReceived takes a request in, and has the workers turn it into events and
// deliver these.
func TestReceived(t *testing.T) {
	eachPair(t, func(t *testing.T, f *fixture) {
		bodies := make(chan string, 2)
		receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			bodies <- r.Header.Get("X-Webhook-Event") + " " + string(body)
		}))
		defer receiver.Close()
		in := models.NewSourceInput()
		const secret = "whsec_dGVzdHMtb2YtcmVjZWl2aW5nLTAxMjM0"
		in.Name, in.Provider, in.Secrets = "Stripe", "stripe", []string{secret}
		source, err := f.tenant.Receiving().CreateSource(t.Context(), in)
		must(t, err)
		f.endpoint(t, receiver.URL, func(in *models.EndpointInput) { in.EventTypes = []string{"stripe.*", "payment.*"} })
		f.start(t)
		opened, err := f.Engine().SourceByToken(t.Context(), strings.TrimPrefix(source.Path, models.ReceivePath))
		must(t, err)
		held, err := opened.Verifier.ParseSecret(secret)
		must(t, err)
		request, err := opened.Verifier.SignSample("invoice.paid", held, "https://hooks.example.com"+source.Path, f.Now())
		must(t, err)
		request.ReceivedAt, request.RemoteAddress = f.Now(), netip.MustParseAddr("203.0.113.7")
		if _, err := f.Engine().Handle(t.Context(), opened, request, "", false); err != nil {
			t.Fatalf("Handle() = %v", err)
		}
		list := f.until(t, "both events are delivered", models.DeliveryFilter{}, func(list []models.Delivery) bool {
			return len(list) == 2 && list[0].State == models.Delivered && list[1].State == models.Delivered
		})
		if len(list) != 2 {
			t.Fatalf("there are %d deliveries, want 2", len(list))
		}
		for range 2 {
			if got := <-bodies; got != "stripe.invoice.paid "+string(request.Body) && !strings.HasPrefix(got, "payment.succeeded {") {
				t.Errorf("the receiver got %q, want the body as it was received, or the mapped event", got)
			}
		}
	})
}
