package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/models/store"
	"hookwell/views"
)

// What a session that came by a portal link holds, in place of a user.
const (
	keyPortal = "portal" // the link's id
	keyFrame  = "frame"  // the origin whose pages may show it in a frame
)

// portalIdle is how long such a session lives since its last use.
const portalIdle = 2 * time.Hour

// portalSections are the pages under /o/:org that a portal session has, if its
// role has them. All others, team, keys and settings among them, are not there
// for it: a new page is closed to it until it is named here.
var portalSections = []string{"find", "stream", "events", "deliveries", "catalog", "endpoints", "recoveries"}

// portalMay reports whether a path is one for portal sessions. To reveal a secret
// takes a password, which they don't have.
func portalMay(path string) bool {
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	switch {
	case len(parts) < 2 || parts[0] != "o":
		return false
	case len(parts) == 2:
		return true
	}
	return slices.Contains(portalSections, parts[2]) && parts[len(parts)-1] != "reveal"
}

// recognizePortal puts a portal session into the visit, or ends it.
func (s *Server) recognizePortal(c *fiber.Ctx, linkID string) error {
	ctx, v := c.UserContext(), s.visit(c)
	s.allowFrame(c, s.sessions.GetString(ctx, keyFrame))
	portal, err := s.portalIn(ctx, linkID, s.visit(c).Actor())
	if err != nil {
		return err
	}
	if portal == nil {
		v.over = true
		return s.sessions.Destroy(ctx)
	}
	v.portal = portal
	s.touch(ctx)
	return nil
}

// portalIn returns the portal session in ctx; nil when it is over.
func (s *Server) portalIn(ctx context.Context, linkID string, actor models.Actor) (*store.Portal, error) {
	if s.Store.Now().Sub(time.Unix(s.sessions.GetInt64(ctx, keySeen), 0)) > portalIdle {
		return nil, nil
	}
	portal, err := s.Store.Portal(ctx, linkID, actor)
	if models.IsKind(err, models.NotFound) {
		return nil, nil
	}
	return portal, err
}

// allowFrame lets the pages of one origin show this answer in a frame. Its
// cookies are then the frame's own: browsers keep them apart for each site
// around it.
func (s *Server) allowFrame(c *fiber.Ctx, origin string) {
	if origin == "" || !s.secure() {
		return
	}
	s.visit(c).frame = origin
	own := c.GetRespHeader(fiber.HeaderContentSecurityPolicy)
	c.Set(fiber.HeaderContentSecurityPolicy, strings.Replace(own, "frame-ancestors 'none'", "frame-ancestors "+origin, 1))
	c.Response().Header.Del(fiber.HeaderXFrameOptions)
}

// setFrameCookie sets a cookie that is sent in a frame of another site, and
// there alone.
func setFrameCookie(c *fiber.Ctx, name, value string, life time.Duration) {
	cookie := http.Cookie{Name: name, Value: value, Path: "/", HttpOnly: true, Secure: true, SameSite: http.SameSiteNoneMode, Partitioned: true, MaxAge: int(life / time.Second)}
	if life < 0 {
		cookie.MaxAge = -1
	}
	c.Response().Header.Add(fiber.HeaderSetCookie, cookie.String())
}

// dropCookie takes back a cookie that is not the frame's: on pages of the same
// site the browser would send both, and the session that it named is over.
func (s *Server) dropCookie(c *fiber.Ctx, name string) {
	if c.Cookies(name) != "" {
		cookie := http.Cookie{Name: name, Path: "/", HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode, MaxAge: -1}
		c.Response().Header.Add(fiber.HeaderSetCookie, cookie.String())
	}
}

// portalForm shows the button that uses the link. A GET uses nothing, since
// scanners of mail follow links.
func (s *Server) portalForm(c *fiber.Ctx) error {
	portal, err := s.Store.PeekPortal(c.UserContext(), c.Params("token"))
	if err != nil {
		return s.portalRefused(c, err)
	}
	s.allowFrame(c, portal.FrameOrigin)
	c.Set(fiber.HeaderCacheControl, "no-store")
	return show(s, c, fiber.StatusOK, views.PortalPage, views.PortalView{Organization: portal.Organization().Name, Name: portal.Name, URL: views.PortalPath(c.Params("token"))})
}

// portalPrepare lets the button's form pass where its answer is shown in a
// frame: its token lies in the frame's own cookie.
func (s *Server) portalPrepare(c *fiber.Ctx) error {
	portal, err := s.Store.PeekPortal(c.UserContext(), c.Params("token"))
	if models.IsKind(err, models.NotFound) { // or used by this very form a moment ago
		if entered := c.Next(); !models.IsCode(entered, codeCSRF) {
			return entered
		}
	}
	if err != nil {
		return s.portalRefused(c, err)
	}
	s.allowFrame(c, portal.FrameOrigin)
	return c.Next()
}

// portalEnter uses the link and begins its session.
func (s *Server) portalEnter(c *fiber.Ctx) error {
	portal, err := s.Store.EnterPortal(c.UserContext(), c.Params("token"), s.visit(c).Actor())
	if err != nil {
		return s.portalRefused(c, err)
	}
	s.allowFrame(c, portal.FrameOrigin)
	ctx := c.UserContext()
	if err := s.beginSession(ctx); err != nil {
		return err
	}
	s.sessions.Put(ctx, keyPortal, portal.ID)
	if s.visit(c).frame != "" {
		s.sessions.Put(ctx, keyFrame, portal.FrameOrigin)
		s.dropCookie(c, s.sessions.Cookie.Name)
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.Redirect(views.OrganizationPath(portal.Organization().Slug), fiber.StatusSeeOther)
}

// beginSession empties the session in ctx and gives it a fresh token.
func (s *Server) beginSession(ctx context.Context) error {
	if err := s.sessions.Clear(ctx); err != nil {
		return err
	}
	if err := s.sessions.RenewToken(ctx); err != nil {
		return fmt.Errorf("renewing the session: %w", err)
	}
	s.sessions.Put(ctx, keySeen, s.Store.Now().Unix())
	s.sessions.Put(ctx, keyCSRF, newCSRFSecret())
	return nil
}

func (s *Server) portalRefused(c *fiber.Ctx, err error) error {
	if !models.IsKind(err, models.NotFound) {
		return err
	}
	return show(s, c, fiber.StatusNotFound, views.PortalOverPage, views.PortalOverView{Title: "This link is over",
		Message: "It was used already, or its time has passed. Open these pages again from where you found the link."})
}

// portalOver is the page to which a portal session leads when it has ended.
func (s *Server) portalOver(c *fiber.Ctx) error {
	return show(s, c, fiber.StatusOK, views.PortalOverPage, views.PortalOverView{Title: "You are signed out",
		Message: "Open these pages again from where you came from."})
}
