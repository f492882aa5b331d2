package webhook

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"time"
)

// exclusive is a connection that carries one request at a time, by HTTP/1.1.
type exclusive struct {
	net.Conn // what requests are written to: below, or TLS over it
	below    *conn
	origin   string
	remote   string // address and port
	version  string // of TLS; "" without it
	used     bool   // has carried a request
	probe    [1]byte

	// Of the pool, under its lock.
	since        time.Time // when it became idle
	idle         bool
	older, newer *exclusive
}

func newExclusive(origin string, below *conn, secure *tls.Conn) *exclusive {
	c := &exclusive{Conn: below, below: below, origin: origin, remote: below.RemoteAddr().String()}
	if secure != nil {
		c.Conn, c.version = secure, tls.VersionName(secure.ConnectionState().Version)
	}
	return c
}

// quiet reports whether the other side has neither closed nor sent anything
// since its last answer. What is not quiet can carry no further request: whatever
// came would be taken for the answer to it.
func (c *exclusive) quiet() bool {
	c.below.instant = true
	n, err := c.Read(c.probe[:])
	c.below.instant = false
	return n == 0 && errors.Is(err, os.ErrDeadlineExceeded)
}

// past is a deadline that is over.
var past = time.Unix(1, 0)

// interrupt ends what is being read and written.
func (c *exclusive) interrupt() { c.below.SetDeadline(past) }

// Close says goodbye, if TLS is spoken and the system takes it at once: TLS by
// itself waits for as long as 5 seconds where the other side takes nothing.
func (c *exclusive) Close() error {
	c.below.leaving = true
	return c.Conn.Close()
}

// abort closes the connection without a word, while others may read or write.
func (c *exclusive) abort() { c.below.Close() }
