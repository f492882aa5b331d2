package faults

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// arrival is one request as the receiver saw it.
type arrival struct {
	Hook     string    `json:"hook"`
	Event    string    `json:"event"`
	Delivery string    `json:"delivery"`
	Number   int       `json:"number"` // of the attempt, from 1
	At       time.Time `json:"at"`
	Status   int       `json:"status"` // what it was answered with; 0 when nobody waited for that
	Forged   bool      `json:"forged"`
}

// behaviour is how a hook answers.
type behaviour struct {
	Secret string        `json:"secret"`
	First  int           `json:"first"` // status of a delivery's first attempt
	Later  int           `json:"later"` // of the others
	After  time.Duration `json:"after"`
}

// receiver is the receiving side: a process of its own, so that its record
// outlives whatever is done to Hookwell.
type receiver struct {
	mu       sync.Mutex
	hooks    map[string]behaviour
	arrivals []*arrival
	held     int
	gate     chan struct{} // not nil while answers are held; closed by release
}

// ServeReceiver runs the receiver's process: it writes its address in one line and
// ends when its standard input does, which is when its parent does.
func ServeReceiver(in io.Reader, out io.Writer) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	r := &receiver{hooks: map[string]behaviour{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /hooks/{name}", r.hook)
	mux.HandleFunc("PUT /behaviour/{name}", r.behave)
	mux.HandleFunc("POST /hold", r.hold)
	mux.HandleFunc("POST /release", r.release)
	mux.HandleFunc("GET /held", func(w http.ResponseWriter, _ *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		fmt.Fprint(w, r.held)
	})
	mux.HandleFunc("GET /arrivals", func(w http.ResponseWriter, _ *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		json.NewEncoder(w).Encode(r.arrivals)
	})
	go http.Serve(listener, mux)
	fmt.Fprintf(out, "http://%s\n", listener.Addr())
	_, err = io.Copy(io.Discard, in)
	return err
}

func (r *receiver) behave(w http.ResponseWriter, request *http.Request) {
	var b behaviour
	if err := json.NewDecoder(request.Body).Decode(&b); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hooks[request.PathValue("name")] = b
}

// hold keeps back every answer until release.
func (r *receiver) hold(http.ResponseWriter, *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gate == nil {
		r.gate = make(chan struct{})
	}
}

func (r *receiver) release(http.ResponseWriter, *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gate != nil {
		close(r.gate)
		r.gate = nil
	}
}

func (r *receiver) hook(w http.ResponseWriter, request *http.Request) {
	name := request.PathValue("name")
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return // it was cut off before it had arrived
	}
	retry, _ := strconv.Atoi(request.Header.Get("x-webhook-retry"))
	a := &arrival{Hook: name, Event: request.Header.Get("webhook-id"), Delivery: request.Header.Get("x-webhook-delivery-id"),
		Number: retry + 1, At: time.Now()}
	r.mu.Lock()
	b, gate := r.hooks[name], r.gate
	a.Forged = !verified(b.Secret, body, request.Header)
	r.arrivals = append(r.arrivals, a)
	if gate != nil {
		r.held++
	}
	r.mu.Unlock()
	var late <-chan time.Time
	if b.After > 0 {
		late = time.After(b.After)
	} else if gate == nil {
		r.answer(w, request, a, b)
		return
	}
	select {
	case <-gate:
	case <-late:
	case <-request.Context().Done():
	}
	r.answer(w, request, a, b)
}

func (r *receiver) answer(w http.ResponseWriter, request *http.Request, a *arrival, b behaviour) {
	if request.Context().Err() != nil {
		return
	}
	status := b.Later
	if a.Number == 1 {
		status = b.First
	}
	w.WriteHeader(status)
	r.mu.Lock()
	defer r.mu.Unlock()
	a.Status = status
}

func verified(secret string, body []byte, header http.Header) bool {
	verifier, err := standardwebhooks.NewWebhook(secret)
	return err == nil && verifier.VerifyIgnoringTimestamp(body, header) == nil
}
