package api

import (
	"fmt"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/web/refusal"
)

type organizationAnswer struct {
	ID         string  `json:"id" jsonschema:"The organization's id."`
	ExternalID *string `json:"externalId" jsonschema:"The product's own id for it; null without one."`
	Name       string  `json:"name" jsonschema:"Its name."`
	Slug       string  `json:"slug" jsonschema:"Its name in addresses of pages."`
	CreatedAt  stamp   `json:"createdAt" jsonschema:"When it was created."`
}

// organizationCreated is a new organization with the endpoints that were
// registered with it, each with its secret.
type organizationCreated struct {
	organizationAnswer
	Endpoints []endpointAnswer `json:"endpoints" jsonschema:"The endpoints that were created with it, each with its secret."`
}

func shapeOrganization(o *models.Organization) organizationAnswer {
	return organizationAnswer{ID: o.ID, ExternalID: o.ExternalID, Name: o.Name, Slug: o.Slug, CreatedAt: stamp(o.CreatedAt)}
}

// maxFirstEndpoints bounds the URLs that one request has checked.
const maxFirstEndpoints = 20

// organizationBody is a new organization.
type organizationBody struct{ models.NewOrganization }

func (b *organizationBody) member(r *bodyReader, name, field string) bool {
	switch name {
	case "name":
		b.Name, _ = r.text(field)
	case "slug":
		b.Slug = r.optionalText(field)
	case "externalId":
		b.ExternalID = r.optionalText(field)
	case "endpoints":
		if !r.null() {
			count, _ := r.list(field, maxFirstEndpoints, func(at string) { b.endpoint(r, at) })
			if count > maxFirstEndpoints {
				r.fault(field, fmt.Sprintf("Register at most %d endpoints with the organization.", maxFirstEndpoints))
			}
		}
	default:
		return false
	}
	return true
}

func (b *organizationBody) endpoint(r *bodyReader, at string) {
	var e endpointBody
	r.object(at, func(name, field string) bool { return e.member(r, name, field) })
	b.Endpoints = append(b.Endpoints, e.create())
}

// optionalText reads a string that is left out by null, and not by "".
func (r *bodyReader) optionalText(field string) string {
	if r.null() {
		return ""
	}
	text, ok := r.text(field)
	if ok && text == "" {
		r.fault(field, "This is empty. Leave it out or give a value.")
	}
	return text
}

func (a *API) organizationCreate(c *call) error {
	var b organizationBody
	faults, err := c.body(b.member)
	if err := refusal.Join(faults, err); err != nil {
		return err
	}
	org, secrets, err := c.platform().CreateOrganization(c.UserContext(), b.NewOrganization)
	if err != nil {
		return err
	}
	created := organizationCreated{organizationAnswer: shapeOrganization(org), Endpoints: make([]endpointAnswer, len(secrets))}
	tenant, err := c.platform().Tenant(c.UserContext(), org.ID)
	if err != nil {
		return err
	}
	endpoints, err := tenant.Endpoints(c.UserContext()) // by age, which is the order of the secrets
	if err != nil {
		return err
	}
	for i, secret := range secrets {
		shape, err := shapeEndpoint(tenant, &endpoints[i])
		if err != nil {
			return err
		}
		created.Endpoints[i] = shape.withSecret(secret)
	}
	c.Set(fiber.HeaderETag, etag(organizationShape, org.Version()))
	return c.created("/organizations/"+org.ID, created)
}

func (a *API) organizationList(c *call) error {
	q := c.query()
	page := q.page()
	if err := q.err(); err != nil {
		return err
	}
	rows, next, err := c.platform().Organizations(c.UserContext(), page)
	if err != nil {
		return err
	}
	return answerList(c, rows, next, shapeOrganization)
}

func (a *API) organizationRead(c *call) error {
	tenant, err := c.tenantNamed(c.Params("id"))
	if err != nil {
		return err
	}
	return c.answerOrganization(tenant.Organization())
}

// organizationUpdate changes what the body names. An externalId of null takes
// it back; name and slug are left by null.
func (a *API) organizationUpdate(c *call) error {
	tenant, err := c.tenantNamed(c.Params("id"))
	if err != nil {
		return err
	}
	var change models.OrganizationChange
	faults, err := c.body(func(r *bodyReader, name, field string) bool {
		switch name {
		case "name":
			change.Name = r.changedText(field)
		case "slug":
			change.Slug = r.changedText(field)
		case "externalId":
			text := r.optionalText(field)
			change.ExternalID = &text
		default:
			return false
		}
		return true
	})
	if err := refusal.Join(faults, err); err != nil {
		return err
	}
	org, err := tenant.If(c.ifMatch(organizationShape)).UpdateOrganization(c.UserContext(), change)
	if err != nil {
		return err
	}
	return c.answerOrganization(org)
}

func (c *call) answerOrganization(org *models.Organization) error {
	return c.answerTagged(fiber.StatusOK, etag(organizationShape, org.Version()), shapeOrganization(org))
}

// changedText reads a string that leaves what is there by null.
func (r *bodyReader) changedText(field string) *string {
	if r.null() {
		return nil
	}
	text, ok := r.text(field)
	if !ok {
		return nil
	}
	return &text
}

func (a *API) organizationDelete(c *call) error {
	tenant, err := c.tenantNamed(c.Params("id"))
	if err != nil {
		return err
	}
	if err := tenant.If(c.ifMatch(organizationShape)).DeleteOrganization(c.UserContext()); err != nil {
		return err
	}
	return c.SendStatus(fiber.StatusNoContent)
}
