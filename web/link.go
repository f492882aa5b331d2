package web

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/views"
)

// hideLink keeps the address of a page that holds a token to itself: nothing
// stores the page, and what the page loads is told the origin alone. (With
// no-referrer browsers would send "Origin: null" with its form.)
func hideLink(c *fiber.Ctx) error {
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set(fiber.HeaderReferrerPolicy, "strict-origin")
	return c.Next()
}

func (s *Server) forgotForm(c *fiber.Ctx) error {
	return show(s, c, fiber.StatusOK, views.ForgotPage, views.ForgotForm{Mail: s.Store.MailConfigured()})
}

// forgot sends a link to who has an account; the answer says nothing of that.
func (s *Server) forgot(c *fiber.Ctx) error {
	form := views.ForgotForm{Email: field(c, "email"), Mail: true}
	err := s.Store.AskReset(c.UserContext(), form.Email, s.visit(c).Actor())
	if status, told := refusedForm(c, err); told {
		form.Faults = faultsAtField(err, "email")
		return show(s, c, status, views.ForgotPage, form)
	}
	if err != nil {
		return err
	}
	return show(s, c, fiber.StatusOK, views.SentPage, views.Sent{Title: "Look into your mail",
		Text: "If there is an account with this address, a link is on its way to it. It works for an hour."})
}

func (s *Server) resetForm(c *fiber.Ctx) error {
	email, linked, err := s.Store.ResetEmail(c.UserContext(), c.Params("token"))
	if err != nil {
		return err
	}
	return show(s, c, fiber.StatusOK, views.ResetPage, views.ResetForm{Path: views.ResetPath(c.Params("token")), Email: email, Linked: linked})
}

// reset sets the new password. Whoever had signed in before is signed out, here
// too; this browser is known from now on, since its user has the address.
func (s *Server) reset(c *fiber.Ctx) error {
	token := c.Params("token")
	change := models.PasswordChange{New: field(c, "new"), Unlink: field(c, "unlink") != ""}
	user, err := s.Store.ResetPassword(c.UserContext(), token, change, s.visit(c).Actor())
	if status, told := refusedForm(c, err); told {
		email, linked, gone := s.Store.ResetEmail(c.UserContext(), token)
		if gone != nil {
			return gone
		}
		return show(s, c, status, views.ResetPage, views.ResetForm{Path: views.ResetPath(token), Email: email, Linked: linked, Unlink: change.Unlink, Faults: faultsAtField(err, "new")})
	}
	if err != nil {
		return err
	}
	if err := s.sessions.Clear(c.UserContext()); err != nil {
		return err
	}
	if err := s.sessions.RenewToken(c.UserContext()); err != nil {
		return err
	}
	s.setCookie(c, s.deviceCookie(), s.Store.DeviceToken(user.ID), deviceLife)
	s.say(c, views.FlashDone, "The password is set. Sign in with it.")
	return c.Redirect(views.LoginPath, fiber.StatusSeeOther)
}

func (s *Server) signupLink(c *fiber.Ctx) error {
	email, err := s.Store.SignUpEmail(c.UserContext(), c.Params("token"))
	if err != nil {
		return err
	}
	return show(s, c, fiber.StatusOK, views.LinkPage, views.LinkForm{Path: views.SignupLinkPath(c.Params("token")), Title: "Create your account",
		Text: "You sign in with " + email + " and the password that you chose.", Button: "Create the account"})
}

// signupFinish makes the account that a link stands for, and signs in.
func (s *Server) signupFinish(c *fiber.Ctx) error {
	user, err := s.Store.FinishSignUp(c.UserContext(), s.Signup, c.Params("token"), s.visit(c).Actor())
	if err != nil {
		return err
	}
	if err := s.signIn(c, user); err != nil {
		return err
	}
	return goOn(c, "")
}

func (s *Server) emailLink(c *fiber.Ctx) error {
	email, err := s.Store.EmailOf(c.UserContext(), c.Params("token"))
	if err != nil {
		return err
	}
	return show(s, c, fiber.StatusOK, views.LinkPage, views.LinkForm{Path: views.EmailPath(c.Params("token")), Title: "Confirm your address",
		Text: "You sign in with " + email + " from then on.", Button: "Confirm the address"})
}

// emailConfirm makes the address that a link went to the account's.
func (s *Server) emailConfirm(c *fiber.Ctx) error {
	user, err := s.Store.ConfirmEmail(c.UserContext(), c.Params("token"), s.visit(c).Actor())
	if err != nil {
		return err
	}
	if here := s.visit(c).user; here != nil && here.ID == user.ID {
		if err := s.renew(c.UserContext(), user); err != nil {
			return err
		}
		return s.accountDone(c, "Your address is "+user.Email+".")
	}
	return show(s, c, fiber.StatusOK, views.SentPage, views.Sent{Title: "Your address is confirmed", Text: "Sign in with " + user.Email + " from now on."})
}

// emailAsk sends a link to the address that the person wants to have.
func (s *Server) emailAsk(c *fiber.Ctx) error {
	v, email := s.visit(c), field(c, "email")
	if err := v.person.AskEmail(c.UserContext(), email); err != nil {
		return s.accountAgain(c, err, views.AccountView{Name: v.user.Name, Email: email})
	}
	if strings.EqualFold(strings.TrimSpace(email), v.user.Email) {
		return s.accountDone(c, "A link is on its way. Open it to confirm your address.")
	}
	return s.accountDone(c, "A link is on its way. Your address changes once you open it.")
}
