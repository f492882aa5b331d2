package views

import (
	"slices"
	"strings"

	"hookwell/webhook"
)

// ProofPrefix begins the names of the fields of ProofPage, which stand beside
// those of the form that asked.
const ProofPrefix = "confirm-"

// CarriedField is a field of the form that asked for a proof. It is sent again
// with it.
type CarriedField struct{ Name, Value string }

// ProofView asks a person to prove who they are before a way into the account
// changes. Faults stand at confirm-password and confirm-code.
type ProofView struct {
	Path     string // where the form goes that asked
	Next     string // the page that it stands on
	Fields   []CarriedField
	Code     bool   // a second factor is on
	Provider string // its name; empty without one
	Mail     bool   // messages reach people
	Faults   webhook.Faults
}

// why says what the proof is for.
func (v ProofView) why(page Page) string {
	if v.Path == AccountEmailPath && slices.ContainsFunc(v.Fields, func(f CarriedField) bool { return f.Name == "email" && strings.EqualFold(f.Value, page.User.Email) }) {
		return "A link then goes to " + page.User.Email + ", and opening it shows that mail arrives. Nothing else changes."
	}
	return "This changes how your account is signed in to."
}
