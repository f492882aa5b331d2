package store

import (
	"hookwell/models"
)

// If returns the tenant for edits that are made only if holds is true of the row
// as it is in their transaction. Otherwise they fail with Outdated and change
// nothing. A nil holds asks for nothing.
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

// CheckVersion fails with Outdated if holds is not true of the version. A nil
// holds asks for nothing.
func CheckVersion(holds func(models.Version) bool, v models.Version) error {
	if holds == nil || holds(v) {
		return nil
	}
	return &models.Error{Kind: models.Outdated, Code: "precondition_failed", Message: "It was changed since it was read. Read it again, then change it."}
}
