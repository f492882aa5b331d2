package web

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"hookwell/web/refusal"
)

// headPiece is the memory, in bytes, that the head of a connection's first
// request is read into. It grows only for heads that are longer.
const headPiece = 1 << 10

// head is what has come of the next request, until its head is whole: fasthttp
// would hold its own buffers, and a whole request, for every half of one.
type head struct {
	came     []byte
	followed int // how much of it is clear
	whole    bool
	begun    time.Time // when its first byte came; zero between requests
}

// readHead reads until a head is whole, and gives it on. Whoever sends no head
// that can be read gets a short text that costs nothing, and who has left gets
// nothing: fasthttp takes net.ErrClosed for a connection without an answer.
func (c *connection) readHead(p []byte) (int, error) {
	for !c.head.whole {
		into, direct := p, len(c.head.came) == 0 && len(p) >= headPiece
		if !direct {
			into = c.head.room()
		}
		if len(into) == 0 {
			return 0, c.refuseHead(fasthttp.StatusRequestHeaderFieldsTooLarge)
		}
		n, err := c.Conn.Read(into)
		if n > 0 && c.head.begun.IsZero() {
			c.head.begun = time.Now()
			if err := c.setReadDeadline(c.readBy); err != nil {
				return 0, net.ErrClosed
			}
		}
		if n == 0 && err != nil {
			return 0, c.headEnds(err)
		}
		if direct {
			if whole, clear := c.followHead(into[:n], 0); whole {
				return clear, nil
			} else if c.unclear == nil {
				c.head.came, c.head.followed = append(make([]byte, 0, max(headPiece, 2*n)), into[:n]...), clear
			}
		} else {
			c.head.came = c.head.came[:len(c.head.came)+n]
			c.head.whole, c.head.followed = c.followHead(c.head.came, c.head.followed)
		}
		if c.unclear != nil && !c.head.whole {
			return 0, c.refuseHead(c.unclear.Code)
		}
	}
	return c.handOn(p), nil
}

// room returns where the next of the head is read to; it is empty if the head has as
// much as it may.
func (h *head) room() []byte {
	if len(h.came) == cap(h.came) && cap(h.came) < maxHeaders {
		h.came = append(make([]byte, 0, max(headPiece, min(2*cap(h.came), maxHeaders))), h.came...)
	}
	return h.came[len(h.came):cap(h.came)]
}

// followHead follows whole lines until a head is whole, and then all that came
// with it. It returns how much is clear; c.unclear is why the rest is not.
func (c *connection) followHead(came []byte, followed int) (whole bool, clear int) {
	heads := c.framing.heads
	for clear = followed; clear < len(came); {
		end := len(came)
		if whole = c.framing.heads > heads; !whole {
			line := bytes.IndexByte(came[clear:], '\n') + 1
			if line == 0 {
				return false, clear
			}
			end = clear + line
		}
		n, fault := c.framing.follow(came[clear:end])
		clear += n
		if c.unclear = fault; fault != nil {
			break
		}
	}
	return c.framing.heads > heads, clear
}

// handOn gives fasthttp what has come of a whole head, and behind it.
func (c *connection) handOn(p []byte) int {
	n := copy(p, c.head.came[:c.head.followed])
	c.head.came, c.head.followed = c.head.came[n:], c.head.followed-n
	if c.head.followed == 0 {
		c.head = head{begun: c.head.begun}
	}
	return n
}

// headEnds returns what fasthttp is told when no more of a head comes.
func (c *connection) headEnds(err error) error {
	var late net.Error
	switch {
	case c.head.begun.IsZero() && errors.Is(err, io.EOF):
		return io.EOF
	case !c.head.begun.IsZero() && errors.As(err, &late) && late.Timeout():
		return c.refuseHead(fasthttp.StatusRequestTimeout)
	}
	return net.ErrClosed
}

// refuseHead tells the client why its request isn't read, and ends the
// connection.
func (c *connection) refuseHead(status int) error {
	c.head = head{}
	if !c.told {
		c.told = true
		_, told := refusal.Of(fiber.NewError(status))
		c.tell(status, told.Message+"\n", "") // a client that is gone needs no word
	}
	return net.ErrClosed
}

// tell writes an answer that no request was read for.
func (c *connection) tell(status int, why, more string) {
	fmt.Fprintf(c, "HTTP/1.1 %d %s\r\n%sConnection: close\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n\r\n%s",
		status, fasthttp.StatusMessage(status), more, len(why), why)
}

// answerBroken answers a head that is whole, and that fasthttp can't read.
func answerBroken(ctx *fasthttp.RequestCtx, err error) {
	status := fasthttp.StatusBadRequest
	var small *fasthttp.ErrSmallBuffer
	var late net.Error
	switch {
	case errors.As(err, &small):
		status = fasthttp.StatusRequestHeaderFieldsTooLarge
	case errors.As(err, &late) && late.Timeout():
		status = fasthttp.StatusRequestTimeout
	}
	_, told := refusal.Of(fiber.NewError(status))
	ctx.Response.Reset()
	ctx.Response.Header.Set("Cache-Control", "no-store")
	ctx.Response.Header.Set("X-Content-Type-Options", "nosniff")
	ctx.Error(told.Message+"\n", status)
}
