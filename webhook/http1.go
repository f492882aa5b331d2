package webhook

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"os"
	"sync"
	"time"
)

const (
	// writtenAtOnce is how many bytes of a request are written before its answer
	// is read. The system takes as many at once, whether the receiver reads or not.
	// Longer ones are written beside, so that an answer is read that comes before
	// the request has ended, also from a receiver that never reads.
	writtenAtOnce = 16 << 10
	// writeEnds is how long an exchange whose answer has come waits for the end of
	// its own writing: a receiver may have read all before we know that it was
	// written.
	writeEnds = 50 * time.Millisecond
	// keptBuffer is the longest request for which a buffer is kept.
	keptBuffer = 4 * writtenAtOnce
)

// buffers are what a call needs beside its connection, which has none while it
// is idle.
type buffers struct {
	in  *bufio.Reader
	out []byte
}

var spareBuffers = sync.Pool{New: func() any {
	return &buffers{in: bufio.NewReaderSize(nil, 4<<10), out: make([]byte, 0, 2<<10)}
}}

// call is one request and its response on a connection that carries nothing else
// meanwhile. All of it happens on the goroutine of Send, but for the writing of a
// long request.
type call struct {
	*buffers
	conn    *exclusive
	written chan struct{} // closed when a long request is; nil without one
	body    *body
	lasts   bool // the connection, as far as is known
}

// overHTTP1 makes the exchange, and once more if its connection was gone before
// a byte of the request was written. A connection made for it may turn out to
// speak HTTP/2.
func (s *Sender) overHTTP1(ctx context.Context, a *attempt, e *Exchange) {
	for {
		got := s.connection(ctx, a)
		if got.shared != nil {
			a.hand(got.shared)
			s.overHTTP2(ctx, a, e)
			return
		}
		err := got.err
		if err == nil {
			err = s.call(ctx, a, e, got)
		}
		if err == nil {
			return
		}
		if got.conn == nil || ctx.Err() != nil || !a.mayBeginAgain(nil) {
			a.fail(ctx, e, err)
			return
		}
	}
}

// call sends the request on a connection and reads what comes. It fails if no
// response does. The connection is kept if it can carry another request.
func (s *Sender) call(ctx context.Context, a *attempt, e *Exchange, got dialled) error {
	c := &call{buffers: spareBuffers.Get().(*buffers), conn: got.conn, lasts: true}
	c.conn.SetDeadline(a.deadline)
	stop := context.AfterFunc(ctx, c.conn.interrupt) // not before, or the deadline set would undo it
	response, err := c.roundTrip(a, got.own)
	if err == nil {
		e.take(ctx, a, response)
	}
	if lasts := err == nil && c.ended(); stop() && lasts {
		c.release()
		s.pool.put(c.conn)
		return nil
	}
	if err == nil && c.written == nil {
		c.conn.Close()
	} else {
		c.conn.abort()
	}
	if c.written != nil {
		<-c.written // it reads from the buffers
	}
	c.release()
	return err
}

// roundTrip writes the request and reads the head of the response.
func (c *call) roundTrip(a *attempt, own bool) (*response, error) {
	c.in.Reset(c.conn)
	c.out = a.begin(c.conn, own, c.out[:0])
	if err := c.listen(); err != nil {
		return nil, err
	}
	c.write(a.message.Body)
	if _, err := c.in.Peek(1); err != nil {
		return nil, err
	}
	a.gotFirstByte()
	h, err := readHead(c.in, maxResponseHeaders)
	if err != nil {
		return nil, err
	}
	c.lasts = c.lasts && h.lasts && h.status != http.StatusSwitchingProtocols
	c.body = h.body(c.in)
	return &response{h.status, h.headers, c.body}, nil
}

// listen reads what a receiver says on a new connection before it was asked. It
// is taken for the answer, as one that comes early is, and the connection is not
// kept, since the answer to the request may follow.
func (c *call) listen() error {
	if c.conn.used {
		return nil // the pool has found it quiet
	}
	c.conn.used = true
	c.conn.below.instant = true
	_, err := c.in.Peek(1)
	c.conn.below.instant = false
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	c.lasts = false
	return err
}

// write sends the request, a long one beside what follows. That it failed is said
// by reading: what the receiver said before is still to be read.
func (c *call) write(content []byte) {
	if len(c.out)+len(content) <= writtenAtOnce {
		c.out = append(c.out, content...)
		c.conn.Write(c.out)
		return
	}
	written := make(chan struct{})
	c.written = written
	go func() {
		defer close(written)
		if _, err := c.conn.Write(c.out); err == nil {
			c.conn.Write(content)
		}
	}()
}

// ended reports whether request and response have ended where both sides know it,
// with nothing behind them.
func (c *call) ended() bool {
	if !c.lasts || !c.body.whole || c.in.Buffered() > 0 {
		return false
	}
	if c.written != nil {
		wait := time.NewTimer(writeEnds)
		defer wait.Stop()
		select {
		case <-c.written:
		case <-wait.C:
			return false
		}
	}
	return !c.conn.below.broken.Load()
}

func (c *call) release() {
	c.in.Reset(nil)
	if cap(c.out) > keptBuffer {
		c.out = make([]byte, 0, 2<<10)
	}
	spareBuffers.Put(c.buffers)
}
