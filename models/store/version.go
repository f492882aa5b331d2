package store

import (
	"hookwell/models"
)

// If returns the tenant for conditional edits: an edit is made only if holds is
// true of the row in the edit's transaction. Otherwise it fails with Outdated and
// changes nothing. A nil holds sets no condition.
func (t *Tenant) If(holds func(models.Version) bool) *Tenant {
	conditional := *t
	conditional.holds = holds
	return &conditional
}

// If is Tenant.If for edits of the person's own profile.
func (p *Person) If(holds func(models.Version) bool) *Person {
	conditional := *p
	conditional.holds = holds
	return &conditional
}

// condition is what If asks for.
type condition struct{ holds func(models.Version) bool }

func (c condition) check(v models.Version) error { return CheckVersion(c.holds, v) }

// CheckVersion fails with Outdated if holds is false for the version. A nil holds
// sets no condition.
func CheckVersion(holds func(models.Version) bool, v models.Version) error {
	if holds == nil || holds(v) {
		return nil
	}
	return &models.Error{Kind: models.Outdated, Code: "precondition_failed", Message: "It was changed since it was read. Read it again, then change it."}
}
