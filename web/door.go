package web

import (
	"crypto/subtle"
	"strings"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/views"
	"hookwell/webhook"
)

// home leads everybody to where they begin.
func (s *Server) home(c *fiber.Ctx) error {
	v := s.visit(c)
	if v.portal != nil {
		return c.Redirect(views.OrganizationPath(v.portal.Organization().Slug), fiber.StatusSeeOther)
	}
	if v.user == nil {
		some, err := s.Store.HasUsers(c.UserContext())
		if err != nil {
			return err
		}
		if !some && s.Signup != models.SignupClosed {
			return c.Redirect(views.SignupPath, fiber.StatusSeeOther)
		}
		return c.Redirect(views.LoginPath, fiber.StatusSeeOther)
	}
	list, err := v.person.Organizations(c.UserContext())
	if err != nil {
		return err
	}
	if len(list) == 1 {
		return c.Redirect(views.OrganizationPath(list[0].Slug), fiber.StatusSeeOther)
	}
	return c.Redirect(views.OrganizationsPath, fiber.StatusSeeOther)
}

// goOn leads on after the door: back to where one was, or to the start.
func goOn(c *fiber.Ctx, next string) error {
	if next = localPath(next); next == "" {
		next = "/"
	}
	return c.Redirect(next, fiber.StatusSeeOther)
}

func (s *Server) loginForm(c *fiber.Ctx) error {
	if s.visit(c).user != nil {
		return goOn(c, c.Query("next"))
	}
	return s.showLogin(c, fiber.StatusOK, views.LoginForm{Next: localPath(c.Query("next"))})
}

func (s *Server) showLogin(c *fiber.Ctx, status int, form views.LoginForm) error {
	open, err := s.Store.SignupAllowed(c.UserContext(), s.Signup)
	if err != nil {
		return err
	}
	form.SignupOpen = open
	if s.provider != nil {
		form.Provider = s.provider.Name
	}
	return show(s, c, status, views.LoginPage, form)
}

// login signs in, or asks for the second factor. A wrong password and an
// unknown address get one answer.
func (s *Server) login(c *fiber.Ctx) error {
	form := views.LoginForm{Email: field(c, "email"), Next: localPath(field(c, "next"))}
	credentials := models.Credentials{Email: form.Email, Password: field(c, "password"), Device: c.Cookies(s.deviceCookie())}
	signed, err := s.Store.SignIn(c.UserContext(), credentials, s.visit(c).Actor())
	if status, told := refusedForm(c, err); told {
		form.Faults = faultsAtField(err, "password")
		return s.showLogin(c, status, form)
	}
	if err != nil {
		return err
	}
	return s.proceed(c, signed, form.Next)
}

// signedOut leads whose session has ended already, as in another tab, where
// signing out would have: a form of that session proves nothing anymore.
func (s *Server) signedOut(c *fiber.Ctx) error {
	if len(s.sessions.Keys(c.UserContext())) > 0 {
		return c.Next()
	}
	return c.Redirect(s.door(c), fiber.StatusSeeOther)
}

// door returns where somebody of this kind of session comes in again.
func (s *Server) door(c *fiber.Ctx) string {
	if v := s.visit(c); v.portal != nil || v.over {
		return views.PortalOverPath
	}
	return views.LoginPath
}

func (s *Server) logout(c *fiber.Ctx) error {
	door := s.door(c)
	if err := s.sessions.Destroy(c.UserContext()); err != nil {
		return err
	}
	if next := localPath(field(c, "next")); next != "" {
		return c.Redirect(next, fiber.StatusSeeOther)
	}
	return c.Redirect(door, fiber.StatusSeeOther)
}

func (s *Server) signupForm(c *fiber.Ctx) error {
	if s.visit(c).user != nil {
		return goOn(c, c.Query("next"))
	}
	open, err := s.Store.SignupAllowed(c.UserContext(), s.Signup)
	if err != nil {
		return err
	}
	if !open {
		return &models.Error{Kind: models.Forbidden, Code: "signup_closed", Message: "Sign-up is closed here. Ask an admin for an account."}
	}
	return s.showSignup(c, fiber.StatusOK, views.SignupForm{Next: localPath(c.Query("next"))})
}

func (s *Server) showSignup(c *fiber.Ctx, status int, form views.SignupForm) error {
	needed, err := s.codeNeeded(c)
	if err != nil {
		return err
	}
	form.CodeNeeded = needed
	return show(s, c, status, views.SignupPage, form)
}

// codeNeeded reports whether the first account is still to be made, by somebody
// who has to prove that they run this server.
func (s *Server) codeNeeded(c *fiber.Ctx) (bool, error) {
	if s.SignupCode == "" {
		return false, nil
	}
	some, err := s.Store.HasUsers(c.UserContext())
	return !some, err
}

// signup opens an account and signs in.
func (s *Server) signup(c *fiber.Ctx) error {
	form := views.SignupForm{Name: field(c, "name"), Email: field(c, "email"), Code: field(c, "code"), Next: localPath(field(c, "next"))}
	needed, err := s.codeNeeded(c)
	if err != nil {
		return err
	}
	if needed && subtle.ConstantTimeCompare([]byte(strings.TrimSpace(form.Code)), []byte(s.SignupCode)) != 1 {
		form.Faults = webhook.Faults{{Field: "code", Message: "This is not the code that Hookwell printed when it started."}}
		return s.showSignup(c, fiber.StatusUnprocessableEntity, form)
	}
	account := models.Account{Name: form.Name, Email: form.Email, Password: field(c, "password")}
	some, err := s.Store.HasUsers(c.UserContext())
	if err != nil {
		return err
	}
	if some && s.Store.MailConfigured() {
		return s.signupByMail(c, form, account)
	}
	user, err := s.Store.SignUp(c.UserContext(), s.Signup, account, s.visit(c).Actor())
	if status, told := refusedForm(c, err); told {
		form.Faults = faultsOf(err)
		return s.showSignup(c, status, form)
	}
	if err != nil {
		return err
	}
	if err := s.signIn(c, user); err != nil {
		return err
	}
	return goOn(c, form.Next)
}

// signupByMail sends a link that makes the account; the answer does not say
// whether there is one already. The very first account needs none of that: it
// is who runs the server, and the mail settings may still be wrong.
func (s *Server) signupByMail(c *fiber.Ctx, form views.SignupForm, account models.Account) error {
	err := s.Store.AskSignUp(c.UserContext(), s.Signup, account, s.visit(c).Actor())
	if status, told := refusedForm(c, err); told {
		form.Faults = faultsAtField(err, "email")
		return s.showSignup(c, status, form)
	}
	if err != nil {
		return err
	}
	return s.showSent(c, account.Email)
}

// showSent says that a link makes the account, whether or not there is one.
func (s *Server) showSent(c *fiber.Ctx, to string) error {
	return show(s, c, fiber.StatusOK, views.SentPage, views.Sent{Title: "Look into your mail",
		Text: "A link is on its way to " + to + ". Open it to go on; it works for a day."})
}
