package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"time"
)

const (
	defaultTimeout   = 15 * time.Second
	keptPerEndpoint  = 100              // as many as may be in flight, lest those above are dialled anew each time
	keptConnections  = 2048             // at most; and a quarter of what may be open
	keptFor          = 55 * time.Second // less than the 60 s after which most load balancers hang up
	resumableSession = 1024
)

// Sender makes attempts over connections that it keeps. It is safe for
// concurrent use.
type Sender struct {
	guard     *Guard
	now       func() time.Time
	dialer    net.Dialer
	tls       *tls.Config
	transport *http.Transport
	open      context.Context // ends with Close
	close     context.CancelFunc
}

// NewSender makes a sender whose every connection the guard allows. now is the
// clock of timestamps; durations are measured by the monotonic one.
func NewSender(guard *Guard, now func() time.Time) *Sender {
	s := &Sender{guard: guard, now: now}
	s.open, s.close = context.WithCancel(context.Background())
	s.tls = &tls.Config{
		MinVersion:         tls.VersionTLS12,
		NextProtos:         []string{"h2", "http/1.1"},
		ClientSessionCache: tls.NewLRUClientSessionCache(resumableSession),
	}
	s.transport = &http.Transport{
		Proxy:                  nil, // one from the environment would call past the guard
		DialContext:            s.dialPlain,
		DialTLSContext:         s.dialTLS,
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 10 * time.Second, PingTimeout: 5 * time.Second},
		DisableCompression:     true, // it would decompress without a bound
		MaxResponseHeaderBytes: maxResponseHeaders,
		MaxIdleConns:           min(keptConnections, OpenFiles()/4),
		MaxIdleConnsPerHost:    keptPerEndpoint,
		IdleConnTimeout:        keptFor,
	}
	return s
}

// Close ends dials under way and drops the kept connections. Call it when no
// Send is left.
func (s *Sender) Close() {
	s.close()
	s.transport.CloseIdleConnections()
}

// Send makes one attempt and tells what came of it. It never fails: whatever
// happens has a cause. A ctx that ends makes it CauseInterrupted, the message's
// own timeout CauseTimeout. Redirects are not followed. The URL is read as
// strictly as CheckURL does, and the guard asked about every address. One request
// is begun, and a second only if not a byte of the first was written.
func (s *Sender) Send(ctx context.Context, m Message) Exchange {
	began := time.Now()
	if m.Timeout <= 0 {
		m.Timeout = defaultTimeout
	}
	exchange := Exchange{StartedAt: s.now()}
	ctx, cancel := context.WithTimeoutCause(ctx, m.Timeout, errTimeout)
	defer cancel()
	a := &attempt{message: &m, now: s.now, deadline: began.Add(m.Timeout), abandon: cancel}
	s.exchange(ctx, a, &exchange)
	exchange.Duration = time.Since(began)
	return exchange
}

func (s *Sender) exchange(ctx context.Context, a *attempt, e *Exchange) {
	target, err := parseURL(a.message.URL)
	if err != nil {
		e.Cause, e.Error = CauseBlocked, err.Error()
		return
	}
	response, err := s.roundTrip(ctx, a, target)
	reached := a.report(e)
	if err != nil {
		e.Cause, e.Error = a.failure(ctx, err, reached)
		return
	}
	defer response.Body.Close()
	mask := newMask(a.message)
	e.takeResponse(response, s.now(), mask)
	if response.StatusCode == http.StatusSwitchingProtocols {
		return // what follows is the bare connection, which no context ends
	}
	e.takeBody(ctx, response, mask)
}

// roundTrip sends the request, and once more if its connection was gone before
// a byte of it was written, or if the receiver said that it has not processed it
// (RFC 9113, section 8.7): a healthy one does when it is full, or done with a
// connection.
func (s *Sender) roundTrip(ctx context.Context, a *attempt, target *url.URL) (*http.Response, error) {
	for {
		a.request = newRequest(ctx, a, target)
		response, err := s.transport.RoundTrip(a.request)
		if err == nil || ctx.Err() != nil || !a.mayBeginAgain(err) {
			return response, err
		}
	}
}

// newRequest has no GetBody, with which net/http repeats requests by itself:
// over HTTP/2 also those that the receiver has read, as often as it refuses them.
func newRequest(ctx context.Context, a *attempt, target *url.URL) *http.Request {
	request := &http.Request{
		Method: http.MethodPost, URL: target, Host: target.Host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{},
		ContentLength: int64(len(a.message.Body)),
		Body:          io.NopCloser(bytes.NewReader(a.message.Body)),
	}
	ctx = context.WithValue(ctx, attemptKey{}, a)
	return request.WithContext(httptrace.WithClientTrace(ctx, a.trace()))
}
