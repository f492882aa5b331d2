package web

import (
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/views"
)

func (s *Server) keys(c *fiber.Ctx) error {
	return s.showKeys(c, fiber.StatusOK, views.KeysView{})
}

func (s *Server) showKeys(c *fiber.Ctx, status int, view views.KeysView) error {
	var err error
	if view.Rows, err = s.tenant(c).Keys(c.UserContext()); err != nil {
		return err
	}
	return show(s, c, status, views.KeysPage, view)
}

// keyCreate answers the page with the key's text itself, as endpointCreate
// does with a secret.
func (s *Server) keyCreate(c *fiber.Ctx) error {
	form := views.KeyForm{Name: field(c, "name"), Scopes: fields(c, "scopes"), Expires: field(c, "expires")}
	key, text, err := s.tenant(c).CreateKey(c.UserContext(), models.NewKey{Name: form.Name, Scopes: form.Scopes, ExpiresAt: expiry(form.Expires, s.Store.Now())})
	if models.IsKind(err, models.Invalid) {
		form.Faults = faultsOf(err)
		return s.showKeys(c, fiber.StatusUnprocessableEntity, views.KeysView{Form: form})
	}
	if err != nil {
		return err
	}
	if text == "" {
		s.say(c, views.FlashDone, "This form was sent before, and made the key "+key.Name+". It is not shown again.")
		return c.Redirect(views.KeysPath(s.slug(c)), fiber.StatusSeeOther)
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set(fiber.HeaderContentLocation, views.KeysPath(s.slug(c)))
	return s.showKeys(c, fiber.StatusCreated, views.KeysView{Created: key, Text: text})
}

// expiry returns the chosen lifetime's end: so many days from now on, or never.
func expiry(days string, now time.Time) *time.Time {
	n, err := strconv.Atoi(days)
	if err != nil || n <= 0 || n > views.KeyLifetimes[len(views.KeyLifetimes)-1].Days {
		return nil
	}
	at := now.AddDate(0, 0, n)
	return &at
}

func (s *Server) keyRevoke(c *fiber.Ctx) error {
	if err := s.tenant(c).RevokeKey(c.UserContext(), c.Params("key")); err != nil {
		return err
	}
	s.say(c, views.FlashDone, "Revoked. Requests with that key are refused from now on.")
	return c.Redirect(views.KeysPath(s.slug(c)), fiber.StatusSeeOther)
}
