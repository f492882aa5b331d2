package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"time"
)

// errHTTP1 tells that a receiver known to speak HTTP/2 no longer does.
var errHTTP1 = errors.New("the receiver chose HTTP/1.1")

// newTransport makes what speaks HTTP/2, and nothing else.
func (s *Sender) newTransport(kept int) *http.Transport {
	return &http.Transport{
		Proxy: nil, // one from the environment would call past the guard
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			return nil, errHTTP1 // without TLS; never asked for
		},
		DialTLSContext:         s.dialHTTP2,
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 10 * time.Second, PingTimeout: 5 * time.Second},
		DisableCompression:     true, // it would decompress without a bound
		MaxResponseHeaderBytes: maxResponseHeaders,
		MaxIdleConns:           kept,
		MaxIdleConnsPerHost:    keptPerEndpoint,
		IdleConnTimeout:        keptFor,
	}
}

// dialHTTP2 gives net/http the connection that was made for the attempt, or a
// new one. What speaks HTTP/1.1 is kept for the exchange to come back to.
func (s *Sender) dialHTTP2(ctx context.Context, _, _ string) (net.Conn, error) {
	a := attemptOf(ctx)
	if made := a.takeMade(); made != nil {
		return made, nil
	}
	// Not ctx: net/http has taken its deadline and its end off.
	dial, cancel := context.WithDeadline(s.open, a.deadline)
	defer cancel()
	got := s.dialTarget(dial, a)
	switch {
	case got.err != nil:
		return nil, got.err
	case got.conn != nil:
		s.http2.Remove(a.target.origin)
		s.pool.put(got.conn)
		return nil, errHTTP1
	}
	return got.shared, nil // bare, or net/http doesn't see that it is HTTP/2
}

func (s *Sender) overHTTP2(parent context.Context, a *attempt, e *Exchange) {
	ctx, cancel := context.WithDeadlineCause(parent, a.deadline, errTimeout)
	defer cancel()
	a.abandon = cancel
	got, err := s.roundTrip(ctx, a)
	if made := a.takeMade(); made != nil {
		made.Close() // another connection was there already
	}
	switch {
	case errors.Is(err, errHTTP1) && a.requests() < maxBegun:
		s.overHTTP1(parent, a, e)
	case err != nil:
		a.fail(ctx, e, err)
	default:
		defer got.Body.Close()
		e.take(ctx, a, &response{got.StatusCode, flat(got.Header), got.Body})
	}
}

func flat(header http.Header) []Header {
	var headers []Header
	for name, values := range header {
		for _, value := range values {
			headers = append(headers, Header{name, value})
		}
	}
	return headers
}

// roundTrip sends the request, and once more if its connection was gone before
// a byte of it was written, or if the receiver said that it has not processed it
// (RFC 9113, section 8.7): a healthy one does when it is full, or done with a
// connection.
func (s *Sender) roundTrip(ctx context.Context, a *attempt) (*http.Response, error) {
	for {
		before := a.requests()
		a.request = newRequest(ctx, a)
		response, err := s.transport.RoundTrip(a.request)
		if err == nil || ctx.Err() != nil || a.requests() == before || !a.mayBeginAgain(err) {
			return response, err
		}
	}
}

// newRequest has no GetBody, with which net/http repeats requests by itself,
// also those that the receiver has read, as often as it refuses them.
func newRequest(ctx context.Context, a *attempt) *http.Request {
	request := &http.Request{
		Method: http.MethodPost, URL: a.target.url, Host: a.target.url.Host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{},
		ContentLength: int64(len(a.message.Body)),
		Body:          io.NopCloser(bytes.NewReader(a.message.Body)),
	}
	ctx = context.WithValue(ctx, attemptKey{}, a)
	return request.WithContext(httptrace.WithClientTrace(ctx, a.trace()))
}

// alertOf returns the TLS alert that ended the connection of a failed request;
// nil if none did. Reading goes on failing with it, while net/http loses it where
// the connection ended before the request began. What is not closed is left
// alone: others read from it.
func alertOf(ctx context.Context, shared *tls.Conn, err error) *net.OpError {
	below := shared.NetConn().(*conn)
	if ending(err) {
		select {
		case <-below.closed:
		case <-ctx.Done():
		}
	}
	select {
	case <-below.closed:
		_, err := shared.Read(make([]byte, 1))
		return alertIn(err)
	default:
		return nil
	}
}
