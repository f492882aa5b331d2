package web

import (
	"bytes"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"hookwell/views"
)

// show answers a page of its view.
func show[V any](s *Server, c *fiber.Ctx, status int, page func(views.Page, V) templ.Component, view V) error {
	return s.render(c, status, page(views.Page{Now: s.Store.Now(), Nonce: s.visit(c).nonce}, view))
}

// render draws into a buffer first, so that an error can still become a 500.
func (s *Server) render(c *fiber.Ctx, status int, component templ.Component) error {
	var b bytes.Buffer
	if err := component.Render(c.UserContext(), &b); err != nil {
		return err
	}
	return c.Status(status).Type("html", "utf-8").Send(b.Bytes())
}
