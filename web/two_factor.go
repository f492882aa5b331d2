package web

import (
	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/views"
)

func (s *Server) twoFactor(c *fiber.Ctx) error {
	var view views.TwoFactorView
	list, err := s.visit(c).person.Organizations(c.UserContext())
	if err != nil {
		return err
	}
	for _, m := range list {
		if m.Slug == c.Query("org") && m.RequireTwoFactor {
			view.Asked = m.Name
		}
	}
	return s.showTwoFactor(c, fiber.StatusOK, view)
}

// showTwoFactor draws the page of the second factor, which may hold its key.
func (s *Server) showTwoFactor(c *fiber.Ctx, status int, view views.TwoFactorView) (err error) {
	c.Set(fiber.HeaderCacheControl, "no-store")
	ctx, person := c.UserContext(), s.visit(c).person
	if view.State, err = person.TwoFactor(ctx); err != nil {
		return err
	}
	if view.State.EnabledAt == nil {
		key, err := person.TwoFactorKey(ctx)
		if err == nil {
			view.Key = &key
		} else if !models.IsKind(err, models.NotFound) {
			return err
		}
	}
	return show(s, c, status, views.TwoFactorPage, view)
}

func (s *Server) twoFactorBegin(c *fiber.Ctx) error {
	if err := s.visit(c).person.BeginTwoFactor(c.UserContext()); err != nil {
		return err
	}
	return c.Redirect(views.TwoFactorPath, fiber.StatusSeeOther)
}

// twoFactorEnable turns the second factor on and shows the recovery codes.
func (s *Server) twoFactorEnable(c *fiber.Ctx) error {
	v, ctx := s.visit(c), c.UserContext()
	codes, err := v.person.EnableTwoFactor(ctx, field(c, "code"))
	if err != nil {
		status, told := refusedForm(c, err)
		if !told {
			return err
		}
		return s.showTwoFactor(c, status, views.TwoFactorView{Faults: faultsOf(err)})
	}
	if err := s.renew(ctx, v.user); err != nil {
		return err
	}
	return s.showCodes(c, codes)
}

// showCodes shows recovery codes, or says that they were shown before.
func (s *Server) showCodes(c *fiber.Ctx, codes []string) error {
	if len(codes) == 0 {
		s.say(c, views.FlashDone, "This form was sent before. Its recovery codes are not shown again; make new ones if you don't have them.")
		return c.Redirect(views.TwoFactorPath, fiber.StatusSeeOther)
	}
	return s.showTwoFactor(c, fiber.StatusOK, views.TwoFactorView{Codes: codes})
}

func (s *Server) twoFactorDisable(c *fiber.Ctx) error {
	v, ctx := s.visit(c), c.UserContext()
	if err := v.person.DisableTwoFactor(ctx); err != nil {
		return err
	}
	if err := s.renew(ctx, v.user); err != nil {
		return err
	}
	s.say(c, views.FlashDone, "Two-factor sign-in is off.")
	return c.Redirect(views.TwoFactorPath, fiber.StatusSeeOther)
}

// recoveryCodes makes new ones and shows them.
func (s *Server) recoveryCodes(c *fiber.Ctx) error {
	v, ctx := s.visit(c), c.UserContext()
	codes, err := v.person.RenewRecoveryCodes(ctx)
	if err != nil {
		return err
	}
	return s.showCodes(c, codes)
}
