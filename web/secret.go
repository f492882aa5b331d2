package web

import (
	"strconv"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/models/store"
	"hookwell/views"
	"hookwell/webhook"
)

// secretTab shows an endpoint's secrets, but for what they are.
func (s *Server) secretTab(c *fiber.Ctx) error {
	return s.showSecrets(c, fiber.StatusOK, views.SecretView{Rotate: defaultRotation()})
}

func defaultRotation() views.RotateForm {
	return views.RotateForm{OverlapHours: strconv.Itoa(store.DefaultOverlapHours)}
}

// showSecrets completes the view. An answer that shows a secret may be kept by
// nobody.
func (s *Server) showSecrets(c *fiber.Ctx, status int, view views.SecretView) error {
	ctx, tenant := c.UserContext(), s.tenant(c)
	e, err := tenant.Endpoint(ctx, c.Params("endpoint"))
	if err != nil {
		return err
	}
	if view.Secrets, err = tenant.Secrets(ctx, e.ID); err != nil {
		return err
	}
	fares, err := s.faring(c, e)
	if err != nil {
		return err
	}
	view.Endpoint, view.Health, view.Strip = e, fares.Health, fares.Strip
	c.Set(fiber.HeaderCacheControl, "no-store")
	return show(s, c, status, views.SecretPage, view)
}

// secretRotate answers the tab with the new secret itself, as endpointCreate
// does. The same form sent again does not rotate again.
func (s *Server) secretRotate(c *fiber.Ctx) error {
	view := views.SecretView{Rotate: views.RotateForm{OverlapHours: field(c, "overlapHours")}}
	rotation, err := readRotation(c)
	var e *models.Endpoint
	if err == nil {
		e, view.Fresh, err = s.tenant(c).RotateSecret(c.UserContext(), c.Params("endpoint"), rotation)
	}
	switch {
	case models.IsKind(err, models.Invalid):
		view.Faults = retype(c, faultsOf(err))
		return s.showSecrets(c, fiber.StatusUnprocessableEntity, view)
	case models.IsKind(err, models.Conflict):
		view.Faults = retype(c, faultsOf(err))
		return s.showSecrets(c, fiber.StatusConflict, view)
	case err != nil:
		return err
	}
	if view.Fresh.IsZero() {
		return s.backToSecrets(c, e, "This form was sent before, and rotated the secret. It is not shown again.")
	}
	c.Set(fiber.HeaderContentLocation, views.SecretPath(s.slug(c), e.ID))
	view.Rotate = defaultRotation()
	return s.showSecrets(c, fiber.StatusCreated, view)
}

// readRotation reads the form, and says all that is wrong with it.
func readRotation(c *fiber.Ctx) (models.Rotation, error) {
	hours, fault := models.WholeNumber(field(c, "overlapHours"))
	rotation := models.Rotation{OverlapHours: hours}
	faults := rotation.Faults()
	if fault != "" {
		faults.Add("overlapHours", fault)
	}
	secret, unread := importedSecret(c)
	rotation.Secret = secret
	if faults = append(faults, unread...); len(faults) > 0 {
		return rotation, models.NewInvalid(faults)
	}
	return rotation, nil
}

// importedSecret reads a secret that was typed; zero when there is none.
func importedSecret(c *fiber.Ctx) (webhook.Secret, webhook.Faults) {
	text := field(c, "secret")
	if text == "" {
		return webhook.Secret{}, nil
	}
	secret, err := webhook.ImportSecret(text)
	if err != nil {
		return webhook.Secret{}, webhook.Faults{{Field: "secret", Message: err.Error()}}
	}
	return secret, nil
}

// retype asks for a secret once more when a form with one comes back: no page
// repeats it.
func retype(c *fiber.Ctx, faults webhook.Faults) webhook.Faults {
	if field(c, "secret") == "" {
		return faults
	}
	for _, fault := range faults {
		if fault.Field == "secret" {
			return faults
		}
	}
	return append(faults, webhook.Fault{Field: "secret", Message: "Enter the secret again: no page repeats it."})
}

// secretReveal shows what signs, to who enters their password again.
func (s *Server) secretReveal(c *fiber.Ctx) error {
	view := views.SecretView{Rotate: defaultRotation()}
	revealed, err := s.tenant(c).RevealSecrets(c.UserContext(), c.Params("endpoint"), field(c, "password"))
	if models.IsKind(err, models.Invalid) {
		view.Faults = faultsOf(err)
		return s.showSecrets(c, fiber.StatusUnprocessableEntity, view)
	}
	if err != nil {
		return err
	}
	view.Revealed = revealed
	return s.showSecrets(c, fiber.StatusOK, view)
}

func (s *Server) secretSwitch(c *fiber.Ctx) error {
	e, err := s.tenant(c).SwitchSignature(c.UserContext(), c.Params("endpoint"))
	if err != nil {
		return err
	}
	return s.backToSecrets(c, e, "Switched. x-webhook-signature is the newest secret’s from the next attempt on.")
}

func (s *Server) secretExpire(c *fiber.Ctx) error {
	e, err := s.tenant(c).ExpireSecret(c.UserContext(), c.Params("endpoint"), c.Params("secret"))
	if err != nil {
		return err
	}
	return s.backToSecrets(c, e, "Expired. That secret signs nothing any more.")
}

func (s *Server) backToSecrets(c *fiber.Ctx, e *models.Endpoint, text string) error {
	s.say(c, views.FlashDone, text)
	return c.Redirect(views.SecretPath(s.slug(c), e.ID), fiber.StatusSeeOther)
}
