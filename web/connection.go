package web

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// ConnectionLimits limit the connections that a server holds at one time; 0 means
// no limit.
type ConnectionLimits struct {
	Total int
	// PerAddress limits one address; an IPv6 network of /64 counts as one. This
	// machine and trusted proxies, which many clients share, may have any number.
	PerAddress int
}

const (
	writePiece = 64 << 10 // bytes that a reader must take within the write limit
	writeLimit = 10 * time.Second
	// stallFactor times the write limit is how long a client may take nothing of
	// what the kernel has of an answer.
	stallFactor = 3
	stopLimit   = 2 * time.Second // in place of every other limit while the server stops

	// A client that sends its whole request before it reads would never see an
	// answer if the connection were closed with some of it unread: the kernel
	// then resets it. So what still comes is read and dropped, for so long.
	lingerLimit = 10 * time.Second
	lingerIdle  = 2 * time.Second
	lingerBytes = 64 << 20
	lingerPiece = 1 << 10 // memory of each that lingers: there may be as many as connections

	acceptPause = 5 * time.Millisecond // after the first failure; then twice as long, up to a second
	maxRefusing = 64                   // connections that are being told that there are too many
)

// connections are a listener's, within their limits.
type connections struct {
	net.Listener
	limits     ConnectionLimits
	exempt     func(netip.Addr) bool // from the limit of one address
	log        *slog.Logger
	writeLimit time.Duration
	stopBy     atomic.Pointer[time.Time] // nil until the server stops

	mu        sync.Mutex
	open      map[*connection]struct{}
	byAddress map[netip.Prefix]int
	refusing  int
	refused   refusalCount
}

func newConnections(limits ConnectionLimits, exempt func(netip.Addr) bool, log *slog.Logger) *connections {
	return &connections{limits: limits, exempt: exempt, log: log, writeLimit: writeLimit,
		open: map[*connection]struct{}{}, byAddress: map[netip.Prefix]int{}}
}

// Accept returns the next connection that is within the limits. A process that
// has no file descriptor left waits for one: fasthttp would take the error for
// the listener's end.
func (l *connections) Accept() (net.Conn, error) {
	pause := acceptPause
	for {
		conn, err := l.Listener.Accept()
		if passing(err) {
			l.log.Warn("accepting a connection", "error", err)
			time.Sleep(pause)
			pause = min(2*pause, time.Second)
			continue
		}
		if err != nil {
			return nil, err
		}
		pause = acceptPause
		if c := l.admit(conn); c != nil {
			return c, nil
		}
	}
}

// passing reports whether a later try to accept may work.
func passing(err error) bool {
	for _, fault := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED} {
		if errors.Is(err, fault) {
			return true
		}
	}
	return false
}

// admit counts the connection; nil is one too many, which is refused.
func (l *connections) admit(conn net.Conn) net.Conn {
	c := &connection{Conn: conn, of: l}
	if pair, err := netip.ParseAddrPort(conn.RemoteAddr().String()); err == nil {
		c.address = networkOf(pair.Addr())
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = limitStall(tcp, stallFactor*l.writeLimit) // one that is closed already shows it when it is read
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.limits.Total > 0 && len(l.open) >= l.limits.Total:
		l.refuse(c, fasthttp.StatusServiceUnavailable, "The server has as many connections as it takes. Try again in a second.\n")
		return nil
	case l.limits.PerAddress > 0 && l.byAddress[c.address] >= l.limits.PerAddress && !l.exempt(c.address.Addr()):
		l.refuse(c, fasthttp.StatusTooManyRequests, "There are too many connections from your address. Close some.\n")
		return nil
	}
	l.open[c] = struct{}{}
	l.byAddress[c.address]++
	return c
}

// networkOf is what a client's address counts as: one IPv6 client has a whole /64.
func networkOf(address netip.Addr) netip.Prefix {
	address = address.Unmap().WithZone("")
	bits := address.BitLen()
	if address.Is6() && !address.IsLoopback() {
		bits = 64
	}
	network, _ := address.Prefix(bits)
	return network
}

// refuse tells the client why, without keeping others waiting. The lock is held.
func (l *connections) refuse(c *connection, status int, why string) {
	if count, due := l.refused.add(time.Now()); due {
		l.log.Warn("connections refused", "count", count, "open", len(l.open), "last", c.address.String())
	}
	if l.refusing >= maxRefusing {
		c.reset()
		return
	}
	l.refusing++
	go func() {
		c.tell(status, why, "Retry-After: 1\r\n")
		c.linger()
		c.Conn.Close()
		l.mu.Lock()
		defer l.mu.Unlock()
		l.refusing--
	}()
}

func (l *connections) forget(c *connection) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.open[c]; !ok {
		return
	}
	delete(l.open, c)
	if l.byAddress[c.address]--; l.byAddress[c.address] == 0 {
		delete(l.byAddress, c.address)
	}
}

// stop lets nobody hold the server up who neither sends nor takes anything.
func (l *connections) stop() {
	by := time.Now().Add(stopLimit)
	l.stopBy.Store(&by)
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.open {
		_ = c.Conn.SetDeadline(by) // one that was closed meanwhile needs none
	}
}

// connection is one client's.
type connection struct {
	net.Conn
	of      *connections
	address netip.Prefix
	serving atomic.Bool // from a request's first byte to the end of its answer
	stalled atomic.Bool // its reader takes nothing
	closed  atomic.Bool
	answers *answerMemory // that counts what is being written; nil until something was

	// Of these only the goroutine that serves the connection knows.
	readBy  time.Time // as fasthttp set it
	pacing  pacing
	framing framing
	head    head
	unclear *fiber.Error // why no more is read
	told    bool         // that its head isn't read
}

// connState is told by fasthttp what a connection does.
func connState(conn net.Conn, state fasthttp.ConnState) {
	if c, ok := conn.(*connection); ok {
		c.serving.Store(state == fasthttp.StateActive)
		if state == fasthttp.StateIdle {
			c.head.begun = time.Time{}
			c.endAnswer()
		}
	}
}

// endAnswer gives back the memory of an answer that was taken.
func (c *connection) endAnswer() {
	if c.answers != nil {
		c.answers.release(c)
	}
}

// giveUp ends the connection because its reader is too slow.
func (c *connection) giveUp() {
	c.stalled.Store(true)
	_ = c.reset() // what was written there fails, and closes it
}

// Write writes piece by piece, each within the limit: whoever takes an answer
// slowly gets it, and whoever takes nothing is let go. No deadline outlives the
// answer that it was for.
func (c *connection) Write(p []byte) (written int, err error) {
	for len(p) > 0 {
		piece := p[:min(len(p), writePiece)]
		limit := c.of.writeLimit
		if c.of.stopBy.Load() != nil {
			limit = min(limit, stopLimit)
		}
		if err := c.Conn.SetWriteDeadline(time.Now().Add(limit)); err != nil {
			return written, err
		}
		n, err := c.Conn.Write(piece)
		written += n
		if err != nil {
			c.stalled.Store(true)
			return written, err
		}
		p = p[n:]
	}
	return written, nil
}

// Read reads what is framed clearly. Behind that it fails for good.
func (c *connection) Read(p []byte) (int, error) {
	switch {
	case len(c.head.came) > 0 && c.head.whole:
		return c.handOn(p), nil
	case c.unclear != nil && c.framing.inHead():
		return 0, c.refuseHead(c.unclear.Code)
	case c.unclear != nil:
		return 0, c.unclear
	case c.framing.inHead():
		return c.readHead(p)
	}
	if c.pacing.on {
		if err := c.setReadDeadline(c.pacing.deadline(time.Now(), c.readBy)); err != nil {
			return 0, err
		}
	}
	n, err := c.Conn.Read(p)
	c.pacing.arrived(n, err)
	clear, fault := c.framing.follow(p[:n])
	if fault == nil {
		return n, err
	}
	if c.unclear = fault; clear == 0 {
		return c.Read(p) // which says so
	}
	return clear, nil
}

// SetReadDeadline sets the deadline, or if it is earlier that of a request that
// has begun, and while the server stops that of the stop.
func (c *connection) SetReadDeadline(at time.Time) error {
	c.readBy = at
	return c.setReadDeadline(at)
}

func (c *connection) setReadDeadline(at time.Time) error {
	if begun := c.head.begun; !begun.IsZero() {
		if by := begun.Add(readLimit); at.IsZero() || by.Before(at) {
			at = by
		}
	}
	if err := c.Conn.SetReadDeadline(at); err != nil {
		return err
	}
	if by := c.of.stopBy.Load(); by != nil && (at.IsZero() || by.Before(at)) {
		return c.Conn.SetReadDeadline(*by)
	}
	return nil
}

// Close closes the connection. In the middle of a request it waits a while for
// the client to read the answer.
func (c *connection) Close() error {
	if c.closed.Swap(true) {
		return net.ErrClosed
	}
	defer c.of.forget(c)
	c.endAnswer()
	if c.stalled.Load() {
		return c.reset()
	}
	if c.serving.Load() || c.told {
		c.linger()
	}
	return c.Conn.Close()
}

// reset drops the connection with all that the kernel has yet to send on it.
func (c *connection) reset() error {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // the close below is what counts
	}
	return c.Conn.Close()
}

// linger says that nothing more will come, and drops what the client still
// sends until it closes, or is silent, or has sent too much.
func (c *connection) linger() {
	tcp, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok || tcp.CloseWrite() != nil {
		return
	}
	end := time.Now().Add(lingerLimit)
	c.head.begun = time.Time{}
	memory := make([]byte, lingerPiece)
	for left := lingerBytes; left > 0; {
		by := time.Now().Add(lingerIdle)
		if by.After(end) {
			by = end
		}
		if c.SetReadDeadline(by) != nil {
			return
		}
		n, err := c.Conn.Read(memory)
		if left -= n; err != nil {
			return
		}
	}
}
