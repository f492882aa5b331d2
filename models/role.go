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
	RightSee        Right = iota // events, deliveries, endpoints, catalog
	RightOperate                 // send test events, resend, recover, cancel
	RightAdminister              // endpoints, secrets, keys, settings
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
)

// Scopes lists every scope in the order in which pages show them.
func Scopes() []Scope { return []Scope{ScopeEventsWrite, ScopeRead, ScopeWrite} }

// ActorKind says what kind of actor made a change.
type ActorKind string

// The kinds of actor.
const (
	ActorUser     ActorKind = "user"
	ActorKey      ActorKind = "key"
	ActorOperator ActorKind = "operator" // someone at the command line
	ActorPortal   ActorKind = "portal"   // a product's user, who came by a link
	ActorSystem   ActorKind = "system"
	ActorVisitor  ActorKind = "visitor" // somebody who has not signed in
)

// Actor is who makes a change, from where and in which request: what the audit
// row keeps.
type Actor struct {
	Kind          ActorKind
	ID            string
	Name          string
	Email         string // of a user
	RemoteAddress string
	RequestID     string
}

// UserID returns the id of a person; nil for everything else that acts.
func (a Actor) UserID() *string {
	if a.Kind != ActorUser {
		return nil
	}
	return &a.ID
}

// Title returns the actor as pages name it: a key's name alone says too little.
func (a Actor) Title() string {
	if a.Kind == ActorKey {
		return "API key " + a.Name
	}
	return a.Name
}

// SystemActor is Hookwell itself, for what nobody asked it to do.
func SystemActor() Actor { return Actor{Kind: ActorSystem, Name: "Hookwell"} }

// Visitor returns the actor of what was tried before anybody signed in, from the
// same address and in the same request.
func (a Actor) Visitor() Actor {
	a.Kind, a.ID, a.Name, a.Email = ActorVisitor, "", "somebody not signed in", ""
	return a
}
