package api

import (
	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/models/store"
)

// portalLinkBody is a new link.
type portalLinkBody struct {
	Role        string         `json:"role"`
	Minutes     int            `json:"minutes"`
	Name        filledText     `json:"name"`
	Navigation  bool           `json:"navigation"`
	FrameOrigin filledText     `json:"frameOrigin"`
	Unknown     unknownMembers `json:",embed"`
}

// portalLinkAnswer is a link, whose URL is told this once.
type portalLinkAnswer struct {
	URL       string `json:"url"`
	ExpiresAt stamp  `json:"expiresAt"`
}

func (a *API) portalLinkCreate(c *call) error {
	b := portalLinkBody{Minutes: store.DefaultPortalMinutes, Navigation: true}
	if err := c.input(&b); err != nil {
		return err
	}
	tenant, err := c.tenantNamed(c.Params("id"))
	if err != nil {
		return err
	}
	if b.FrameOrigin != "" && a.BaseURL.Scheme != "https" {
		return models.InvalidField("frameOrigin", "A frame needs https, and HOOKWELL_BASE_URL is http.")
	}
	link, token, err := c.platform().CreatePortalLink(c.UserContext(), tenant.Organization().ID, models.NewPortalLink{
		Role: b.Role, Minutes: b.Minutes, Name: string(b.Name), Navigation: b.Navigation, FrameOrigin: string(b.FrameOrigin)})
	if err != nil {
		return err
	}
	return c.answer(fiber.StatusCreated, portalLinkAnswer{URL: a.PortalURL(token), ExpiresAt: stamp(link.ExpiresAt)})
}
