package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"sync/atomic"
)

// conn is a connection to a receiver, below TLS. Its writes don't fail once the
// other side is gone: a receiver that refuses a body before it has read all of it
// closes while the rest is on its way, and what it said before that is still to
// be read. Reading fails where the connection ends, and says why.
type conn struct {
	net.Conn
	sent     atomic.Int64 // bytes that the system took
	broken   atomic.Bool  // a write has failed
	wantCert atomic.Bool  // the receiver asked for a client certificate
	once     sync.Once
	closed   chan struct{}
}

func newConn(plain net.Conn) *conn { return &conn{Conn: plain, closed: make(chan struct{})} }

func (c *conn) Write(p []byte) (int, error) {
	if c.broken.Load() {
		return len(p), nil
	}
	n, err := c.Conn.Write(p)
	c.sent.Add(int64(n))
	if err == nil || errors.Is(err, net.ErrClosed) {
		return n, err
	}
	c.broken.Store(true)
	return len(p), nil
}

func (c *conn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// noCertificate notes that the receiver asked for a client certificate, and
// sends none.
func (c *conn) noCertificate(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	c.wantCert.Store(true)
	return &tls.Certificate{}, nil
}

// exclusive is a connection by TLS that carries one request at a time. It counts
// what is written of requests alone: closing writes an alert.
type exclusive struct {
	*tls.Conn
	below *conn
	sent  atomic.Int64
}

func (c *exclusive) Write(p []byte) (int, error) {
	before := c.below.sent.Load()
	n, err := c.Conn.Write(p)
	c.sent.Add(c.below.sent.Load() - before)
	return n, err
}

// carrier is what an attempt knows of the connection that it was given.
type carrier struct {
	below  *conn
	tls    *tls.Conn // nil without TLS
	shared bool      // by HTTP/2, which carries other requests as well
	sent   func() int64
}

func carrierOf(given net.Conn) carrier {
	switch c := given.(type) {
	case *exclusive:
		return carrier{below: c.below, tls: c.Conn, sent: c.sent.Load}
	case *tls.Conn:
		below := c.NetConn().(*conn)
		return carrier{below: below, tls: c, shared: true, sent: below.sent.Load}
	}
	below := given.(*conn)
	return carrier{below: below, sent: below.sent.Load}
}

// alert is the TLS alert that ended the connection of a failed request; nil if
// none did. Reading goes on failing with it, while HTTP/2 loses it where the
// connection ended before the request began. What is not closed is left alone:
// others read from it.
func (c carrier) alert(ctx context.Context, err error) *net.OpError {
	if c.tls == nil {
		return nil
	}
	if c.shared && unestablished(err) { // it is being closed
		select {
		case <-c.below.closed:
		case <-ctx.Done():
		}
	}
	select {
	case <-c.below.closed:
		_, err := c.tls.Read(make([]byte, 1))
		return alertIn(err)
	default:
		return nil
	}
}
