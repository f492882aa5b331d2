package web

import (
	"bytes"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"hookwell/models"
	"hookwell/web/refusal"
	"hookwell/web/request"
)

// requestBody is the body of one request. Nothing of it is read before a
// handler asks for it, so that whoever may not send one holds no memory.
type requestBody struct {
	header  *fasthttp.RequestHeader
	stream  io.Reader // nil when there is no body, or when it was read
	length  int       // as announced, or chunked
	refusal error     // why the head alone refuses the body
	content []byte
	pooled  *[]byte
	conn    *connection // nil when it is none of ours
	budget  *bodyBudget
	owner   request.Owner
	claim   claim
	givenUp bool // whatever comes of the rest
}

// takeBody takes the body off the request, whose own methods would read it
// whole and whatever its length.
func (s *Server) takeBody(c *fiber.Ctx) requestBody {
	b := requestBody{header: &c.Request().Header, budget: &s.bodies}
	if refused, ok := s.refused.LoadAndDelete(b.header); ok {
		b.refusal = refused.(error)
		return b
	}
	if b.stream = c.Context().RequestBodyStream(); b.stream != nil {
		b.length = b.header.ContentLength()
		b.conn, _ = c.Context().Conn().(*connection)
		c.Request().ResetBody()
	}
	return b
}

// Length returns how many bytes the body has, as announced, or chunked.
func (b *requestBody) Length() int { return b.length }

// unread reports whether more of the body may be to come than is worth waiting
// for. Of what is short, and was not given up, fasthttp drops the rest, and the
// connection is kept.
func (b *requestBody) unread() bool {
	return b.stream != nil && (b.givenUp || b.length == request.Chunked || b.length > smallBody)
}

// Read returns the whole body. The memory is used again once the request is
// over. A body of more than limit bytes is request.ErrTooLong; the error is
// Unavailable if the owner's share of the memory for bodies is used up, and a
// fiber.Error of 400 or 408 if the body doesn't arrive as announced or in time.
func (b *requestBody) Read(limit int, owner request.Owner) ([]byte, error) {
	switch {
	case b.refusal != nil:
		return nil, b.refusal
	case b.stream == nil:
		return b.content, nil
	case b.length > limit:
		b.givenUp = true
		return nil, request.ErrTooLong
	}
	b.owner = owner
	b.conn.beginBody(paceOf(owner, limit))
	err := b.fill(limit)
	b.conn.endBody()
	if err != nil {
		if b.givenUp = true; !errors.Is(err, request.ErrTooLong) {
			b.content = nil
		}
		return nil, err
	}
	b.stream = nil
	return b.content, nil
}

// Beginning returns up to most bytes of a body that is too long for Read: those that
// were read already, or else those that come in time. It is empty if there is no memory
// for them.
func (b *requestBody) Beginning(most int, owner request.Owner) []byte {
	if b.refusal == nil && b.stream != nil && len(b.content) == 0 {
		b.owner, b.givenUp = owner, true
		if b.length != request.Chunked {
			most = min(most, b.length)
		}
		if err := b.grow(most); err != nil {
			return nil
		}
		pace := keyPace
		if owner.Stranger() {
			pace = doorPace
		}
		b.conn.beginBody(pace)
		if _, err := b.fillRoom(most); err != nil {
			_ = b.unreadable(err) // which counts who is late; the beginning is what came
		}
		b.conn.endBody()
	}
	return b.content[:min(most, len(b.content))]
}

// fill reads into memory that grows by what has arrived.
func (b *requestBody) fill(limit int) error {
	most := limit + 1 // one more tells that it is too long
	if b.length != request.Chunked {
		most = b.length
	}
	for room := min(bodyStep, most); len(b.content) < most; room = min(2*room, most) {
		if err := b.grow(room); err != nil {
			return err
		}
		if ended, err := b.fillRoom(room); err != nil {
			return b.unreadable(err)
		} else if ended {
			break
		}
	}
	switch {
	case b.length == request.Chunked && len(b.content) > limit:
		return request.ErrTooLong
	case b.length != request.Chunked && len(b.content) < b.length:
		return fiber.ErrBadRequest // the client went before it had sent all
	case b.length == request.Chunked:
		dropTrailers(b.header)
	}
	return nil
}

// fillRoom reads until there are room bytes in all, and reports whether the
// body ended before.
func (b *requestBody) fillRoom(room int) (ended bool, err error) {
	for len(b.content) < room {
		n, err := b.stream.Read(b.content[len(b.content):room])
		b.content = b.content[:len(b.content)+n]
		if errors.Is(err, io.EOF) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
	return false, nil
}

// grow makes room for size bytes in all.
func (b *requestBody) grow(size int) error {
	if size <= bodyStep {
		b.pooled = smallBodies.Get().(*[]byte)
		b.content = (*b.pooled)[:0]
		return nil
	}
	larger := claim{size: int64(size), large: size > smallBody || b.length > smallBody}
	if !b.budget.change(b.owner, b.claim, larger) {
		return &models.Error{Kind: models.Unavailable, Code: refusal.CodeBusy, RetryAfter: time.Second,
			Message: "The server has as many request bodies in memory as it may, over all or of you. Send it again after the seconds in Retry-After."}
	}
	b.claim = larger
	b.content = append(make([]byte, 0, size), b.content...)
	return nil
}

// dropTrailers removes what came behind the chunks of a body: fasthttp finds it
// under the names of headers, and whoever is between us and the client, such as
// a proxy that sets X-Forwarded-For, speaks for the head alone.
func dropTrailers(header *fasthttp.RequestHeader) {
	var names []string
	for name := range header.Trailers() {
		names = append(names, string(name))
	}
	if len(names) == 0 {
		return
	}
	var head [][2]string // what has such a name and does stand in the head
	for name, value := range header.All() {
		if slices.Contains(names, string(name)) {
			head = append(head, [2]string{string(name), string(value)})
		}
	}
	for _, name := range names {
		header.Del(name)
	}
	_ = header.SetTrailer("") // no name is no bad one
	for _, line := range head {
		header.Add(line[0], line[1])
	}
}

// release gives the memory back. The body must not be used afterwards.
func (b *requestBody) release() {
	if b.claim.size > 0 {
		b.budget.change(b.owner, b.claim, claim{})
	}
	b.claim, b.content = claim{}, nil
	if b.pooled != nil {
		smallBodies.Put(b.pooled)
		b.pooled = nil
	}
}

var smallBodies = sync.Pool{New: func() any {
	memory := make([]byte, bodyStep)
	return &memory
}}

// unreadable is what a fault of reading is to the client.
func (b *requestBody) unreadable(err error) error {
	var late net.Error
	if b.conn.timedOut() || errors.As(err, &late) && late.Timeout() {
		b.budget.late(b.owner)
		return fiber.ErrRequestTimeout
	}
	return fiber.ErrBadRequest
}

// readForm reads the form of an unsafe request, so that field and fields find
// its values. Who hasn't signed in sends short forms alone.
func (s *Server) readForm(c *fiber.Ctx) error {
	v := s.visit(c)
	limit, owner := doorBody, request.Owner{Network: networkOf(v.Client)}
	if v.user != nil || v.portal != nil {
		limit, owner = request.MaxBody, request.Owner{ID: v.userOrLink()}
	}
	content, err := v.body.Read(limit, owner)
	if errors.Is(err, request.ErrTooLong) || err == nil && bytes.Count(content, []byte("&")) >= maxFields {
		return fiber.ErrRequestEntityTooLarge
	}
	if err != nil {
		return err
	}
	c.Request().SetBodyRaw(content)
	ok := true
	for key, value := range c.Context().PostArgs().All() {
		ok = ok && readable(key) && readable(value)
	}
	if !ok {
		return fiber.ErrBadRequest
	}
	return nil
}
