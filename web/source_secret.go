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
	}
	return s.correctedSecrets(c, source, "Saved.", "Saved: the secret has the right form.")
}

// correctedSecrets leads to where one goes on after the secrets were changed: to the
// source, which offers to accept what was refused, if any of that passes by now or the
// source is being set up, and else back to its secrets.
func (s *Server) correctedSecrets(c *fiber.Ctx, source *models.Source, done, alone string) error {
	n, err := s.receiving(c).Acceptable(c.UserContext(), source.ID)
	switch {
	case err != nil:
		return err
	case n == 1:
		return s.backToSource(c, source, done+" 1 refused request passes by now.")
	case n > 1:
		return s.backToSource(c, source, done+" "+models.Grouped(n)+" refused requests pass by now.")
	case source.FirstVerifiedAt == nil:
		return s.backToSource(c, source, alone)
	}
	return s.backToSourceSecrets(c, source, alone)
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
	return s.correctedSecrets(c, source, "Restored.", "Restored. Requests that it signs are taken in again.")
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
