package web

import (
	"time"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/views"
)

// What a session holds between the first step of a sign-in and the second. It
// has no keyUser, so that it opens nothing.
const (
	keyHalf      = "half"       // the user's id
	keyHalfUntil = "half-until" // Unix seconds
	keyHalfNext  = "half-next"  // where to go afterwards
)

// halfLife is how long the second step may take.
const halfLife = 10 * time.Minute

// proceed goes on after the first step of a sign-in: in, or to the second step.
func (s *Server) proceed(c *fiber.Ctx, signed *models.SignedIn, next string) error {
	if !signed.SecondFactor {
		if err := s.signIn(c, signed.User); err != nil {
			return err
		}
		return goOn(c, next)
	}
	ctx := c.UserContext()
	if err := s.freshSession(ctx, signed.User, keyHalf); err != nil {
		return err
	}
	s.sessions.Put(ctx, keyHalfUntil, s.Store.Now().Add(halfLife).Unix())
	s.sessions.Put(ctx, keyHalfNext, next)
	return c.Redirect(views.LoginCodePath, fiber.StatusSeeOther)
}

// halfSignedIn is who has taken the first step, and not too long ago; nil for
// everybody else.
func (s *Server) halfSignedIn(c *fiber.Ctx) (*models.User, error) {
	ctx := c.UserContext()
	if s.Store.Now().Unix() > s.sessions.GetInt64(ctx, keyHalfUntil) {
		return nil, nil
	}
	return s.userOf(ctx, keyHalf)
}

func (s *Server) codeForm(c *fiber.Ctx) error {
	user, err := s.halfSignedIn(c)
	if err != nil {
		return err
	}
	if user == nil {
		return c.Redirect(views.LoginPath, fiber.StatusSeeOther)
	}
	return show(s, c, fiber.StatusOK, views.CodePage, views.CodeForm{})
}

// code shows the second step of a sign-in.
func (s *Server) code(c *fiber.Ctx) error {
	user, err := s.halfSignedIn(c)
	if err != nil {
		return err
	}
	if user == nil {
		return c.Redirect(views.LoginPath, fiber.StatusSeeOther)
	}
	err = s.Store.FinishSignIn(c.UserContext(), user, field(c, "code"), c.Cookies(s.deviceCookie()), s.visit(c).Actor())
	if status, told := refusedForm(c, err); told {
		return show(s, c, status, views.CodePage, views.CodeForm{Faults: faultsAtField(err, "code")})
	}
	if err != nil {
		return err
	}
	next := s.sessions.GetString(c.UserContext(), keyHalfNext)
	if err := s.signIn(c, user); err != nil {
		return err
	}
	return goOn(c, next)
}
