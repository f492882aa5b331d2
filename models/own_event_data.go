package models

import (
	"cmp"
	"strings"
	"time"
)

// What the app's own events carry, by the schemas of the catalog. Ids are ours,
// roles are in capitals there.

// actorData is who did something. Who has no id is named by their kind.
type actorData struct {
	ID    string `json:"id"`
	Email string `json:"email,omitempty"`
	Name  string `json:"name"`
}

func (a Actor) data() actorData {
	return actorData{cmp.Or(a.ID, string(a.Kind)), a.Email, a.Name}
}

// fieldChange is a field's value before and after.
type fieldChange struct {
	From any `json:"from"`
	To   any `json:"to"`
}

// textChange tells of a text that may be missing; an empty one is null.
func textChange(from, to string) fieldChange { return fieldChange{textOrNull(from), textOrNull(to)} }

func textOrNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

type organizationData struct {
	ID   string `json:"organizationId"`
	Name string `json:"name"`
	Slug string `json:"slug"`
}

func (o *Organization) data() organizationData { return organizationData{o.ID, o.Name, o.Slug} }

func organizationCreated(o *Organization, by Actor) ownEvent {
	return ownEvent{org: o, eventType: "org.created", data: struct {
		organizationData
		By actorData `json:"createdBy"`
		At time.Time `json:"createdAt"`
	}{o.data(), by.data(), o.CreatedAt}}
}

func organizationUpdated(o *Organization, changes map[string]fieldChange, by Actor) ownEvent {
	return ownEvent{org: o, eventType: "org.updated", data: struct {
		organizationData
		Changes map[string]fieldChange `json:"changes"`
		By      actorData              `json:"updatedBy"`
		At      time.Time              `json:"updatedAt"`
	}{o.data(), changes, by.data(), o.UpdatedAt}}
}

func organizationDeleted(o *Organization, by Actor, at time.Time) ownEvent {
	return ownEvent{org: o, eventType: "org.deleted", data: struct {
		organizationData
		By actorData `json:"deletedBy"`
		At time.Time `json:"deletedAt"`
	}{o.data(), by.data(), at}}
}

func (r Role) data() string { return strings.ToUpper(string(r)) }

func memberInvited(o *Organization, i *Invitation, by Actor) ownEvent {
	return ownEvent{org: o, eventType: "org.member.invited", data: struct {
		ID        string    `json:"inviteId"`
		Email     string    `json:"email"`
		Role      string    `json:"role"`
		By        actorData `json:"invitedBy"`
		ExpiresAt time.Time `json:"expiresAt"`
	}{i.ID, i.Email, i.Role.data(), by.data(), i.ExpiresAt}}
}

type memberData struct {
	ID     string `json:"memberId"`
	UserID string `json:"userId"`
	Email  string `json:"email"`
}

func (m *TeamMember) data() memberData { return memberData{m.ID, m.UserID, m.Email} }

// standingData is a member with the name and the role.
type standingData struct {
	memberData
	Name string `json:"name"`
	Role string `json:"role"`
}

func (m *TeamMember) standing() standingData { return standingData{m.data(), m.Name, m.Role.data()} }

// memberAdded tells of a member; invitation is nil when there was none.
func memberAdded(o *Organization, m *TeamMember, invitation *Invitation) ownEvent {
	var inviteID any
	if invitation != nil {
		inviteID = invitation.ID
	}
	return ownEvent{org: o, eventType: "org.member.added", data: struct {
		standingData
		InviteID any       `json:"inviteId"`
		At       time.Time `json:"joinedAt"`
	}{m.standing(), inviteID, m.CreatedAt}}
}

func memberRoleChanged(o *Organization, m *TeamMember, from Role, by Actor, at time.Time) ownEvent {
	return ownEvent{org: o, eventType: "org.member.role_changed", data: struct {
		memberData
		From string    `json:"previousRole"`
		To   string    `json:"newRole"`
		By   actorData `json:"changedBy"`
		At   time.Time `json:"changedAt"`
	}{m.data(), from.data(), m.Role.data(), by.data(), at}}
}

func memberUpdated(o *Organization, m *TeamMember, changes map[string]fieldChange, by Actor, at time.Time) ownEvent {
	return ownEvent{org: o, eventType: "org.member.updated", data: struct {
		memberData
		Role    string                 `json:"role"`
		Changes map[string]fieldChange `json:"changes"`
		By      actorData              `json:"updatedBy"`
		At      time.Time              `json:"updatedAt"`
	}{m.data(), m.Role.data(), changes, by.data(), at}}
}

func memberLeft(o *Organization, m *TeamMember, at time.Time) ownEvent {
	return ownEvent{org: o, eventType: "org.member.left", data: struct {
		standingData
		At time.Time `json:"leftAt"`
	}{m.standing(), at}}
}

func memberRemoved(o *Organization, m *TeamMember, by Actor, at time.Time) ownEvent {
	return ownEvent{org: o, eventType: "org.member.removed", data: struct {
		standingData
		By actorData `json:"removedBy"`
		At time.Time `json:"removedAt"`
	}{m.standing(), by.data(), at}}
}

type keyData struct {
	ID          string  `json:"apiKeyId"`
	Name        string  `json:"name"`
	Prefix      string  `json:"keyPrefix"`
	Permissions []Scope `json:"permissions"`
}

func (k *Key) data() keyData { return keyData{k.ID, k.Name, k.Masked(), k.Scopes} }

func keyCreated(o *Organization, k *Key, by Actor) ownEvent {
	return ownEvent{org: o, eventType: "api_key.created", data: struct {
		keyData
		By        actorData  `json:"createdBy"`
		ExpiresAt *time.Time `json:"expiresAt"`
		At        time.Time  `json:"createdAt"`
	}{k.data(), by.data(), k.ExpiresAt, k.CreatedAt}}
}

// keyRevoked tells of a key; an empty reason is none.
func keyRevoked(o *Organization, k *Key, reason string, by Actor, at time.Time) ownEvent {
	return ownEvent{org: o, eventType: "api_key.revoked", data: struct {
		keyData
		By     actorData `json:"revokedBy"`
		Reason any       `json:"reason"`
		At     time.Time `json:"revokedAt"`
	}{k.data(), by.data(), textOrNull(reason), at}}
}
