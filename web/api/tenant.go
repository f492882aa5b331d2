package api

import (
	"errors"
	"mime"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/models/store"
	"hookwell/web/refusal"
	"hookwell/web/request"
	"hookwell/webhook"
)

const organizationField = "organizationId"

// tenant is the organization that a request without a body acts for.
func (c *call) tenant() (*store.Tenant, error) { return c.tenantNamed(c.Query(organizationField)) }

// tenantNamed is the organization of that id or external id. An organization's
// key may name none but its own: another is NotFound, as an unknown one is.
func (c *call) tenantNamed(name string) (*store.Tenant, error) {
	unknown := &models.Error{Kind: models.NotFound, Code: "not_found", Message: "There is no such organization."}
	switch {
	case c.organization != nil && (name == "" || name == c.organization.ID || name == c.organization.PublicID()):
		return c.api.Store.KeyTenant(c.key, c.organization, c.actor()), nil
	case c.organization != nil || !searchable(name):
		return nil, unknown
	case name == "":
		return nil, refusal.OfField(organizationField, "Name the organization by its id or its external id: a platform key acts for any.")
	}
	if c.access == ReportEvents {
		return c.platform().ReportingTenant(c.UserContext(), name)
	}
	return c.platform().Tenant(c.UserContext(), name)
}

// oneOrganization is the name that a request gives in two places at most.
func oneOrganization(names ...string) (string, error) {
	chosen := ""
	for _, name := range names {
		if name != "" && chosen != "" && name != chosen {
			return "", refusal.OfField(organizationField, "Two different organizations are named. Name one, or the same in both places.")
		}
		if chosen == "" {
			chosen = name
		}
	}
	return chosen, nil
}

// searchable tells whether a database can be asked for a text: Postgres takes
// neither NUL nor what is no UTF-8.
func searchable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

// tenantBody reads a body of one organization's request, organizationId
// included, and answers the organization it acts for.
func (c *call) tenantBody(member func(r *bodyReader, name, field string) bool) (*store.Tenant, error) {
	named := ""
	faults, err := c.body(func(r *bodyReader, name, field string) bool {
		if name != organizationField {
			return member(r, name, field)
		}
		named = r.organization(field)
		return true
	})
	if err != nil {
		return nil, err
	}
	name, err := oneOrganization(named, c.Query(organizationField))
	var tenant *store.Tenant
	if err == nil {
		tenant, err = c.tenantNamed(name)
	}
	return tenant, refusal.Join(faults, err)
}

// organization reads an organization's name; null is as none.
func (r *bodyReader) organization(field string) string {
	if r.null() {
		return ""
	}
	name, ok := r.text(field)
	if ok && name == "" {
		r.fault(field, "Name the organization by its id or its external id.")
	}
	return name
}

// mediaTypeError is a body of another kind than JSON: a sentence for people.
// models has no kind of refusal for it.
type mediaTypeError string

func (e mediaTypeError) Error() string { return string(e) }

// body reads the request's JSON object. Actions that take nothing may have no body.
func (c *call) body(member func(r *bodyReader, name, field string) bool) (webhook.Faults, error) {
	if encoding := c.Get(fiber.HeaderContentEncoding); encoding != "" && encoding != "identity" {
		return nil, mediaTypeError("Send the body without Content-Encoding.")
	}
	if !isJSON(c.Get(fiber.HeaderContentType)) {
		return nil, mediaTypeError("Send JSON, with Content-Type: application/json.")
	}
	body, err := c.content()
	if err != nil {
		return nil, err
	}
	return readBody(body, member)
}

// content is the request's whole body. It is read once the key, its scope and
// its rate were found right.
func (c *call) content() ([]byte, error) {
	limit := request.MaxBody
	if c.Route().Path == BatchPath {
		limit = MaxBatchBytes
	}
	body := c.request.Body
	content, err := body.Read(limit, c.bodyOwner())
	if errors.Is(err, request.ErrTooLong) {
		if limit == MaxBatchBytes {
			return nil, batchTooLong(body.Length())
		}
		return nil, fiber.ErrRequestEntityTooLarge
	}
	return content, err
}

// bodyOwner is whose share of memory the request's body uses: the organization's
// with all of its keys, or the platform key's.
func (c *call) bodyOwner() request.Owner {
	if c.organization != nil {
		return request.Owner{ID: c.organization.ID}
	}
	return request.Owner{ID: c.key.ID}
}

// noBody is for actions that take nothing but, from a platform key, an
// organization: their body may be missing.
func (c *call) noBody() (*store.Tenant, error) {
	content, err := c.content()
	if err != nil {
		return nil, err
	}
	if len(content) == 0 {
		return c.tenant()
	}
	return c.tenantBody(func(*bodyReader, string, string) bool { return false })
}

// named is the row of the path, for routes without a body.
func (c *call) named(prefix, noun string) (*store.Tenant, string, error) {
	tenant, err := c.noBody()
	if err != nil {
		return nil, "", err
	}
	id, err := c.id(prefix, noun)
	return tenant, id, err
}

func isJSON(contentType string) bool {
	if contentType == fiber.MIMEApplicationJSON {
		return true
	}
	mediaType, _, err := mime.ParseMediaType(contentType)
	return err == nil && (mediaType == fiber.MIMEApplicationJSON || strings.HasSuffix(mediaType, "+json"))
}
