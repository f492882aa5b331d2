package webhook

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"
)

// phase is how far an exchange has come, to say where it was when it failed.
type phase int

const (
	phaseDNS phase = iota
	phaseConnect
	phaseTLS
	phaseRequest  // a connection is there, the request goes out
	phaseResponse // its first byte has come
)

// attempt watches one exchange. net/http calls it from goroutines of its own,
// some of which outlive the exchange: a dial goes on for whoever comes next.
type attempt struct {
	message  *Message
	now      func() time.Time
	deadline time.Time // of the exchange, and so of the dial made for it

	mu        sync.Mutex
	request   *http.Request
	phase     phase
	connected time.Time
	timings   Timings
	remote    string
	tls       string
	sent      []Header
}

type attemptKey struct{}

// attemptOf finds the attempt that a dial was begun for.
func attemptOf(ctx context.Context) *attempt {
	a, _ := ctx.Value(attemptKey{}).(*attempt)
	return a
}

func (a *attempt) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{GotConn: a.gotConn, GotFirstResponseByte: a.gotFirstByte}
}

// gotConn stamps and signs the request. net/http calls it before it writes, on
// the goroutine of RoundTrip, so the timestamp is not older by a slow dial.
func (a *attempt) gotConn(info httptrace.GotConnInfo) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.phase, a.connected = phaseRequest, time.Now()
	a.remote = info.Conn.RemoteAddr().String()
	if info.Reused {
		a.timings = Timings{} // of a dial begun in vain
	}
	if conn, ok := info.Conn.(*tls.Conn); ok {
		a.tls = tls.VersionName(conn.ConnectionState().Version)
	}
	a.sent = a.message.writeHeaders(a.request, a.now())
}

func (a *attempt) gotFirstByte() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.phase != phaseResponse {
		a.phase, a.timings.FirstByte = phaseResponse, time.Since(a.connected)
	}
}

// reached notes that a dial begun for this attempt has come to a phase, and
// how long the one before took.
func (a *attempt) reached(next phase, took time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.phase >= phaseRequest {
		return // another connection came first
	}
	switch a.phase {
	case phaseDNS:
		a.timings.DNS = took
	case phaseConnect:
		a.timings.Connect = took
	case phaseTLS:
		a.timings.TLS = took
	}
	a.phase = next
}

// report copies what was seen into the exchange and tells how far it came.
func (a *attempt) report(e *Exchange) phase {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.sent == nil {
		a.sent = a.message.writeHeaders(a.request, e.StartedAt)
	}
	e.Timings, e.RemoteAddress, e.TLSVersion, e.RequestHeaders = a.timings, a.remote, a.tls, a.sent
	return a.phase
}
