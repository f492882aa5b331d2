package models

// Role is a member's standing in an organization.
type Role string

// The roles, from the least to the most.
const (
	RoleGuest  Role = "guest"
	RoleMember Role = "member"
	RoleAdmin  Role = "admin"
	RoleOwner  Role = "owner"
)

// Roles lists every role, from the least to the most.
func Roles() []Role { return []Role{RoleGuest, RoleMember, RoleAdmin, RoleOwner} }

// Right is what a group of routes asks for; docs/security.md has them by role.
type Right int

// The rights, each holding those before it.
const (
	RightSee        Right = iota // events, deliveries, endpoints, sources, requests, the team, the catalog
	RightOperate                 // send test events and samples, resend, recover, cancel, replay, accept
	RightAdminister              // endpoints, sources, secrets, keys, settings
	RightOwn                     // delete the organization, add owners
)

// May reports whether the role has the right. An unknown role has none.
func (r Role) May(right Right) bool {
	for level, role := range Roles() {
		if role == r {
			return level >= int(right)
		}
	}
	return false
}

// ParseRole reads a role's name; anything else is an Invalid error at "role".
func ParseRole(name string) (Role, error) {
	for _, role := range Roles() {
		if string(role) == name {
			return role, nil
		}
	}
	return "", InvalidField("role", "Choose owner, admin, member or guest.")
}

// Scope is what an organization's API key may do. A platform key may do all.
type Scope string

// The scopes.
const (
	ScopeEventsWrite Scope = "events:write" // report events
	ScopeRead        Scope = "read"         // read everything of the organization
	ScopeWrite       Scope = "write"        // change endpoints, resend deliveries

	ScopeRequestsRead Scope = "requests:read" // read sources and what they took in
	ScopeSourcesWrite Scope = "sources:write" // change sources, replay and accept requests
)

// Scopes lists every scope in the order in which pages show them.
func Scopes() []Scope {
	return []Scope{ScopeEventsWrite, ScopeRead, ScopeWrite, ScopeRequestsRead, ScopeSourcesWrite}
}

// Manages reports whether a role may give or take another, and remove who has
// it: an admin up to admins, an owner everybody.
func (r Role) Manages(other Role) bool {
	return r.May(RightOwn) || r.May(RightAdminister) && !other.May(RightOwn)
}

// MayHold reports whether a key that somebody of this role made may have the
// scope. Keys read what members see, people's addresses included, so that a
// guest's reads nothing.
func (r Role) MayHold(scope Scope) bool {
	if scope == ScopeRead || scope == ScopeRequestsRead {
		return r.May(RightOperate)
	}
	return r.May(RightAdminister)
}
