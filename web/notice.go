package web

import (
	"github.com/gofiber/fiber/v2"

	"hookwell/views"
)

func (s *Server) noticeDismiss(c *fiber.Ctx) error {
	if err := s.tenant(c).DismissNotice(c.UserContext(), c.Params("notice")); err != nil {
		return err
	}
	next := localPath(field(c, "next"))
	if next == "" {
		next = views.EndpointsPath(s.slug(c))
	}
	return c.Redirect(next, fiber.StatusSeeOther)
}
