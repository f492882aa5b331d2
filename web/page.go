package web

import (
	"bytes"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"hookwell/views"
	"hookwell/web/request"
)

// show answers a whole page of its view.
func show[V any](s *Server, c *fiber.Ctx, status int, page func(views.Page, V) templ.Component, view V) error {
	p, err := s.page(c)
	if err != nil {
		return err
	}
	return s.render(c, status, page(p, view))
}

// part answers a partial of its view, for htmx. A browser that goes back must
// not find it in place of the page at the same address.
func part[V any](s *Server, c *fiber.Ctx, status int, partial func(views.Page, V) templ.Component, view V) error {
	c.Set(fiber.HeaderCacheControl, "no-store")
	return s.render(c, status, partial(s.pagePart(c), view))
}

// either answers the partial to htmx and the page to everybody else.
func either[V any](s *Server, c *fiber.Ctx, status int, page, partial func(views.Page, V) templ.Component, view V) error {
	c.Vary("HX-Request")
	if isHTMX(c) {
		return part(s, c, status, partial, view)
	}
	return show(s, c, status, page, view)
}

// page is what a whole page needs to know of the request.
func (s *Server) page(c *fiber.Ctx) (views.Page, error) {
	p, v := s.pagePart(c), s.visit(c)
	if v.person != nil {
		memberships, err := v.person.Organizations(c.UserContext())
		if err != nil {
			return p, err
		}
		for _, m := range memberships {
			p.Memberships = append(p.Memberships, views.Membership{Name: m.Name, Slug: m.Slug, Role: m.Role})
		}
	}
	if v.tenant != nil {
		n, err := s.countEndpoints(c)
		if err != nil {
			return p, err
		}
		p.Endpoints = n
	}
	if p.Flash = v.flash; p.Flash == nil && v.loaded {
		p.Flash = s.takeFlash(c)
	}
	return p, nil
}

// pagePart is what a partial needs: all that takes no query.
func (s *Server) pagePart(c *fiber.Ctx) views.Page {
	v := s.visit(c)
	p := views.Page{Now: s.Store.Now(), Nonce: v.nonce, Theme: theme(c.Cookies(themeCookie)), URL: c.OriginalURL(),
		Host: s.BaseURL.Host, Version: s.Version, User: v.user, Role: v.role}
	if v.portal != nil {
		p.Portal = &views.Portal{Visitor: v.portal.Title(), Navigation: v.portal.Navigation}
	}
	if v.tenant != nil {
		p.Organization = v.tenant.Organization()
	}
	if v.loaded {
		p.CSRF = s.csrfToken(c)
	}
	return p
}

// render draws into a buffer first, so that an error can still become a 500.
// The buffer is this answer's own and is not used again.
func (s *Server) render(c *fiber.Ctx, status int, component templ.Component) error {
	if err := s.beginTurn(c, s.drawing, request.Owner{}); err != nil {
		return err
	}
	var b bytes.Buffer
	if err := component.Render(c.UserContext(), &b); err != nil {
		return err
	}
	return c.Status(status).Type("html", "utf-8").Send(b.Bytes())
}
