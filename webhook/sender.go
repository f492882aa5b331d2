package webhook

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

const (
	defaultTimeout   = 15 * time.Second
	keptPerEndpoint  = 100              // as many as may be in flight, lest those above are dialled anew each time
	keptConnections  = 2048             // over all endpoints; with HTTP/2, at most a quarter of what may be open
	keptShared       = 1024             // by HTTP/2, where one carries many requests
	keptFor          = 55 * time.Second // less than the 60 s after which most load balancers hang up
	resumableSession = 1024
	knownHTTP2       = 4096 // origins
)

// Sender makes attempts over connections that it keeps. It speaks HTTP/1.1
// itself, on the goroutine of Send, and leaves HTTP/2 to net/http. It is safe for
// concurrent use.
type Sender struct {
	guard     *Guard
	now       func() time.Time
	dialer    net.Dialer
	tls       *tls.Config
	pool      *pool
	transport *http.Transport
	http2     *lru.Cache[string, struct{}] // origins that chose it last
	open      context.Context              // ends with Close
	close     context.CancelFunc
}

// NewSender returns a sender that connects only where the guard allows it. now is
// the clock of timestamps; durations are measured by the monotonic one.
func NewSender(guard *Guard, now func() time.Time) *Sender {
	s := &Sender{guard: guard, now: now}
	s.open, s.close = context.WithCancel(context.Background())
	s.tls = &tls.Config{
		MinVersion:         tls.VersionTLS12,
		NextProtos:         []string{"h2", "http/1.1"},
		ClientSessionCache: tls.NewLRUClientSessionCache(resumableSession),
	}
	files := OpenFiles() / 16
	s.pool = newPool(min(keptConnections, 3*files), keptPerEndpoint, keptFor)
	s.transport = s.newTransport(min(keptShared, files))
	s.http2, _ = lru.New[string, struct{}](knownHTTP2) // fails for sizes below 1
	return s
}

// Close ends dials in progress and drops the kept connections. Call it after the
// last Send has returned.
func (s *Sender) Close() {
	s.close()
	s.pool.close()
	s.transport.CloseIdleConnections()
}

// Send makes one attempt and returns its result. It has no error: every failure
// has a cause. If ctx ends, the cause is CauseInterrupted; after the message's
// own timeout it is CauseTimeout. Send doesn't follow redirects. It reads the URL
// as strictly as CheckURL does, and asks the guard about every address. It begins
// one request, and a second only if not a byte of the first was written.
func (s *Sender) Send(ctx context.Context, m Message) Exchange {
	began := time.Now()
	if m.Timeout <= 0 {
		m.Timeout = defaultTimeout
	}
	e := Exchange{StartedAt: s.now()}
	target, err := m.target()
	if err != nil {
		e.Cause, e.Error = CauseBlocked, err.Error()
	} else {
		a := &attempt{message: &m, target: target, now: s.now, deadline: began.Add(m.Timeout)}
		if target.secure() && s.http2.Contains(target.origin) {
			s.overHTTP2(ctx, a, &e)
		} else {
			s.overHTTP1(ctx, a, &e)
		}
	}
	e.Duration = time.Since(began)
	return e
}
