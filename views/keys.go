package views

import (
	"slices"

	"hookwell/models"
	"hookwell/webhook"
)

// KeyForm is what was typed to create a key. Fields: name, scopes, expires,
// which is a number of days or empty for never.
type KeyForm struct {
	Name    string
	Scopes  []string
	Expires string
	Faults  webhook.Faults
}

// KeyLifetime is how long a new key may be good for.
type KeyLifetime struct {
	Days int
	Word string
}

// KeyLifetimes are those that the form offers, beside none at all.
var KeyLifetimes = []KeyLifetime{{7, "7 days"}, {30, "30 days"}, {90, "90 days"}, {365, "1 year"}}

func (f KeyForm) has(scope models.Scope) bool { return slices.Contains(f.Scopes, string(scope)) }

// KeysView is the page of API keys. Created and Text are set only on the answer
// that creates a key: its text is shown once.
type KeysView struct {
	Rows    []models.Key // newest first, revoked ones included
	Form    KeyForm
	Created *models.Key
	Text    string
}

func scopeWords(scope models.Scope) string {
	switch scope {
	case models.ScopeEventsWrite:
		return "Report events"
	case models.ScopeRead:
		return "Read endpoints, events, deliveries and event types"
	case models.ScopeWrite:
		return "Change endpoints and resend deliveries"
	case models.ScopeRequestsRead:
		return "Read sources and what they received"
	case models.ScopeSourcesWrite:
		return "Change sources, replay and accept requests"
	default:
		return ""
	}
}
