package client

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Organization is a tenant. Only a platform key may read and change them.
type Organization struct {
	ID         string     `json:"id"`
	ExternalID string     `json:"externalId"` // the product's own id for it; may be empty
	Name       string     `json:"name"`
	Slug       string     `json:"slug"`
	CreatedAt  time.Time  `json:"createdAt"`
	Endpoints  []Endpoint `json:"endpoints"` // from CreateOrganization alone, each with its secret
	// ETag identifies this state of the organization, for IfMatch. Lists don't
	// set it.
	ETag string `json:"-"`
}

// NewOrganization describes an organization to create. Name is required.
type NewOrganization struct {
	Name       string             `json:"name"`
	Slug       string             `json:"slug,omitzero"` // made from the name, if it is empty
	ExternalID string             `json:"externalId,omitzero"`
	Endpoints  []EndpointSettings `json:"endpoints,omitzero"` // 20 at most
}

// OrganizationChange lists changes of an organization; a nil field doesn't
// change.
type OrganizationChange struct {
	Name       *string
	Slug       *string
	ExternalID *string // an empty one takes it back
}

// organization makes a call that is answered with an organization.
func (c *Client) organization(ctx context.Context, r *call, options []Option) (*Organization, error) {
	o := new(Organization)
	header, err := c.do(ctx, r.with(options), o)
	if err != nil {
		return nil, err
	}
	o.ETag = header.Get("ETag")
	return o, nil
}

// CreateOrganization creates an organization and its first endpoints.
func (c *Client) CreateOrganization(ctx context.Context, n NewOrganization) (*Organization, error) {
	r := platformCall(http.MethodPost, "/organizations")
	r.body = n
	return c.organization(ctx, r, nil)
}

func organizationPath(id string) string { return "/organizations/" + url.PathEscape(id) }

// ReadOrganization returns an organization by its id or external id.
func (c *Client) ReadOrganization(ctx context.Context, id string) (*Organization, error) {
	return c.organization(ctx, platformCall(http.MethodGet, organizationPath(id)), nil)
}

// Organizations lists organizations.
func (c *Client) Organizations(ctx context.Context, paging Paging) (*Page[Organization], error) {
	return list[Organization](ctx, c, platformCall(http.MethodGet, "/organizations"), paging)
}

// UpdateOrganization changes the organization's fields that are not nil.
func (c *Client) UpdateOrganization(ctx context.Context, id string, change OrganizationChange, options ...Option) (*Organization, error) {
	body := map[string]any{}
	if change.Name != nil {
		body["name"] = *change.Name
	}
	if change.Slug != nil {
		body["slug"] = *change.Slug
	}
	if change.ExternalID != nil {
		body["externalId"] = change.ExternalID
		if *change.ExternalID == "" {
			body["externalId"] = nil
		}
	}
	r := platformCall(http.MethodPatch, organizationPath(id))
	r.body = body
	return c.organization(ctx, r, options)
}

// DeleteOrganization deletes an organization. Deliveries that wait are still
// made.
func (c *Client) DeleteOrganization(ctx context.Context, id string, options ...Option) error {
	_, err := c.do(ctx, platformCall(http.MethodDelete, organizationPath(id)).with(options), nil)
	return err
}

// NewPortalLink describes a portal link to create. Role is required: admin,
// member or guest.
type NewPortalLink struct {
	Role        string `json:"role"`
	Minutes     int    `json:"minutes,omitzero"` // how long it may wait to be used; 0 is 10
	Name        string `json:"name,omitzero"`
	Navigation  *bool  `json:"navigation,omitzero"` // nil is true
	FrameOrigin string `json:"frameOrigin,omitzero"`
}

// PortalLink signs a product's user in to an organization's pages, once.
type PortalLink struct {
	URL       string    `json:"url"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// CreatePortalLink creates a link into an organization's pages.
func (c *Client) CreatePortalLink(ctx context.Context, organization string, n NewPortalLink) (*PortalLink, error) {
	r := platformCall(http.MethodPost, organizationPath(organization)+"/portal-link")
	r.body = n
	return answerOf[PortalLink](ctx, c, r)
}
