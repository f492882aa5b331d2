package webhook

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
)

// conn is a connection to a receiver, below TLS. Its writes don't fail once the
// other side is gone: a receiver that refuses a body before it has read all of it
// closes while the rest is on its way, and what it said before that is still to
// be read. Reading fails where the connection ends, and says why.
type conn struct {
	net.Conn
	raw      syscall.RawConn
	sent     atomic.Int64 // bytes that the system took
	broken   atomic.Bool  // a write has failed
	wantCert atomic.Bool  // the receiver asked for a client certificate
	once     sync.Once
	closed   chan struct{}

	// Of calls that don't wait. Only the goroutine that owns the connection sets
	// them.
	instant bool // reads
	leaving bool // writes
	into    []byte
	read    int
	failed  error
	readNow func(fd uintptr)
}

func newConn(plain *net.TCPConn) (*conn, error) {
	raw, err := plain.SyscallConn()
	if err != nil {
		plain.Close()
		return nil, err
	}
	c := &conn{Conn: plain, raw: raw, closed: make(chan struct{})}
	c.readNow = func(fd uintptr) { // made once, since each closure is an allocation
		c.read, c.failed = uninterrupted(func() (int, error) { return syscall.Read(int(fd), c.into) })
	}
	return c, nil
}

// uninterrupted repeats a system call that a signal has ended.
func uninterrupted(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, syscall.EINTR) {
			return n, err
		}
	}
}

func (c *conn) Write(p []byte) (int, error) {
	if c.broken.Load() {
		return len(p), nil
	}
	if c.leaving {
		return len(p), c.raw.Control(func(fd uintptr) { syscall.Write(int(fd), p) })
	}
	n, err := c.Conn.Write(p)
	c.sent.Add(int64(n))
	if err == nil || errors.Is(err, net.ErrClosed) {
		return n, err
	}
	c.broken.Store(true)
	return len(p), nil
}

// Read fails with os.ErrDeadlineExceeded where instant is set and nothing is
// there to read: TLS goes on after that error.
func (c *conn) Read(p []byte) (int, error) {
	if !c.instant || len(p) == 0 {
		return c.Conn.Read(p)
	}
	c.into = p
	err := c.raw.Control(c.readNow)
	c.into = nil
	switch {
	case err != nil:
		return 0, err
	case errors.Is(c.failed, syscall.EAGAIN):
		return 0, os.ErrDeadlineExceeded
	case c.failed != nil:
		return 0, c.failed
	case c.read == 0:
		return 0, io.EOF
	}
	return c.read, nil
}

// spoke reports whether the other side has sent something or has closed, and
// takes nothing of it. Any goroutine may call it.
func (c *conn) spoke() bool {
	spoke := true
	err := c.raw.Control(func(fd uintptr) {
		var first [1]byte
		_, err := uninterrupted(func() (int, error) {
			n, _, err := syscall.Recvfrom(int(fd), first[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
			return n, err
		})
		spoke = !errors.Is(err, syscall.EAGAIN)
	})
	return spoke || err != nil
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
