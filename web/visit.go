package web

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/models/store"
	"hookwell/views"
	"hookwell/web/request"
)

// visit is what the middlewares found out about one request. User and person
// are nil for who has not signed in; tenant and role are set under /o/:org.
type visit struct {
	request.Request
	nonce  string // of the Content-Security-Policy
	loaded bool   // the session was
	user   *models.User
	person *store.Person
	portal *store.Portal // of a session that came by a portal link; there is then no user
	over   bool          // such a session has just ended
	body   requestBody
	turn   chan struct{} // it may draw, by one of these turns; nil: it may not
	shared bool          // its answer is no memory of its own
	frame  string        // the origin whose pages may show the answer in a frame
	tenant *store.Tenant
	role   models.Role
	flash  *views.Flash // for this answer's own page

	endpoints *int // how many the tenant has, once somebody asked
}

// userOrLink returns the id of who asks.
func (v *visit) userOrLink() string {
	if v.portal != nil {
		return v.portal.ID
	}
	return v.user.ID
}

type visitKey struct{}

// visit begins with the request's id, which is our own: one that came with the
// request could be anything.
func (s *Server) visit(c *fiber.Ctx) *visit {
	if v, ok := c.Locals(visitKey{}).(*visit); ok {
		return v
	}
	v := &visit{Request: request.Request{ID: rand.Text(), Client: s.clientIP(c)}, nonce: rand.Text()}
	c.Locals(visitKey{}, v)
	s.setHeaders(c, v)
	return v
}

// handleLimit bounds what a request may wait for: a test event's exchange and
// its record fit in, a database that hangs does not hold requests for ever.
const handleLimit = time.Minute

// begin gives every answer its request id and its headers, and the handler its
// limit and the request's body.
func (s *Server) begin(c *fiber.Ctx) error {
	v := s.visit(c)
	v.body = s.takeBody(c)
	v.Body = &v.body
	defer func() {
		if v.body.unread() {
			c.Context().SetConnectionClose()
		}
		c.Request().ResetBody() // it may be the body's memory
		v.body.release()
	}()
	ctx, cancel := context.WithTimeout(context.Background(), handleLimit)
	defer cancel()
	c.SetUserContext(ctx)
	return c.Next()
}

// tenant returns the organization of the path. It is there on every route under
// /o/:org, and on no other.
func (s *Server) tenant(c *fiber.Ctx) *store.Tenant { return s.visit(c).tenant }

// slug returns the organization's in the path.
func (s *Server) slug(c *fiber.Ctx) string { return s.tenant(c).Organization().Slug }

// countEndpoints returns how many endpoints the organization has, counted once for
// the page and its frame.
func (s *Server) countEndpoints(c *fiber.Ctx) (int, error) {
	v := s.visit(c)
	if v.endpoints == nil {
		n, err := v.tenant.CountEndpoints(c.UserContext())
		if err != nil {
			return 0, err
		}
		v.endpoints = &n
	}
	return *v.endpoints, nil
}
