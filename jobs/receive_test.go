package jobs_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"hookwell/models"
	"hookwell/webhook"
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

// TestReceived_signed has a request delivered to one endpoint with Hookwell's
// signature and to one with the provider's. Each verifies by its own scheme, and
// neither gets the other's proof or a credential.
func TestReceived_signed(t *testing.T) {
	eachPair(t, func(t *testing.T, f *fixture) {
		type arrived struct {
			header http.Header
			body   []byte
		}
		ours, theirs, unsigned := make(chan arrived, 1), make(chan arrived, 1), make(chan arrived, 1)
		receiver := func(got chan arrived) string {
			server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				got <- arrived{r.Header, body}
			}))
			t.Cleanup(server.Close)
			return server.URL
		}
		in := models.NewSourceInput()
		const secret = "whsec_dGVzdHMtb2YtcmVjZWl2aW5nLTAxMjM0"
		in.Name, in.Provider, in.Secrets = "Stripe", "stripe", []string{secret}
		source, err := f.tenant.Receiving().CreateSource(t.Context(), in)
		must(t, err)
		in = models.NewSourceInput()
		in.Name, in.Provider, in.RelayUnverified = "Anybody", "none", true
		open, err := f.tenant.Receiving().CreateSource(t.Context(), in)
		must(t, err)
		_, key := f.endpoint(t, receiver(ours), func(in *models.EndpointInput) { in.EventTypes = []string{"stripe.*"} })
		f.endpoint(t, receiver(theirs), func(in *models.EndpointInput) {
			in.EventTypes, in.SourceSignature = []string{"stripe.*"}, webhook.SignedByProvider
		})
		f.endpoint(t, receiver(unsigned), func(in *models.EndpointInput) {
			in.EventTypes, in.SourceSignature = []string{"anybody.*"}, webhook.SignedByProvider
		})
		f.start(t)
		opened, err := f.Engine().SourceByToken(t.Context(), strings.TrimPrefix(source.Path, models.ReceivePath))
		must(t, err)
		held, err := opened.Verifier.ParseSecret(secret)
		must(t, err)
		request, err := opened.Verifier.SignSample("invoice.paid", held, "https://hooks.example.com"+source.Path, f.Now())
		must(t, err)
		request.ReceivedAt, request.RemoteAddress = f.Now(), netip.MustParseAddr("203.0.113.7")
		header := request.Headers[0]
		for name, value := range map[string]string{"Authorization": "Bearer hidden", "Cookie": "hidden=1", "Connection": "X-Note", "X-Note": "hidden"} {
			header.Name, header.Value = name, value
			request.Headers = append(request.Headers, header)
		}
		_, err = f.Engine().Handle(t.Context(), opened, request, "", false)
		must(t, err)
		anybody, err := f.Engine().SourceByToken(t.Context(), strings.TrimPrefix(open.Path, models.ReceivePath))
		must(t, err)
		stranger := *request
		stranger.Body = []byte("hello")
		_, err = f.Engine().Handle(t.Context(), anybody, &stranger, "", false)
		must(t, err)
		f.until(t, "all three are delivered", models.DeliveryFilter{}, func(list []models.Delivery) bool {
			return len(list) == 3 && !slices.ContainsFunc(list, func(d models.Delivery) bool { return d.State != models.Delivered })
		})

		got := <-theirs
		again := *request
		again.URL, again.Body, again.Headers = "https://receiver.example.com/stripe", got.body, nil
		for name, values := range got.header {
			for _, value := range values {
				header.Name, header.Value = name, value
				again.Headers = append(again.Headers, header)
				if strings.Contains(value, "hidden") {
					t.Errorf("the receiver got %s: %s, which is no proof of the provider's", name, value)
				}
			}
			if strings.HasPrefix(name, "Webhook-") || name == "X-Webhook-Signature" || name == "X-Webhook-Timestamp" {
				t.Errorf("the receiver got Hookwell's %s beside the provider's signature", name)
			}
		}
		if v := opened.Verifier.Verify(&again, append(opened.Secrets[:0:0], held)); v.State != "verified" {
			t.Errorf("Verify() of what the receiver got = %q, cause %q; want verified: %v", v.State, v.Cause, got.header)
		}
		got = <-ours
		verifier, err := standardwebhooks.NewWebhook(key.StandardForm())
		must(t, err)
		if err := verifier.Verify(got.body, got.header); err != nil || string(got.body) != string(request.Body) {
			t.Errorf("Verify() by Hookwell's signature = %v, want the bytes as received, signed", err)
		}
		if got.header.Get("Stripe-Signature") != "" {
			t.Errorf("the receiver got Stripe's signature beside Hookwell's")
		}
		if got = <-unsigned; got.header.Get("Webhook-Signature") != "" || got.header.Get("X-Webhook-Signature") != "" || got.header.Get("Stripe-Signature") != "" || string(got.body) != "hello" {
			t.Errorf("the receiver got %v and %q, want the body without a signature: nobody verified it", got.header, got.body)
		}
	})
}
