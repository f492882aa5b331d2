package webhook

import (
	"context"
	"crypto/tls"
	"errors"
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
	abandon  func()    // ends the exchange

	mu        sync.Mutex
	request   *http.Request
	dials     int
	begun     int     // requests, each on a connection
	carrier   carrier // of the last one
	before    int64   // what the carrier had sent when it was given
	headers   bool    // of the last one were written
	overdrawn bool    // net/http would have begun one more
	phase     phase
	connected time.Time
	timings   Timings
	remote    string
	tls       string
	sent      []Header
}

// maxBegun is how many requests an attempt begins, and maxDials how many
// connections are made for it. More than one is needed where a receiver's
// connections are all in use by others; one that takes no request on any is not
// to be dialled until the time is up.
const (
	maxBegun = 2
	maxDials = 8
)

var errDials = errors.New("every connection was refused for requests")

type attemptKey struct{}

// attemptOf finds the attempt that a dial was begun for.
func attemptOf(ctx context.Context) *attempt {
	a, _ := ctx.Value(attemptKey{}).(*attempt)
	return a
}

func (a *attempt) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{GotConn: a.gotConn, WroteHeaders: a.wroteHeaders, GotFirstResponseByte: a.gotFirstByte}
}

// mayDial reports whether one more connection may be made for the attempt.
func (a *attempt) mayDial() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.dials++
	return a.dials <= maxDials
}

// gotConn stamps and signs the request. net/http calls it before it writes, on
// the goroutine of RoundTrip, so the timestamp is not older by a slow dial.
func (a *attempt) gotConn(info httptrace.GotConnInfo) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.begun == maxBegun {
		a.overdrawn = true
		a.abandon() // net/http writes nothing of a request whose context has ended
		return
	}
	a.begun++
	a.carrier, a.headers = carrierOf(info.Conn), false
	a.before = a.carrier.sent()
	a.phase, a.connected = phaseRequest, time.Now()
	a.remote = info.Conn.RemoteAddr().String()
	if info.Reused {
		a.timings = Timings{} // of a dial begun in vain
	}
	if a.carrier.tls != nil {
		a.tls = tls.VersionName(a.carrier.tls.ConnectionState().Version)
	}
	a.sent = a.message.writeHeaders(a.request, a.now())
}

func (a *attempt) wroteHeaders() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.headers = true
}

// mayBeginAgain reports whether not a byte of the only request so far was
// written, or the error says that the receiver did not process it. On a
// connection shared with others, bytes may have been theirs.
func (a *attempt) mayBeginAgain(err error) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.begun == 0 || a.begun == maxBegun {
		return false
	}
	return a.carrier.sent() == a.before || a.carrier.shared && !a.headers || unprocessed(err)
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
	e.Requests = a.begun
	return a.phase
}
