package views

import "strings"

// StaleForm is a form that was drawn in an earlier session, with what was typed
// into it.
type StaleForm struct {
	Action string
	Fields []StaleField
}

// StaleField is one field that was sent. A secret has no value: no page repeats
// one, and it is typed again.
type StaleField struct {
	Name   string
	Value  string
	Secret bool
}

// HoldsSecret reports whether a form's field of that name is one that no page may
// repeat.
func HoldsSecret(name string) bool {
	name = strings.ToLower(name)
	if name == "new" || name == "present" {
		return true
	}
	for _, part := range []string{"password", "secret", "code", "token", "headervalue"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// secretLabel is what a field that is typed again is called.
func secretLabel(name string) string {
	switch {
	case name == "new":
		return "New password"
	case name == "present":
		return "Present password"
	case name == "headerValue":
		return "A header’s value"
	case strings.HasSuffix(name, "password"):
		return "Password"
	case strings.HasSuffix(name, "code"):
		return "Code"
	case name == "secret":
		return "Secret"
	}
	return name
}
