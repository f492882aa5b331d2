package views

import (
	"net/url"
	"strings"

	"github.com/mileusna/useragent"

	"hookwell/models"
	"hookwell/views/ui"
	"hookwell/webhook"
)

// AccountView is a person's own page. Faults stand at name, at email, or at
// present, code and new (the change of the password).
type AccountView struct {
	Name        string              // as it was typed
	Email       string              // the new address, as it was typed
	Unlink      bool                // the provider, with the new password
	Proved      bool                // just now, who it is
	Mail        bool                // messages reach people
	Suppression *models.Suppression // nil while all mail goes to the person
	Provider    string              // its name; empty without one
	Identities  []models.UserIdentity
	TwoFactor   models.TwoFactor
	Sessions    []models.Session // last used first
	Current     string           // the id of the session that looks
	Faults      webhook.Faults
}

// deviceWords are what a browser says of itself, in the words of people.
func deviceWords(userAgent string) string {
	ua := useragent.Parse(userAgent)
	name, system := ua.Name, ua.OS
	switch {
	case ua.Bot:
		return "A program, " + ua.Name
	case name == "" || ua.IsUnknown():
		if first, _, _ := strings.Cut(strings.TrimSpace(userAgent), " "); first != "" {
			return first
		}
		return "An unknown browser"
	case system == "":
		return name
	}
	if ua.Device != "" && (ua.Mobile || ua.Tablet) {
		system = ua.Device + ", " + system
	}
	return name + " on " + system
}

// addressWords returns where a session was used from.
func addressWords(session models.Session) string {
	if session.RemoteAddress == "" {
		return ui.Nothing
	}
	return session.RemoteAddress
}

// SessionRevokePath ends a session by POST.
func SessionRevokePath(id string) string {
	return AccountSessionsPath + "/" + url.PathEscape(id) + "/revoke"
}
