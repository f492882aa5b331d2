package views

import (
	"net/url"

	"hookwell/views/ui"
	"hookwell/webhook"
)

// newPasswordField asks for a password that is still to be chosen.
func newPasswordField(name string, faults webhook.Faults) ui.Input {
	label := "Password"
	if name == "new" {
		label = "New password"
	}
	return ui.Input{Name: name, Label: label, Required: true, Faults: faults,
		Hint: "At least 15 characters. A few unrelated words are easy to keep and hard to guess."}
}

// withNext carries the return address from one door to the other.
func withNext(path, next string) string {
	if next == "" {
		return path
	}
	return path + "?next=" + url.QueryEscape(next)
}

func (f Failure) title() string {
	if f.Title != "" {
		return f.Title
	}
	switch f.Status {
	case 401:
		return "Sign in first"
	case 403:
		return "Not allowed"
	case 404:
		return "There is no such page"
	case 405:
		return "This address takes another method"
	case 409:
		return "Not possible right now"
	case 413:
		return "Too large"
	case 429:
		return "Too many attempts"
	case 503:
		return "Not available right now"
	}
	if f.Status >= 500 {
		return "Something failed on our side"
	}
	return "This request can’t be handled"
}

func (f Failure) message() string {
	if f.Message != "" {
		return f.Message
	}
	switch f.Status {
	case 401:
		return "The session has ended. Sign in to go on where you were."
	case 403:
		return "Your role in this organization doesn’t allow it. Ask an admin or an owner."
	case 404:
		return "The address may be mistyped, what it named may be deleted, or it belongs to an organization that you are not in."
	case 429:
		return "Wait a minute, then try again."
	case 503:
		return "Nothing was changed. Try again in a minute."
	}
	if f.Status >= 500 {
		return "The fault is logged under the id below. Try again; if it stays, send the id to who runs this server."
	}
	return "Go back, reload the page, and try again."
}
