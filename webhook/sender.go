package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
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
// strictly as CheckURL does, and the guard asked about every address.
func (s *Sender) Send(ctx context.Context, m Message) Exchange {
	began := time.Now()
	if m.Timeout <= 0 {
		m.Timeout = defaultTimeout
	}
	exchange := Exchange{StartedAt: s.now()}
	ctx, cancel := context.WithTimeoutCause(ctx, m.Timeout, errTimeout)
	defer cancel()
	s.exchange(ctx, &m, &exchange, began)
	exchange.Duration = time.Since(began)
	return exchange
}

func (s *Sender) exchange(ctx context.Context, m *Message, e *Exchange, began time.Time) {
	a := &attempt{message: m, now: s.now, deadline: began.Add(m.Timeout)}
	request, err := newRequest(ctx, a, m)
	if err != nil {
		e.Cause, e.Error = CauseBlocked, err.Error()
		return
	}
	a.request = request
	response, err := s.transport.RoundTrip(request)
	reached := a.report(e)
	if err != nil {
		e.Cause, e.Error = failure(ctx, err, reached, m.Timeout)
		return
	}
	defer response.Body.Close()
	mask := newMask(m)
	e.takeResponse(response, s.now(), mask)
	if response.StatusCode == http.StatusSwitchingProtocols {
		return // what follows is the bare connection, which no context ends
	}
	e.takeBody(ctx, response, mask)
}

func newRequest(ctx context.Context, a *attempt, m *Message) (*http.Request, error) {
	target, err := parseURL(m.URL)
	if err != nil {
		return nil, err
	}
	body := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(m.Body)), nil }
	request := &http.Request{
		Method: http.MethodPost, URL: target, Host: target.Host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{},
		ContentLength: int64(len(m.Body)),
		GetBody:       body, // for a kept connection that was closed before a byte was written
	}
	request.Body, _ = body()
	ctx = context.WithValue(ctx, attemptKey{}, a)
	return request.WithContext(httptrace.WithClientTrace(ctx, a.trace())), nil
}
