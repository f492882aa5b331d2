package web

import (
	"fmt"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/views"
)

func (s *Server) offer(c *fiber.Ctx) error {
	return s.showOffer(c, fiber.StatusOK, views.InviteView{})
}

// showOffer completes the view. A link that works no more has a page of its
// own.
func (s *Server) showOffer(c *fiber.Ctx, status int, view views.InviteView) error {
	view.Token = c.Params("token")
	offer, err := s.Store.Offer(c.UserContext(), view.Token)
	if models.IsKind(err, models.NotFound) {
		return show(s, c, fiber.StatusNotFound, views.InvitePage, views.InviteView{})
	}
	if err != nil {
		return err
	}
	view.Offer = offer
	return show(s, c, status, views.InvitePage, view)
}

// accept makes who is signed in a member, and who is not an account first.
func (s *Server) accept(c *fiber.Ctx) error {
	v := s.visit(c)
	if v.user == nil {
		return s.acceptAsNew(c)
	}
	org, err := v.person.Accept(c.UserContext(), c.Params("token"))
	switch {
	case models.IsKind(err, models.NotFound):
		return s.showOffer(c, fiber.StatusNotFound, views.InviteView{})
	case models.IsKind(err, models.Forbidden):
		return s.showOffer(c, fiber.StatusForbidden, views.InviteView{})
	case err != nil:
		return err
	}
	// What the session may do has changed.
	if err := s.sessions.RenewToken(c.UserContext()); err != nil {
		return fmt.Errorf("renewing the session: %w", err)
	}
	return s.joined(c, org)
}

func (s *Server) acceptAsNew(c *fiber.Ctx) error {
	view := views.InviteView{Name: field(c, "name")}
	user, org, err := s.Store.AcceptAsNew(c.UserContext(), c.Params("token"), models.Account{Name: view.Name, Password: field(c, "password")}, s.visit(c).Actor())
	if status, told := refusedForm(c, err); told {
		view.Faults = faultsOf(err)
		return s.showOffer(c, status, view)
	}
	switch {
	case models.IsKind(err, models.Conflict):
		view.Faults = faultsOf(err)
		return s.showOffer(c, fiber.StatusConflict, view)
	case models.IsKind(err, models.NotFound):
		return s.showOffer(c, fiber.StatusNotFound, view)
	case err != nil:
		return err
	}
	if user == nil {
		return s.showSent(c, "the invited address")
	}
	if err := s.signIn(c, user); err != nil {
		return err
	}
	return s.joined(c, org)
}

func (s *Server) joined(c *fiber.Ctx, org *models.Organization) error {
	s.say(c, views.FlashDone, "Welcome to "+org.Name+".")
	return c.Redirect(views.OrganizationPath(org.Slug), fiber.StatusSeeOther)
}
