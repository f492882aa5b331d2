package api

import (
	"fmt"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
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
type organizationBody struct {
	Name       string         `json:"name"`
	Slug       filledText     `json:"slug"`
	ExternalID filledText     `json:"externalId"`
	Endpoints  firstEndpoints `json:"endpoints"`
	Unknown    unknownMembers `json:",embed"`
}

// firstEndpoints are the endpoints that are registered with an organization.
type firstEndpoints []models.EndpointInput

func (l *firstEndpoints) read(r *bodyReader, field string) {
	if r.null() {
		return
	}
	count, _ := r.list(field, maxFirstEndpoints, func(at string) {
		var e endpointBody
		r.object(at, func(name, field string) bool { return e.member(r, name, field) })
		*l = append(*l, e.create())
	})
	if count > maxFirstEndpoints {
		r.fault(field, fmt.Sprintf("Register at most %d endpoints with the organization.", maxFirstEndpoints))
	}
}

func (a *API) organizationCreate(c *call) error {
	var b organizationBody
	if err := c.input(&b); err != nil {
		return err
	}
	org, secrets, err := c.platform().CreateOrganization(c.UserContext(), models.NewOrganization{
		Name: b.Name, Slug: string(b.Slug), ExternalID: string(b.ExternalID), Endpoints: b.Endpoints})
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

// organizationChangeBody is what is to change of an organization. Null leaves its
// name and its slug.
type organizationChangeBody struct {
	Name       *string          `json:"name"`
	Slug       *string          `json:"slug"`
	ExternalID externalIDChange `json:"externalId"`
	Unknown    unknownMembers   `json:",embed"`
}

// externalIDChange is nil where none was given. Null takes the id back.
type externalIDChange struct{ id *string }

func (e *externalIDChange) read(r *bodyReader, field string) {
	var text filledText
	text.read(r, field)
	e.id = (*string)(&text)
}

// organizationUpdate changes what the body names.
func (a *API) organizationUpdate(c *call) error {
	tenant, err := c.tenantNamed(c.Params("id"))
	if err != nil {
		return err
	}
	var b organizationChangeBody
	if err := c.input(&b); err != nil {
		return err
	}
	change := models.OrganizationChange{Name: b.Name, Slug: b.Slug, ExternalID: b.ExternalID.id}
	if tenant, err = c.conditional(tenant, organizationShape); err != nil {
		return err
	}
	org, err := tenant.UpdateOrganization(c.UserContext(), change)
	if err != nil {
		return err
	}
	return c.answerOrganization(org)
}

func (c *call) answerOrganization(org *models.Organization) error {
	return c.answerTagged(fiber.StatusOK, etag(organizationShape, org.Version()), shapeOrganization(org))
}

func (a *API) organizationDelete(c *call) error {
	tenant, err := c.tenantNamed(c.Params("id"))
	if err != nil {
		return err
	}
	if tenant, err = c.conditional(tenant, organizationShape); err != nil {
		return err
	}
	if err := tenant.DeleteOrganization(c.UserContext()); err != nil {
		return err
	}
	return c.SendStatus(fiber.StatusNoContent)
}
