package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"

	"hookwell/views"
)

// outOfDate answers a form whose token is of an earlier session, as of a tab
// that was open while one signed in in another. It came from one of our pages,
// and nothing of it is done: a form at the door leads on who is in by now, and
// any other is offered once more.
func (s *Server) outOfDate(c *fiber.Ctx) error {
	if !s.fromOwnPage(c) || isHTMX(c) || !wellFormedToken(field(c, "_csrf")) {
		return staleToken()
	}
	v := s.visit(c)
	switch {
	case strings.HasPrefix(c.Path(), "/invite/"):
		v.flash = &views.Flash{Kind: views.FlashFailed, Text: "Your session is another one than when this page was drawn. Nothing was changed: look at it again."}
		return s.showOffer(c, fiber.StatusForbidden, views.InviteView{Name: field(c, "name")})
	case v.user != nil && atDoor(c.Path()):
		return s.alreadyIn(c)
	case v.portal != nil && strings.HasPrefix(c.Path(), views.PortalOverPath+"/"):
		return c.Redirect(views.OrganizationPath(v.portal.Organization().Slug), fiber.StatusSeeOther)
	}
	form := views.StaleForm{Action: c.OriginalURL()}
	for name, value := range c.Context().PostArgs().All() {
		f := views.StaleField{Name: string(name), Value: string(value), Secret: len(value) > 0 && views.HoldsSecret(string(name))}
		if f.Secret {
			f.Value = ""
		}
		if f.Name != "_csrf" {
			form.Fields = append(form.Fields, f)
		}
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return show(s, c, fiber.StatusForbidden, views.StaleFormPage, form)
}

// atDoor reports whether a path is one of those by which people come in.
func atDoor(path string) bool {
	switch path {
	case views.LoginPath, views.LoginCodePath, views.ProviderPath, views.SignupPath:
		return true
	}
	return strings.HasPrefix(path, views.SignupPath+"/")
}

// alreadyIn leads who has signed in meanwhile to where they wanted. Who typed
// another account's address is told which one they are in.
func (s *Server) alreadyIn(c *fiber.Ctx) error {
	user := s.visit(c).user
	if email := strings.TrimSpace(field(c, "email")); email != "" && !strings.EqualFold(email, user.Email) {
		s.say(c, views.FlashFailed, "You are signed in as "+user.Email+" already. To use another account, sign out first.")
		return c.Redirect(views.OrganizationsPath, fiber.StatusSeeOther)
	}
	if c.Path() == views.ProviderPath && len(c.Context().PostArgs().Peek("next")) == 0 {
		return c.Redirect(views.AccountPath, fiber.StatusSeeOther)
	}
	return goOn(c, field(c, "next"))
}

// fromOwnPage reports whether the browser says that the request came from one of
// our pages. Silence is not enough where a form is to be offered again.
func (s *Server) fromOwnPage(c *fiber.Ctx) bool {
	if site := c.Get("Sec-Fetch-Site"); site != "" {
		return site == "same-origin"
	}
	return s.normalOrigin(c.Get(fiber.HeaderOrigin)) == s.BaseURL.Scheme+"://"+s.normal(string(c.Context().Host()))
}

// crossSite reports whether the browser says that the request came from elsewhere.
func (s *Server) crossSite(c *fiber.Ctx) bool {
	request := http.Request{Method: c.Method(), Host: s.normal(string(c.Context().Host())), URL: &url.URL{Path: c.Path()},
		Header: http.Header{"Origin": {s.normalOrigin(c.Get(fiber.HeaderOrigin))}, "Sec-Fetch-Site": {c.Get("Sec-Fetch-Site")}}}
	return s.crossOrigin.Check(&request) != nil
}
