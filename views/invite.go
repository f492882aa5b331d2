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

// SettingsForm is an organization's settings as they were typed. Fields: name,
// slug, confirm.
type SettingsForm struct {
	Name   string
	Slug   string
	Faults webhook.Faults
}
