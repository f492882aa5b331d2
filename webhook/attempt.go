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

// attempt watches one exchange. Dials, and net/http for HTTP/2, call it from
// goroutines of their own, some of which outlive the exchange: a dial goes on for
// whoever comes next.
type attempt struct {
	message  *Message
	target   *target
	now      func() time.Time
	deadline time.Time // of the exchange, and so of the dial made for it
	abandon  func()    // ends an exchange over HTTP/2

	mu        sync.Mutex
	made      *tls.Conn     // speaks HTTP/2, and is net/http's to take
	request   *http.Request // over HTTP/2
	dials     int
	begun     int       // requests, each on a connection
	below     *conn     // of the last one
	shared    *tls.Conn // the same by HTTP/2, which carries other requests as well
	before    int64     // what the connection had sent when it was given
	headers   bool      // of the last one were written, by HTTP/2
	overdrawn bool      // net/http would have begun one more
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

// hand keeps a connection for net/http to take.
func (a *attempt) hand(made *tls.Conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.made = made
}

// takeMade returns the connection that was made for net/http, once.
func (a *attempt) takeMade() *tls.Conn {
	a.mu.Lock()
	defer a.mu.Unlock()
	made := a.made
	a.made = nil
	return made
}

// begin stamps and signs the request, and appends its head to out. The timestamp
// is not older by a slow dial. own tells that the connection was dialled for this
// attempt.
func (a *attempt) begin(c *exclusive, own bool, out []byte) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.given(c.below, nil, own)
	a.remote, a.tls = c.remote, c.version
	out, a.sent = a.message.appendHead(out, a.target, a.now())
	return out
}

// gotConn does the same over HTTP/2. net/http calls it before it writes, on the
// goroutine of RoundTrip.
func (a *attempt) gotConn(info httptrace.GotConnInfo) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.begun == maxBegun {
		a.overdrawn = true
		a.abandon() // net/http writes nothing of a request whose context has ended
		return
	}
	shared := info.Conn.(*tls.Conn)
	a.given(shared.NetConn().(*conn), shared, !info.Reused)
	a.remote, a.tls = shared.RemoteAddr().String(), tls.VersionName(shared.ConnectionState().Version)
	a.sent = a.message.setHeaders(a.request, a.now())
}

func (a *attempt) given(below *conn, shared *tls.Conn, own bool) {
	a.begun++
	a.below, a.shared, a.before, a.headers = below, shared, below.sent.Load(), false
	a.phase, a.connected = phaseRequest, time.Now()
	if !own {
		a.timings = Timings{} // of a dial begun in vain
	}
}

func (a *attempt) wroteHeaders() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.headers = true
}

// requests returns how many were begun.
func (a *attempt) requests() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.begun
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
	return a.below.sent.Load() == a.before || a.shared != nil && (!a.headers || unprocessed(err))
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
		_, a.sent = a.message.appendHead(nil, a.target, e.StartedAt)
	}
	e.Timings, e.RemoteAddress, e.TLSVersion, e.RequestHeaders = a.timings, a.remote, a.tls, a.sent
	e.Requests = a.begun
	return a.phase
}

// fail names why no response came.
func (a *attempt) fail(ctx context.Context, e *Exchange, err error) {
	reached := a.report(e)
	e.Cause, e.Error = a.failure(ctx, err, reached)
}
