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
