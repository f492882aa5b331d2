package web

import (
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

// savedSettings is the form as it was saved last.
func (s *Server) savedSettings(c *fiber.Ctx) views.SettingsForm {
	org := s.tenant(c).Organization()
	return views.SettingsForm{Name: org.Name, Slug: org.Slug, RequireTwoFactor: org.RequireTwoFactor}
}

func (s *Server) settingsSave(c *fiber.Ctx) error {
	form := views.SettingsForm{Name: field(c, "name"), Slug: field(c, "slug"), RequireTwoFactor: field(c, "requireTwoFactor") == "on"}
	org, err := s.tenant(c).UpdateOrganization(c.UserContext(), models.OrganizationChange{Name: &form.Name, Slug: &form.Slug,
		RequireTwoFactor: &form.RequireTwoFactor})
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
