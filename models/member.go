package models

import (
	"slices"
	"strings"
	"time"
)

// Member is a user's place in one organization.
type Member struct {
	ID             string
	OrganizationID string
	UserID         string
	Role           Role
	Title          string // what the person does there, in free words
	CreatedAt      time.Time
}

// TeamMember is a member with what the person's account says of them.
type TeamMember struct {
	Member
	Name  string
	Email string
}

// Revocations are what ends when a member's role changes, or the membership
// itself: what acts in the member's name beyond the role that is left.
type Revocations struct {
	Keys        []Key         // revoked
	Narrowed    []NarrowedKey // lose scopes
	Invitations []Invitation  // revoked
}

// NarrowedKey is a key that goes on with fewer scopes.
type NarrowedKey struct {
	Key
	Kept []Scope
}

// CodeRevokes is of a change of role that would end more than the person who
// asks for it was told.
const CodeRevokes = "role_revokes"

// IDs lists the ids of everything that ends or is narrowed.
func (r *Revocations) IDs() []string {
	var ids []string
	for i := range r.Keys {
		ids = append(ids, r.Keys[i].ID)
	}
	for i := range r.Narrowed {
		ids = append(ids, r.Narrowed[i].ID)
	}
	for i := range r.Invitations {
		ids = append(ids, r.Invitations[i].ID)
	}
	return ids
}

// Empty reports whether nothing ends.
func (r *Revocations) Empty() bool { return len(r.IDs()) == 0 }

// Agreed refuses what would end without having been listed to who asks for it.
func (r *Revocations) Agreed(ids []string) error {
	for _, id := range r.IDs() {
		if !slices.Contains(ids, id) {
			return NewConflict(CodeRevokes, "This ends API keys or invitations that the member made. Look at what ends, then confirm it.")
		}
	}
	return nil
}

// ScopeNames returns the names of scopes, separated by spaces.
func ScopeNames(scopes []Scope) string {
	names := make([]string, len(scopes))
	for i, scope := range scopes {
		names[i] = string(scope)
	}
	return strings.Join(names, " ")
}

// TitleVersion returns the member's title as it is, which has a form of its own.
func (m *TeamMember) TitleVersion() Version { return Version{ID: m.ID, Form: textVersion(m.Title)} }

// RoleVersion returns the member's role as it is, which has a form of its own.
func (m *TeamMember) RoleVersion() Version {
	return Version{ID: m.ID, Form: textVersion(string(m.Role))}
}
