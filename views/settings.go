package views

import "hookwell/webhook"

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
