package web

import (
	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/views"
)

func (s *Server) organizations(c *fiber.Ctx) error {
	return show(s, c, fiber.StatusOK, views.OrganizationsPage, views.OrganizationForm{})
}

// organizationCreate makes an organization and leads to its first endpoint.
func (s *Server) organizationCreate(c *fiber.Ctx) error {
	form := views.OrganizationForm{Name: field(c, "name")}
	org, err := s.visit(c).person.CreateOrganization(c.UserContext(), form.Name)
	if models.IsKind(err, models.Invalid) {
		form.Faults = faultsOf(err)
		return show(s, c, fiber.StatusUnprocessableEntity, views.OrganizationsPage, form)
	}
	if err != nil {
		return err
	}
	return c.Redirect(views.EndpointNewPath(org.Slug), fiber.StatusSeeOther)
}
