package models

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

// ActorKinds lists every kind of actor in the order in which pages show them.
func ActorKinds() []ActorKind {
	return []ActorKind{ActorUser, ActorKey, ActorPortal, ActorOperator, ActorSystem, ActorVisitor}
}

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
