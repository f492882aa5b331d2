package web

import (
	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/views"
)

func (s *Server) account(c *fiber.Ctx) error {
	user := s.visit(c).user
	return s.showAccount(c, fiber.StatusOK, views.AccountView{Name: user.Name})
}

// showAccount draws the person's page around what was typed into one of its forms.
func (s *Server) showAccount(c *fiber.Ctx, status int, view views.AccountView) (err error) {
	ctx, person := c.UserContext(), s.visit(c).person
	view.Mail, view.Proved = s.Store.MailConfigured(), person.CheckProof() == nil
	if s.provider != nil {
		view.Provider = s.provider.Name
	}
	if view.Identities, err = person.Identities(ctx); err != nil {
		return err
	}
	if view.Suppression, err = person.Suppression(ctx); err != nil {
		return err
	}
	if view.TwoFactor, err = person.TwoFactor(ctx); err != nil {
		return err
	}
	if view.Sessions, err = person.Sessions(ctx); err != nil {
		return err
	}
	token := s.sessions.Token(ctx)
	for i := range view.Sessions {
		if view.Sessions[i].Is(token) {
			view.Current = view.Sessions[i].ID
		}
	}
	return show(s, c, status, views.AccountPage, view)
}

// accountAgain answers a form of the person's page that was refused.
func (s *Server) accountAgain(c *fiber.Ctx, err error, view views.AccountView) error {
	status, told := refusedForm(c, err)
	if !told {
		return err
	}
	view.Faults = faultsOf(err)
	return s.showAccount(c, status, view)
}

// accountDone leads back to the person's page, which says what was done.
func (s *Server) accountDone(c *fiber.Ctx, text string) error {
	s.say(c, views.FlashDone, text)
	return c.Redirect(views.AccountPath, fiber.StatusSeeOther)
}

func (s *Server) rename(c *fiber.Ctx) error {
	v := s.visit(c)
	name := field(c, "name")
	err := v.person.If(drawn(c)).Rename(c.UserContext(), name)
	if models.IsKind(err, models.Outdated) {
		if v.user, err = s.Store.User(c.UserContext(), v.user.ID); err != nil {
			return err
		}
		var now savedMeanwhile
		now.at("name", v.user.Name, name)
		return s.showAccount(c, fiber.StatusConflict, views.AccountView{Name: name, Faults: now.all()})
	}
	if err != nil {
		return s.accountAgain(c, err, views.AccountView{Name: name})
	}
	return s.accountDone(c, "The name is saved.")
}

// passwordChange ends every session but this one, which goes on under a fresh token.
func (s *Server) passwordChange(c *fiber.Ctx) error {
	v, ctx := s.visit(c), c.UserContext()
	change := models.PasswordChange{Present: field(c, "present"), Code: field(c, "code"), New: field(c, "new"), Unlink: field(c, "unlink") != ""}
	user, err := v.person.ChangePassword(ctx, change, s.sessions.Token(ctx))
	if err != nil {
		return s.accountAgain(c, err, views.AccountView{Name: v.user.Name, Unlink: change.Unlink})
	}
	if err := s.renew(ctx, user); err != nil {
		return err
	}
	return s.accountDone(c, "The password is changed, and all your other sessions have ended.")
}

func (s *Server) sessionsRevoke(c *fiber.Ctx) error {
	ctx := c.UserContext()
	if _, err := s.visit(c).person.RevokeOtherSessions(ctx, s.sessions.Token(ctx)); err != nil {
		return err
	}
	return s.accountDone(c, "All your other sessions have ended.")
}

func (s *Server) sessionRevoke(c *fiber.Ctx) error {
	if err := s.visit(c).person.RevokeSession(c.UserContext(), c.Params("session")); err != nil {
		return err
	}
	return s.accountDone(c, "The session has ended.")
}
