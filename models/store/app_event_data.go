package store

import (
	"cmp"
	"strings"
	"time"

	"hookwell/models"
	"hookwell/models/pipeline"
)

// What the app's own events carry, by the schemas of the catalog. Ids are ours,
// roles are in capitals there.

// actorData is who did something. Who has no id is named by their kind.
type actorData struct {
	ID    string `json:"id"`
	Email string `json:"email,omitempty"`
	Name  string `json:"name"`
}

func newActorData(a models.Actor) actorData {
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

func organizationCreated(o *models.Organization, by models.Actor) pipeline.AppEvent {
	return pipeline.AppEvent{Organization: o, Type: "org.created", Data: struct {
		organizationData
		By actorData `json:"createdBy"`
		At time.Time `json:"createdAt"`
	}{newOrganizationData(o), newActorData(by), o.CreatedAt}}
}

func organizationUpdated(o *models.Organization, changes map[string]fieldChange, by models.Actor) pipeline.AppEvent {
	return pipeline.AppEvent{Organization: o, Type: "org.updated", Data: struct {
		organizationData
		Changes map[string]fieldChange `json:"changes"`
		By      actorData              `json:"updatedBy"`
		At      time.Time              `json:"updatedAt"`
	}{newOrganizationData(o), changes, newActorData(by), o.UpdatedAt}}
}

func organizationDeleted(o *models.Organization, by models.Actor, at time.Time) pipeline.AppEvent {
	return pipeline.AppEvent{Organization: o, Type: "org.deleted", Data: struct {
		organizationData
		By actorData `json:"deletedBy"`
		At time.Time `json:"deletedAt"`
	}{newOrganizationData(o), newActorData(by), at}}
}

func roleCode(r models.Role) string { return strings.ToUpper(string(r)) }

func memberInvited(o *models.Organization, i *models.Invitation, by models.Actor) pipeline.AppEvent {
	return pipeline.AppEvent{Organization: o, Type: "org.member.invited", Data: struct {
		ID        string    `json:"inviteId"`
		Email     string    `json:"email"`
		Role      string    `json:"role"`
		By        actorData `json:"invitedBy"`
		ExpiresAt time.Time `json:"expiresAt"`
	}{i.ID, i.Email, roleCode(i.Role), newActorData(by), i.ExpiresAt}}
}

type memberData struct {
	ID     string `json:"memberId"`
	UserID string `json:"userId"`
	Email  string `json:"email"`
}

func newMemberData(m *models.TeamMember) memberData { return memberData{m.ID, m.UserID, m.Email} }

// standingData is a member with the name and the role.
type standingData struct {
	memberData
	Name string `json:"name"`
	Role string `json:"role"`
}

func newStandingData(m *models.TeamMember) standingData {
	return standingData{newMemberData(m), m.Name, roleCode(m.Role)}
}

// memberAdded tells of a member; invitation is nil when there was none.
func memberAdded(o *models.Organization, m *models.TeamMember, invitation *models.Invitation) pipeline.AppEvent {
	var inviteID any
	if invitation != nil {
		inviteID = invitation.ID
	}
	return pipeline.AppEvent{Organization: o, Type: "org.member.added", Data: struct {
		standingData
		InviteID any       `json:"inviteId"`
		At       time.Time `json:"joinedAt"`
	}{newStandingData(m), inviteID, m.CreatedAt}}
}

func memberRoleChanged(o *models.Organization, m *models.TeamMember, from models.Role, by models.Actor, at time.Time) pipeline.AppEvent {
	return pipeline.AppEvent{Organization: o, Type: "org.member.role_changed", Data: struct {
		memberData
		From string    `json:"previousRole"`
		To   string    `json:"newRole"`
		By   actorData `json:"changedBy"`
		At   time.Time `json:"changedAt"`
	}{newMemberData(m), roleCode(from), roleCode(m.Role), newActorData(by), at}}
}

func memberUpdated(o *models.Organization, m *models.TeamMember, changes map[string]fieldChange, by models.Actor, at time.Time) pipeline.AppEvent {
	return pipeline.AppEvent{Organization: o, Type: "org.member.updated", Data: struct {
		memberData
		Role    string                 `json:"role"`
		Changes map[string]fieldChange `json:"changes"`
		By      actorData              `json:"updatedBy"`
		At      time.Time              `json:"updatedAt"`
	}{newMemberData(m), roleCode(m.Role), changes, newActorData(by), at}}
}

func memberLeft(o *models.Organization, m *models.TeamMember, at time.Time) pipeline.AppEvent {
	return pipeline.AppEvent{Organization: o, Type: "org.member.left", Data: struct {
		standingData
		At time.Time `json:"leftAt"`
	}{newStandingData(m), at}}
}

func memberRemoved(o *models.Organization, m *models.TeamMember, by models.Actor, at time.Time) pipeline.AppEvent {
	return pipeline.AppEvent{Organization: o, Type: "org.member.removed", Data: struct {
		standingData
		By actorData `json:"removedBy"`
		At time.Time `json:"removedAt"`
	}{newStandingData(m), newActorData(by), at}}
}

type keyData struct {
	ID          string         `json:"apiKeyId"`
	Name        string         `json:"name"`
	Prefix      string         `json:"keyPrefix"`
	Permissions []models.Scope `json:"permissions"`
}

func keyCreated(o *models.Organization, k *models.Key, by models.Actor) pipeline.AppEvent {
	return pipeline.AppEvent{Organization: o, Type: "api_key.created", Data: struct {
		keyData
		By        actorData  `json:"createdBy"`
		ExpiresAt *time.Time `json:"expiresAt"`
		At        time.Time  `json:"createdAt"`
	}{newKeyData(k), newActorData(by), k.ExpiresAt, k.CreatedAt}}
}

// keyRevoked tells of a key; an empty reason is none.
func keyRevoked(o *models.Organization, k *models.Key, reason string, by models.Actor, at time.Time) pipeline.AppEvent {
	return pipeline.AppEvent{Organization: o, Type: "api_key.revoked", Data: struct {
		keyData
		By     actorData `json:"revokedBy"`
		Reason any       `json:"reason"`
		At     time.Time `json:"revokedAt"`
	}{newKeyData(k), newActorData(by), textOrNull(reason), at}}
}
