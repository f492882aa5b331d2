package demo

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// receiver is an HTTP server that verifies every signature with the official
// Standard Webhooks library and keeps its own record of what arrived.
type receiver struct {
	name   string
	answer func(earlier int) int // the status, given how often the event came before

	server   *http.Server
	listener net.Listener

	mu       sync.Mutex
	verifier *standardwebhooks.Webhook
	seen     map[string]int  // attempts by event id
	accepted map[string]bool // events answered with 2xx
	forged   int             // requests whose signature did not verify
}

func newReceiver(name string, answer func(earlier int) int) (*receiver, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &receiver{name: name, answer: answer, listener: listener, seen: map[string]int{}, accepted: map[string]bool{}}
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: 10 * time.Second}
	go r.server.Serve(listener)
	return r, nil
}

func (r *receiver) url() string { return "http://" + r.listener.Addr().String() + "/" + r.name }

// trust tells the receiver its endpoint's secret.
func (r *receiver) trust(secret string) error {
	verifier, err := standardwebhooks.NewWebhook(secret)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.verifier = verifier
	return err
}

// ServeHTTP answers one delivery.
func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(io.LimitReader(request.Body, 1<<20))
	if err != nil {
		http.Error(w, "the body ended early", http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.verifier.Verify(body, request.Header); err != nil {
		r.forged++
		http.Error(w, "the signature does not match", http.StatusUnauthorized)
		return
	}
	id := request.Header.Get("webhook-id")
	status := r.answer(r.seen[id])
	r.seen[id]++
	if status < 300 {
		r.accepted[id] = true
	}
	w.Header().Set("content-type", "application/json")
	w.WriteHeader(status)
	io.WriteString(w, `{"receiver":"`+r.name+`"}`)
}

// record is what the receiver itself saw.
func (r *receiver) record() (events, accepted, attempts, forged int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range r.seen {
		attempts += n
	}
	return len(r.seen), len(r.accepted), attempts, r.forged
}

func (r *receiver) close(ctx context.Context) { r.server.Shutdown(ctx) }
