package web

import (
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/views"
	"hookwell/webhook"
)

func (s *Server) sourceSecrets(c *fiber.Ctx) error {
	return s.showSourceSecrets(c, fiber.StatusOK, views.SourceSecretsView{RotateHours: strconv.Itoa(models.TokenOverlapHours)})
}

// showSourceSecrets completes the view.
func (s *Server) showSourceSecrets(c *fiber.Ctx, status int, view views.SourceSecretsView) error {
	ctx, r := c.UserContext(), s.receiving(c)
	source, err := r.Source(ctx, c.Params("source"))
	if err != nil {
		return err
	}
	if view.Secrets, err = r.SourceSecrets(ctx, source.ID); err != nil {
		return err
	}
	view.Source, view.URL = source, s.sourceURL(source)
	if view.RotateHours == "" {
		view.RotateHours = strconv.Itoa(models.TokenOverlapHours)
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return show(s, c, status, views.SourceSecretsPage, view)
}

// sourceSecretAdd adds a secret beside those that are there, or in their place.
func (s *Server) sourceSecretAdd(c *fiber.Ctx) error {
	view := views.SourceSecretsView{OverlapHours: strings.TrimSpace(field(c, "overlapHours"))}
	var endOthers *int
	if view.OverlapHours != "" {
		hours, fault := models.WholeNumber(view.OverlapHours)
		if fault != "" || hours > models.MaxTokenOverlap {
			view.Faults.Add("overlapHours", "Choose 0 to "+strconv.Itoa(models.MaxTokenOverlap)+" hours, or leave it empty.")
		}
		endOthers = &hours
	}
	var source *models.Source
	var err error
	if len(view.Faults) == 0 {
		source, err = s.receiving(c).AddSourceSecret(c.UserContext(), c.Params("source"), field(c, "secret"), endOthers)
	}
	if models.IsKind(err, models.Invalid) {
		view.Faults = faultsOf(err)
		err = nil
	}
	switch {
	case err != nil:
		return err
	case len(view.Faults) > 0:
		view.Faults = retype(c, view.Faults)
		return s.showSourceSecrets(c, fiber.StatusUnprocessableEntity, view)
	case source.FirstVerifiedAt == nil:
		return s.backToSource(c, source, "Saved: the secret has the right form.")
	}
	return s.backToSourceSecrets(c, source, "Saved. Requests that were refused for their signature can be accepted now.")
}

func (s *Server) backToSourceSecrets(c *fiber.Ctx, source *models.Source, text string) error {
	s.say(c, views.FlashDone, text)
	return c.Redirect(views.SourceSecretsPath(s.slug(c), source.ID), fiber.StatusSeeOther)
}

func (s *Server) sourceSecretEnd(c *fiber.Ctx) error {
	hours, fault := models.WholeNumber(field(c, "hours"))
	if fault != "" {
		return models.InvalidField("hours", fault)
	}
	source, err := s.receiving(c).EndSourceSecret(c.UserContext(), c.Params("source"), c.Params("credential"), hours)
	if err != nil {
		return err
	}
	return s.backToSourceSecrets(c, source, "Ended. That secret verifies nothing any more.")
}

func (s *Server) sourceSecretRestore(c *fiber.Ctx) error {
	source, err := s.receiving(c).RestoreSourceSecret(c.UserContext(), c.Params("source"), c.Params("credential"))
	if err != nil {
		return err
	}
	return s.backToSourceSecrets(c, source, "Restored. Requests that it signs are taken in again, and those that were refused can be accepted.")
}

func (s *Server) sourceRotateURL(c *fiber.Ctx) error {
	view := views.SourceSecretsView{RotateHours: field(c, "hours")}
	hours, fault := models.WholeNumber(view.RotateHours)
	if fault != "" {
		view.Faults = webhook.Faults{{Field: "hours", Message: fault}}
		return s.showSourceSecrets(c, fiber.StatusUnprocessableEntity, view)
	}
	source, err := s.receiving(c).RotateURL(c.UserContext(), c.Params("source"), hours)
	if models.IsKind(err, models.Invalid) {
		for _, f := range faultsOf(err) {
			view.Faults.Add("hours", f.Message)
		}
		return s.showSourceSecrets(c, fiber.StatusUnprocessableEntity, view)
	}
	if err != nil {
		return err
	}
	return s.backToSourceSecrets(c, source, "There is a new URL. Put it into "+providerTitle(source)+" before the present one ends.")
}
