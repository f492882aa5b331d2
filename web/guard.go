package web

import (
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/models/store"
	"hookwell/views"
)

// requireUser leads who has not signed in to the door, and from there back to
// where they were.
func (s *Server) requireUser(c *fiber.Ctx) error {
	v := s.visit(c)
	door := loginPath
	switch {
	case v.user != nil:
		return c.Next()
	case v.portal != nil && portalMay(c.Path()):
		return c.Next()
	case v.portal != nil:
		return fiber.ErrNotFound
	case v.over:
		door = func(string) string { return views.PortalOverPath }
	}
	switch {
	case strings.Contains(c.Get(fiber.HeaderAccept), "text/event-stream"):
		return &models.Error{Kind: models.Unauthorized, Code: "unauthorized", Message: "The session has ended. Sign in again."}
	case isHTMX(c):
		c.Set("HX-Redirect", door(pathOf(c.Get("HX-Current-URL"))))
		return c.SendStatus(fiber.StatusUnauthorized)
	case unsafe(c.Method()):
		return c.Redirect(door(pathOf(c.Get(fiber.HeaderReferer))), fiber.StatusSeeOther)
	}
	return c.Redirect(door(c.OriginalURL()), fiber.StatusSeeOther)
}

// requireMember puts the organization of the path into the visit. Unknown and
// not a member are the same 404.
func (s *Server) requireMember(c *fiber.Ctx) error {
	v := s.visit(c)
	enter := func() (*store.Tenant, models.Role, error) { return v.person.Tenant(c.UserContext(), c.Params("org")) }
	if v.portal != nil {
		enter = func() (*store.Tenant, models.Role, error) { return v.portal.Tenant(c.UserContext(), c.Params("org")) }
	}
	tenant, role, err := enter()
	if models.IsCode(err, models.CodeTwoFactor) {
		return leadToTwoFactor(c, err)
	}
	if models.IsKind(err, models.NotFound) {
		return s.unlessDone(c, views.OrganizationsPath, err)
	}
	if err != nil {
		return err
	}
	v.tenant, v.role = tenant, role
	return c.Next()
}

// unlessDone leads on who sent a form a second time that took the right to it
// away, such as the one to leave, and refuses everybody else.
func (s *Server) unlessDone(c *fiber.Ctx, path string, refused error) error {
	done, err := s.Store.FormSent(c.UserContext())
	switch {
	case err != nil:
		return err
	case !done:
		return refused
	}
	s.say(c, views.FlashDone, "That was done already.")
	return c.Redirect(path, fiber.StatusSeeOther)
}

// leadToTwoFactor leads a member to set up the second factor that the
// organization asks for.
func leadToTwoFactor(c *fiber.Ctx, asked error) error {
	path := views.TwoFactorAskedPath(c.Params("org"))
	switch {
	case strings.Contains(c.Get(fiber.HeaderAccept), "text/event-stream"):
		return asked
	case isHTMX(c):
		c.Set("HX-Redirect", path)
		return c.SendStatus(fiber.StatusForbidden)
	}
	return c.Redirect(path, fiber.StatusSeeOther)
}

// requireRight lets pass whose role has the right.
func (s *Server) requireRight(right models.Right) fiber.Handler {
	return func(c *fiber.Ctx) error {
		v := s.visit(c)
		if v.role.May(right) {
			return c.Next()
		}
		refused := s.unlessDone(c, views.OrganizationPath(s.slug(c)), roleForbidden())
		if v.user != nil && models.IsKind(refused, models.Forbidden) {
			s.noted.Note(c, v.ID, v.tenant, v.user.ID, "as "+string(v.role))
		}
		return refused
	}
}

func roleForbidden() error {
	return &models.Error{Kind: models.Forbidden, Code: "role",
		Message: "Your role in this organization doesn’t allow it. Ask an admin or an owner."}
}

func loginPath(next string) string {
	if next = localPath(next); next == "" || next == "/" {
		return views.LoginPath
	}
	return views.LoginPath + "?next=" + url.QueryEscape(next)
}

// pathOf returns the path and query of an address.
func pathOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.RequestURI()
}

// maxNext is the longest return address.
const maxNext = 2048

// localPath returns a return address if it is a path on this server, and empty if
// it could lead anywhere else. Browsers read a backslash as a slash, drop tabs
// and line ends, and take what begins with two slashes for another host.
func localPath(next string) string {
	if len(next) > maxNext || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") {
		return ""
	}
	if strings.ContainsFunc(next, func(r rune) bool { return r <= ' ' || r == '\\' || r == 0x7f || r == '\uFFFD' }) {
		return ""
	}
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil || strings.Contains(u.Path, "//") || strings.Contains(u.Path, `\`) {
		return ""
	}
	u.Fragment = ""
	return u.RequestURI()
}
