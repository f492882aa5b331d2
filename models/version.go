package models

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"
)

// Version tells states of a row apart that is edited. Form changes with every
// save of what the row's form shows, At with every change of the row.
type Version struct {
	ID   string
	Form string
	At   time.Time
}

// If returns the tenant for edits that are made only if holds is true of the row
// as it is in their transaction. Otherwise they fail with Outdated and change
// nothing. A nil holds asks for nothing.
func (t *Tenant) If(holds func(Version) bool) *Tenant {
	conditional := *t
	conditional.holds = holds
	return &conditional
}

// If is Tenant.If for edits of the person's own profile.
func (p *Person) If(holds func(Version) bool) *Person {
	conditional := *p
	conditional.holds = holds
	return &conditional
}

// condition is what If asks for.
type condition struct{ holds func(Version) bool }

func (c condition) check(v Version) error { return CheckVersion(c.holds, v) }

// CheckVersion fails with Outdated if holds is not true of the version. A nil
// holds asks for nothing.
func CheckVersion(holds func(Version) bool, v Version) error {
	if holds == nil || holds(v) {
		return nil
	}
	return &Error{Kind: Outdated, Code: "precondition_failed", Message: "It was changed since it was read. Read it again, then change it."}
}

// Version is the organization's settings as they are.
func (o *Organization) Version() Version {
	return Version{ID: o.ID, Form: strconv.FormatInt(o.FormVersion, 10), At: o.UpdatedAt}
}

// Version is the endpoint as it is. Its form does not show whether it is
// enabled, so that disabling it by itself makes no form outdated.
func (e *Endpoint) Version() Version {
	return Version{ID: e.ID, Form: strconv.FormatInt(e.FormVersion, 10), At: e.UpdatedAt}
}

// TitleVersion is the member's title as it is, which has a form of its own.
func (m *TeamMember) TitleVersion() Version { return Version{ID: m.ID, Form: textVersion(m.Title)} }

// RoleVersion is the member's role as it is, which has a form of its own.
func (m *TeamMember) RoleVersion() Version {
	return Version{ID: m.ID, Form: textVersion(string(m.Role))}
}

// NameVersion is the person's name as it is, which has a form of its own.
func (u *User) NameVersion() Version { return Version{ID: u.ID, Form: textVersion(u.Name)} }

// textVersion is the version of a form with one field.
func textVersion(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}
