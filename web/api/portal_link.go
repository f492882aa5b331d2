package api

import (
	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/models/store"
	"hookwell/web/refusal"
)

// defaultPortalLink is a link as it is without settings.
func defaultPortalLink() models.NewPortalLink {
	return models.NewPortalLink{Minutes: store.DefaultPortalMinutes, Navigation: true}
}

// portalLinkBody is a new link.
type portalLinkBody struct{ models.NewPortalLink }

func (b *portalLinkBody) member(r *bodyReader, name, field string) bool {
	switch name {
	case "role":
		b.Role, _ = r.text(field)
	case "minutes":
		if !r.null() {
			b.Minutes, _ = r.integer(field)
		}
	case "name":
		b.Name = r.optionalText(field)
	case "navigation":
		if !r.null() {
			b.Navigation, _ = r.boolean(field)
		}
	case "frameOrigin":
		b.FrameOrigin = r.optionalText(field)
	default:
		return false
	}
	return true
}

// portalLinkAnswer is a link, whose URL is told this once.
type portalLinkAnswer struct {
	URL       string `json:"url"`
	ExpiresAt stamp  `json:"expiresAt"`
}

func (a *API) portalLinkCreate(c *call) error {
	b := portalLinkBody{defaultPortalLink()}
	faults, err := c.body(b.member)
	if err := refusal.Join(faults, err); err != nil {
		return err
	}
	tenant, err := c.tenantNamed(c.Params("id"))
	if err != nil {
		return err
	}
	if b.FrameOrigin != "" && a.BaseURL.Scheme != "https" {
		return refusal.OfField("frameOrigin", "A frame needs https, and HOOKWELL_BASE_URL is http.")
	}
	link, token, err := c.platform().CreatePortalLink(c.UserContext(), tenant.Organization().ID, b.NewPortalLink)
	if err != nil {
		return err
	}
	return c.answer(fiber.StatusCreated, portalLinkAnswer{URL: a.PortalURL(token), ExpiresAt: stamp(link.ExpiresAt)})
}
