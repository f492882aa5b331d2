package bench

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// receiver is a net/http server, as many receivers are. It answers at once and
// keeps each request in memory, to be looked at when the run is over. Paths
// begin with how they answer.
type receiver struct {
	server   *http.Server
	overTLS  *http.Server // a server of its own: one that serves without TLS first never learns HTTP/2
	listener net.Listener
	secure   net.Listener // for TLS
	trusting []byte       // the certificate, as PEM
	bodies   sync.Pool    // of *bytes.Buffer

	mu       sync.Mutex
	kept     []request
	slab     []byte // what bodies are copied into
	stray    int
	changed  chan struct{}
	released chan struct{} // closed, it lets those go that hang
	trusted  map[string]*endpointTrust
}

// How an endpoint of the receiver answers.
const (
	pathHealthy = "/healthy/"
	pathHangs   = "/hangs/"
	pathFails   = "/fails/"
)

type endpointTrust struct {
	path   string
	secret string
}

// request is one that came to an endpoint, with its body in a slab.
type request struct {
	trust                    *endpointTrust
	at                       int64 // Unix nanoseconds
	id, timestamp, signature string
	body                     []byte
}

// Arrival is one request to an endpoint, after the run.
type Arrival struct {
	Path     string
	ID       string // the event's
	Sequence int    // the number that the driver put into the event's data; -1 when it isn't there
	At       int64  // when it was read, in Unix nanoseconds
	Fault    string // what is wrong with the signature or the body
}

// Trust is an endpoint's path and the secret that signs what comes to it.
type Trust struct{ Path, Secret string }

// Awaited is what to wait for: so many requests to paths that begin alike, no
// longer than Limit.
type Awaited struct {
	Prefix string
	Count  int
	Limit  time.Duration
}

// Record is what came since the last Reset.
type Record struct {
	Arrivals []Arrival
	Stray    int // requests to paths that no endpoint has
}

func newReceiver() (*receiver, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("opening the receiver's port: %w", err)
	}
	secure, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("opening the receiver's port for TLS: %w", err)
	}
	certificate, err := newCertificate()
	if err != nil {
		return nil, err
	}
	r := &receiver{listener: listener, secure: secure, changed: make(chan struct{}, 1), released: make(chan struct{}), trusted: map[string]*endpointTrust{}}
	r.bodies.New = func() any { return new(bytes.Buffer) }
	r.trusting = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]})
	r.server = &http.Server{Handler: r}
	r.overTLS = &http.Server{Handler: r, TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}}}
	go r.server.Serve(listener)
	go r.overTLS.ServeTLS(secure, "", "")
	return r, nil
}

func (r *receiver) close() {
	close(r.released)
	r.server.Close()
	r.overTLS.Close()
}

// Address returns where the receiver listens.
func (r *receiver) Address(_ struct{}, address *string) error {
	*address = r.listener.Addr().String()
	return nil
}

// Secure is where a receiver listens for TLS, and the certificate to trust.
type Secure struct {
	Address     string
	Certificate []byte // PEM
}

// Secure answers it.
func (r *receiver) Secure(_ struct{}, secure *Secure) error {
	*secure = Secure{r.secure.Addr().String(), r.trusting}
	return nil
}

// newCertificate makes a certificate of 127.0.0.1 that holds for a day.
func newCertificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("making a key: %w", err)
	}
	now := time.Now()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("making a certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{certificate}, PrivateKey: key}, nil
}

// Reset forgets what came and trusts these endpoints.
func (r *receiver) Reset(trusts []Trust, _ *struct{}) error {
	trusted := make(map[string]*endpointTrust, len(trusts))
	for _, t := range trusts {
		trusted[t.Path] = &endpointTrust{t.Path, t.Secret}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.released)
	r.kept, r.slab, r.stray, r.trusted, r.released = nil, nil, 0, trusted, make(chan struct{})
	return nil
}

// ServeHTTP takes one request.
func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	released := r.keep(request, time.Now().UnixNano())
	switch path := request.URL.Path; {
	case strings.HasPrefix(path, pathHangs):
		select {
		case <-released:
		case <-request.Context().Done():
		}
	case strings.HasPrefix(path, pathFails):
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (r *receiver) keep(from *http.Request, at int64) (released <-chan struct{}) {
	body := r.bodies.Get().(*bytes.Buffer)
	defer r.bodies.Put(body)
	body.Reset()
	// A body that ends early is one that no signature fits.
	_, _ = body.ReadFrom(from.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	trust := r.trusted[from.URL.Path]
	if trust == nil {
		r.stray++
		return r.released
	}
	r.kept = append(r.kept, request{
		trust: trust, at: at,
		id:        from.Header.Get(standardwebhooks.HeaderWebhookID),
		timestamp: from.Header.Get(standardwebhooks.HeaderWebhookTimestamp),
		signature: from.Header.Get(standardwebhooks.HeaderWebhookSignature),
		body:      r.copy(body.Bytes()),
	})
	select {
	case r.changed <- struct{}{}:
	default:
	}
	return r.released
}

// slabSize is what is allocated at once for what is kept.
const slabSize = 4 << 20

func (r *receiver) copy(b []byte) []byte {
	if len(r.slab)+len(b) > cap(r.slab) {
		r.slab = make([]byte, 0, max(slabSize, len(b)))
	}
	start := len(r.slab)
	r.slab = append(r.slab, b...)
	return r.slab[start:len(r.slab):len(r.slab)]
}

// Await waits for requests and answers how many came.
func (r *receiver) Await(awaited Awaited, count *int) error {
	late := time.After(awaited.Limit)
	seen := 0
	for {
		r.mu.Lock()
		fresh := r.kept[seen:]
		r.mu.Unlock()
		for _, one := range fresh {
			if strings.HasPrefix(one.trust.path, awaited.Prefix) {
				*count++
			}
		}
		seen += len(fresh)
		if *count >= awaited.Count {
			return nil
		}
		// Counting is not to be what the machine is busy with.
		pause := time.After(awaitEvery)
		select {
		case <-pause:
		case <-late:
			return nil
		}
		select {
		case <-r.changed:
		case <-late:
			return nil
		}
	}
}

const awaitEvery = 5 * time.Millisecond

// Collect verifies everything that came and answers it.
func (r *receiver) Collect(_ struct{}, record *Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	verifiers := map[string]*standardwebhooks.Webhook{}
	record.Stray = r.stray
	record.Arrivals = make([]Arrival, 0, len(r.kept))
	for _, one := range r.kept {
		verifier := verifiers[one.trust.path]
		if verifier == nil {
			var err error
			if verifier, err = standardwebhooks.NewWebhook(one.trust.secret); err != nil {
				return fmt.Errorf("reading the secret of %s: %w", one.trust.path, err)
			}
			verifiers[one.trust.path] = verifier
		}
		record.Arrivals = append(record.Arrivals, one.verify(verifier))
	}
	return nil
}

func (r request) verify(verifier *standardwebhooks.Webhook) Arrival {
	a := Arrival{Path: r.trust.path, ID: r.id, Sequence: -1, At: r.at}
	headers := http.Header{}
	headers.Set(standardwebhooks.HeaderWebhookID, a.ID)
	headers.Set(standardwebhooks.HeaderWebhookTimestamp, r.timestamp)
	headers.Set(standardwebhooks.HeaderWebhookSignature, r.signature)
	if err := verifier.Verify(r.body, headers); err != nil {
		a.Fault = err.Error()
		return a
	}
	var envelope struct {
		ID   string
		Data struct{ PaymentID string }
	}
	if err := json.Unmarshal(r.body, &envelope); err != nil {
		a.Fault = err.Error()
		return a
	}
	if envelope.ID != a.ID {
		a.Fault = fmt.Sprintf("the body is of %s, the header says %s", envelope.ID, a.ID)
	}
	if n, err := strconv.Atoi(strings.TrimPrefix(envelope.Data.PaymentID, paymentPrefix)); err == nil {
		a.Sequence = n
	}
	return a
}
