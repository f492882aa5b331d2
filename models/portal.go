package models

import "time"

// PortalLink signs a product's user in to one organization, once. FrameOrigin
// is the origin whose pages may show the session in a frame; empty for none.
type PortalLink struct {
	ID             string
	OrganizationID string
	TokenHash      []byte
	KeyID          string // that it was asked for with
	Role           Role
	Name           string // of the product's user
	Navigation     bool
	FrameOrigin    string
	CreatedAt      time.Time
	ExpiresAt      time.Time
	UsedAt         *time.Time
}
