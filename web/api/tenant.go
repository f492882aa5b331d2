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

// tenant returns the organization that a request without a body acts for.
func (c *call) tenant() (*store.Tenant, error) { return c.tenantNamed(c.Query(organizationField)) }

// tenantNamed returns the organization of that id or external id. An organization's
// key may name none but its own: another is NotFound, as an unknown one is.
func (c *call) tenantNamed(name string) (*store.Tenant, error) {
	unknown := &models.Error{Kind: models.NotFound, Code: "not_found", Message: "There is no such organization."}
	switch {
	case c.organization != nil && (name == "" || name == c.organization.ID || name == c.organization.PublicID()):
		tenant := c.api.Store.KeyTenant(c.key, c.organization, c.actor())
		if c.access == ScopeEventsWrite {
			return tenant, nil
		}
		return tenant, tenant.Expand(c.UserContext())
	case c.organization != nil || !searchable(name):
		return nil, unknown
	case name == "":
		return nil, models.InvalidField(organizationField, "Name the organization by its id or its external id: a platform key acts for any.")
	}
	if c.access == ScopeEventsWrite {
		return c.platform().ReportingTenant(c.UserContext(), name)
	}
	return c.platform().Tenant(c.UserContext(), name)
}

// oneOrganization returns the name that a request gives in two places at most.
func oneOrganization(names ...string) (string, error) {
	chosen := ""
	for _, name := range names {
		if name != "" && chosen != "" && name != chosen {
			return "", models.InvalidField(organizationField, "Two different organizations are named. Name one, or the same in both places.")
		}
		if chosen == "" {
			chosen = name
		}
	}
	return chosen, nil
}

// searchable reports whether a database can be asked for a text: Postgres takes
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
	return c.actingFor(named, faults)
}

// tenantInput reads a body of one organization's request into a struct and
// returns the organization it acts for.
func (c *call) tenantInput(into interface{ named() string }) (*store.Tenant, error) {
	content, err := c.json()
	if err != nil {
		return nil, err
	}
	faults, err := decodeBody(content, into)
	if err != nil {
		return nil, err
	}
	return c.actingFor(into.named(), faults)
}

// actingFor returns the organization that a body names, or the query. Faults of
// the body come with those of the name.
func (c *call) actingFor(named string, faults webhook.Faults) (*store.Tenant, error) {
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

// body reads the request's JSON object member by member.
func (c *call) body(member func(r *bodyReader, name, field string) bool) (webhook.Faults, error) {
	content, err := c.json()
	if err != nil {
		return nil, err
	}
	return readBody(content, member)
}

// input reads the request's JSON object into a struct. Faults of its fields are
// an Invalid error.
func (c *call) input(into any) error {
	content, err := c.json()
	if err != nil {
		return err
	}
	faults, err := decodeBody(content, into)
	return refusal.Join(faults, err)
}

// json returns the request's whole body, which has to be JSON by its headers.
func (c *call) json() ([]byte, error) {
	if encoding := c.Get(fiber.HeaderContentEncoding); encoding != "" && encoding != "identity" {
		return nil, mediaTypeError("Send the body without Content-Encoding.")
	}
	if !isJSON(c.Get(fiber.HeaderContentType)) {
		return nil, mediaTypeError("Send JSON, with Content-Type: application/json.")
	}
	return c.content()
}

// content returns the request's whole body. It is read once the key, its scope and
// its rate were found right.
func (c *call) content() ([]byte, error) {
	limit := request.MaxBody
	if c.Route().Path == BatchPath {
		limit = MaxBatchBytes
	}
	body := c.request.Body
	content, err := body.Read(limit, c.owner())
	if errors.Is(err, request.ErrTooLong) {
		if limit == MaxBatchBytes {
			return nil, batchTooLong(body.Length())
		}
		return nil, fiber.ErrRequestEntityTooLarge
	}
	return content, err
}

// owner returns whose share of the memory for bodies and of the turns the request
// uses: the organization's with all of its keys, or the platform key's.
func (c *call) owner() request.Owner {
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
	return c.tenantInput(&ofOrganization{})
}

// named returns the row of the path, for routes without a body.
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
