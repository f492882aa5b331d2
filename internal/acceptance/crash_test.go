package acceptance

import (
	"crypto/rand"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"hookwell/internal/testenv"
)

// arrivals is a receiver's own record: how often each event came, verified.
type arrivals struct {
	*httptest.Server
	mu       sync.Mutex
	verifier *standardwebhooks.Webhook
	seen     map[string]int
	forged   int
	changed  chan struct{}
	hold     chan struct{} // while it is open, requests wait
}

func newArrivals(t *testing.T) *arrivals {
	a := &arrivals{seen: map[string]int{}, changed: make(chan struct{}, 1), hold: make(chan struct{})}
	a.Server = httptest.NewServer(a)
	t.Cleanup(func() { a.CloseClientConnections(); a.Server.Close() })
	return a
}

func (a *arrivals) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	a.mu.Lock()
	if err := a.verifier.Verify(body, r.Header); err != nil {
		a.forged++
	}
	a.seen[r.Header.Get("webhook-id")]++
	a.mu.Unlock()
	select {
	case a.changed <- struct{}{}:
	default:
	}
	select {
	case <-a.hold:
	case <-r.Context().Done():
	}
	w.WriteHeader(http.StatusNoContent)
}

func (a *arrivals) count() (events, forged int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.seen), a.forged
}

// until waits for so many different events to have arrived.
func (a *arrivals) until(t *testing.T, events int, limit time.Duration) {
	t.Helper()
	late := time.After(limit)
	for {
		if n, _ := a.count(); n >= events {
			return
		}
		select {
		case <-a.changed:
		case <-late:
			n, _ := a.count()
			t.Fatalf("%d of %d events arrived in %s", n, events, limit)
		}
	}
}

// TestNothingAcceptedIsLost kills the process twice, between commit and wake
// and with exchanges under way, and throws away all that Redis holds.
func TestNothingAcceptedIsLost(t *testing.T) {
	t.Parallel()
	postgres, redis := testenv.PrivatePostgres(t), testenv.PrivateRedis(t)
	key := make([]byte, 32)
	rand.Read(key)
	here := installation{[]string{"DATABASE_URL=" + postgres.URL(), "REDIS_URL=" + redis.URL(), "HOOKWELL_ADDR=127.0.0.1:0",
		"HOOKWELL_SECRET_KEY=" + base64.StdEncoding.EncodeToString(key), "HOOKWELL_ALLOW_NETWORKS=127.0.0.0/8", "HOOKWELL_LOG_LEVEL=warn"}}
	platform := strings.TrimSpace(here.run(t, "", "platform-key", "create", "--name", "back end"))
	receiver := newArrivals(t)

	server := here.start(t, "serve", "--no-workers")
	var org struct{ ID string }
	if status := call(t, "POST", server.url+"/api/v1/organizations", platform, map[string]any{"name": "Acme"}, &org); status != 201 {
		t.Fatalf("creating an organization: %d", status)
	}
	var endpoint struct{ ID, Secret string }
	status := call(t, "POST", server.url+"/api/v1/endpoints?organizationId="+org.ID, platform,
		map[string]any{"url": receiver.URL, "eventTypes": []string{"*"}, "timeoutSeconds": 1, "maxInFlight": 5}, &endpoint)
	if status != 201 {
		t.Fatalf("creating an endpoint: %d", status)
	}
	var err error
	if receiver.verifier, err = standardwebhooks.NewWebhook(endpoint.Secret); err != nil {
		t.Fatal(err)
	}
	accepted := 0
	publish := func(url string) {
		event := map[string]any{"type": "org.created", "data": map[string]any{"organizationId": org.ID, "name": "Acme"}, "organizationId": org.ID}
		if status := call(t, "POST", url+"/api/v1/events", platform, event, nil); status != 202 {
			t.Fatalf("publishing: %d", status)
		}
		accepted++
	}
	for range 20 {
		publish(server.url)
	}
	server.Kill()
	if err := redis.Kill(); err != nil {
		t.Fatal(err)
	}

	// Redis is away: events are accepted all the same.
	server = here.start(t)
	for range 5 {
		publish(server.url)
	}
	if err := redis.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	receiver.until(t, 5, 30*time.Second) // all five slots are in flight, held by the receiver
	server.Kill()
	close(receiver.hold)

	server = here.start(t)
	publish(server.url)
	receiver.until(t, accepted, 100*time.Second)
	if _, forged := receiver.count(); forged > 0 {
		t.Errorf("%d signatures did not verify", forged)
	}
	interrupted := everythingEnded(t, server, platform, org.ID, accepted)
	if interrupted != 5 {
		t.Errorf("%d attempts are on record as interrupted, want the 5 that the kill cut off", interrupted)
	}
	server.terminate(t)
}

// everythingEnded waits until every delivery is delivered and counts the
// attempts that are on record as interrupted.
func everythingEnded(t *testing.T, server *running, key, org string, want int) (interrupted int) {
	t.Helper()
	var list struct {
		Data []struct {
			ID, State    string
			AttemptCount int
		}
	}
	late := time.After(60 * time.Second)
	for {
		call(t, "GET", server.url+"/api/v1/deliveries?limit=200&organizationId="+org, key, nil, &list)
		delivered := 0
		for _, d := range list.Data {
			if d.State == "delivered" {
				delivered++
			}
		}
		if len(list.Data) == want && delivered == want {
			break
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-late:
			t.Fatalf("%d of %d are delivered: %+v", delivered, want, list.Data)
		}
	}
	for _, d := range list.Data {
		var one struct{ Attempts []struct{ Cause string } }
		call(t, "GET", server.url+"/api/v1/deliveries/"+d.ID+"?organizationId="+org, key, nil, &one)
		for _, a := range one.Attempts {
			if a.Cause == "interrupted" {
				interrupted++
			}
		}
	}
	return interrupted
}
