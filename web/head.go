package web

import (
	"bytes"
	"context"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"hookwell/models"
	"hookwell/web/api"
	"hookwell/web/request"
)

// received looks at a request's head before anything of its body is read. A
// body that no handler would take is not waited for: the connection closes
// behind the answer, and "100 Continue" is not sent. fasthttp has no way to hand
// on what was found, so it is kept in refused, under the head's own address,
// which the handler sees again.
func (s *Server) received(header *fasthttp.RequestHeader) fasthttp.RequestConfig {
	s.refused.Delete(header) // of a request before it that never reached a handler
	if err := s.refuseHead(header); err != nil {
		s.refused.Store(header, err)
		header.SetContentLength(0)
		header.Del(fiber.HeaderExpect)
		header.SetConnectionClose()
	}
	// fasthttp reads as much of a body before it calls the handler, so that one
	// byte is the least; the limits are those of the handlers.
	return fasthttp.RequestConfig{MaxRequestBodySize: 1}
}

// refuseHead returns why the head alone refuses a request's body, or nil.
func (s *Server) refuseHead(header *fasthttp.RequestHeader) error {
	if !plainHost(header.Host()) || !sameHost(header) {
		return errFraming
	}
	length := header.ContentLength()
	if length == 0 || length < request.Chunked {
		return nil
	}
	if length > longestBody(header.RequestURI()) {
		return fiber.ErrRequestEntityTooLarge
	}
	if !bytes.HasPrefix(header.RequestURI(), []byte(api.Path+"/")) {
		return nil
	}
	text, err := api.Bearer(header)
	if err != nil {
		return err
	}
	// A small body comes along with its head, so nothing is won by looking twice.
	if length != request.Chunked && length <= smallBody && len(header.Peek(fiber.HeaderExpect)) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), handleLimit)
	defer cancel()
	_, _, err = s.Store.AuthenticateReporter(ctx, text)
	return err
}

// longestBody returns the longest body that an address takes. An escaped path may be
// that of the batch.
func longestBody(uri []byte) int {
	path, _, _ := bytes.Cut(uri, []byte("?"))
	if bytes.HasPrefix(path, []byte(models.ReceivePath)) {
		return models.MaxSourceBody + 1 // its source may take less, and says so itself
	}
	if string(path) == api.BatchPath || bytes.IndexByte(path, '%') >= 0 {
		return maxBatchBody
	}
	return request.MaxBody
}

// errFraming is a request whose end, or whose host, two parties could see
// differently. Nothing behind it on its connection can be trusted. A connection
// refuses the one, the head the other.
var errFraming = fiber.NewError(fiber.StatusBadRequest)

// checkHead refuses what received found to be unclear or too long. All else that
// the head refuses, a handler refuses by itself before it reads the body.
func (s *Server) checkHead(c *fiber.Ctx) error {
	if err := s.visit(c).body.refusal; err == errFraming || err == fiber.ErrRequestEntityTooLarge {
		return err
	}
	return c.Next()
}

// plainHost reports whether Host is a host and a port at most (RFC 9112, section
// 3.2): before an "@" one party reads a user, another the host.
func plainHost(host []byte) bool { return !bytes.ContainsAny(host, "@/\\?#, \t") }

// sameHost reports whether a target that names a host, as requests to proxies
// do, names the one of the Host header.
func sameHost(header *fasthttp.RequestHeader) bool {
	target := string(header.RequestURI())
	if strings.HasPrefix(target, "/") || target == "*" {
		return true
	}
	_, rest, ok := strings.Cut(target, "://")
	if !ok {
		return false
	}
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	return strings.EqualFold(rest, string(header.Host()))
}
