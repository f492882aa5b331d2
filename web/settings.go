package web

import (
	"slices"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/views"
	"hookwell/webhook"
)

func (s *Server) settings(c *fiber.Ctx) error {
	return s.showSettings(c, fiber.StatusOK, s.savedSettings(c))
}

func (s *Server) showSettings(c *fiber.Ctx, status int, form views.SettingsForm) error {
	own, err := s.visit(c).person.TwoFactor(c.UserContext())
	if err != nil {
		return err
	}
	form.OwnTwoFactor = own.EnabledAt != nil
	return show(s, c, status, views.SettingsPage, form)
}

// savedSettings returns the form as it was saved last.
func (s *Server) savedSettings(c *fiber.Ctx) views.SettingsForm {
	org := s.tenant(c).Organization()
	return settingsOf(org)
}

func settingsOf(org *models.Organization) views.SettingsForm {
	return views.SettingsForm{Version: org.Version().Form, Name: org.Name, Slug: org.Slug, RequireTwoFactor: org.RequireTwoFactor}
}

func (s *Server) settingsSave(c *fiber.Ctx) error {
	form, change := s.readSettings(c)
	org, err := s.tenant(c).If(drawn(c)).UpdateOrganization(c.UserContext(), change)
	if models.IsKind(err, models.Outdated) {
		saved := settingsOf(org)
		if form.Version, form.Faults = saved.Version, settingsMeanwhile(saved, form); len(form.Faults) > 0 {
			return s.showSettings(c, fiber.StatusConflict, form)
		}
		err = nil // somebody saved the same
	}
	if models.IsKind(err, models.Invalid) {
		form.Faults = faultsOf(err)
		return s.showSettings(c, fiber.StatusUnprocessableEntity, form)
	}
	if err != nil {
		return err
	}
	s.say(c, views.FlashDone, "Saved.")
	return c.Redirect(views.SettingsPath(org.Slug), fiber.StatusSeeOther)
}

// readSettings reads the fields that the form has. One that it has not, such as
// a box that can't be ticked, is left as it is.
func (s *Server) readSettings(c *fiber.Ctx) (form views.SettingsForm, change models.OrganizationChange) {
	form = s.savedSettings(c)
	if hasField(c, "version") {
		form.Version = field(c, "version")
	}
	if hasField(c, "name") {
		form.Name = field(c, "name")
		change.Name = &form.Name
	}
	if hasField(c, "slug") {
		form.Slug = field(c, "slug")
		change.Slug = &form.Slug
	}
	if hasField(c, "requireTwoFactor") {
		form.RequireTwoFactor = slices.Contains(fields(c, "requireTwoFactor"), "on")
		demand := form.RequireTwoFactor
		change.RequireTwoFactor = &demand
	}
	return form, change
}

// organizationDelete deletes what its slug, typed once more, confirms.
func (s *Server) organizationDelete(c *fiber.Ctx) error {
	org := s.tenant(c).Organization()
	if field(c, "confirm") != org.Slug {
		form := s.savedSettings(c)
		form.Faults = webhook.Faults{{Field: "confirm", Message: "This is not the slug. Type " + org.Slug + " to delete the organization."}}
		return s.showSettings(c, fiber.StatusUnprocessableEntity, form)
	}
	if err := s.tenant(c).DeleteOrganization(c.UserContext()); err != nil {
		return err
	}
	s.say(c, views.FlashDone, org.Name+" was deleted.")
	return c.Redirect(views.OrganizationsPath, fiber.StatusSeeOther)
}
