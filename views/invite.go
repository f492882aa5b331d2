package views

import (
	"hookwell/models"
	"hookwell/webhook"
)

// InviteView is where an invitation's link leads. Offer is nil for one that
// works no more. Fields: name, password.
type InviteView struct {
	Token  string
	Offer  *models.Offer
	Name   string
	Faults webhook.Faults
}

// SettingsForm is an organization's settings as they were typed. OwnTwoFactor
// tells whether who looks at it has a second factor, without which nobody may
// demand one. Fields: name, slug, requireTwoFactor, confirm.
type SettingsForm struct {
	Version          string // that it was drawn from
	Name             string
	Slug             string
	RequireTwoFactor bool
	OwnTwoFactor     bool
	Faults           webhook.Faults
}
