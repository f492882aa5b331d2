package views

import (
	"cmp"
	"strings"

	"hookwell/models"
	"hookwell/webhook"
)

// InviteForm is who is to be invited. Fields: email, role, by.
type InviteForm struct {
	Email  string
	Role   models.Role
	ByLink bool // to be copied, instead of mail
	Faults webhook.Faults
}

// TeamView is the page of members and invitations. Link is set only on the
// answer that makes it: it is shown once, for Invited.
type TeamView struct {
	Members     []models.TeamMember
	Invitations []models.Invitation
	Mail        bool // mail reaches somebody
	Form        InviteForm
	Invited     *models.Invitation
	Link        string
}

// MemberView is one member's page. Fields: title, role.
type MemberView struct {
	Member    models.TeamMember
	News      *models.MailNews // of the last message, for who may know it; nil is nothing
	Own       bool             // of who looks at it
	LastOwner bool
	Title     *string     // as it was typed; nil is as it is
	Role      models.Role // as it was chosen; empty is as it is
	Faults    webhook.Faults
}

func (v MemberView) title() string {
	if v.Title != nil {
		return *v.Title
	}
	return v.Member.Title
}

func (v MemberView) role() models.Role { return cmp.Or(v.Role, v.Member.Role) }

// EndView says what the end of a membership does, before it ends.
type EndView struct {
	Member    models.TeamMember
	LastOwner bool
	Ends      models.Revocations
}

// RoleView asks about a change of role that ends what the member made.
// Fields: role, ends.
type RoleView struct {
	Member models.TeamMember
	Role   models.Role // that is to be given; empty for a transfer of the ownership
	Ends   models.Revocations
}

func (v RoleView) title() string {
	if v.Role == "" {
		return "Transfer ownership to " + v.Member.Name + "?"
	}
	return "Change the role of " + v.Member.Name + "?"
}

func (v RoleView) words() string {
	if v.Role == "" {
		return v.Member.Name + " becomes an owner, and you become an admin. What you made beyond that role ends at once."
	}
	return v.Member.Name + " becomes " + string(v.Role) + ". What " + v.Member.Name + " made beyond that role ends at once."
}

func (v RoleView) verb() string {
	if v.Role == "" {
		return "Transfer ownership"
	}
	return "Change the role"
}

func (v RoleView) action(slug string) string {
	if v.Role == "" {
		return MemberTransferPath(slug, v.Member.ID)
	}
	return MemberRolePath(slug, v.Member.ID)
}

// keptWords returns the scopes that a narrowed key goes on with.
func keptWords(key models.NarrowedKey) string {
	var names []string
	for _, scope := range key.Kept {
		names = append(names, string(scope))
	}
	return "goes on with " + strings.Join(names, ", ")
}

// mayManage reports whether who looks at the page may change the member.
func (p Page) mayManage(role models.Role) bool { return p.Role.Manages(role) }

// roleChoices returns the roles that one may give, from the most to the least.
func roleChoices(own models.Role) []models.Role {
	var choices []models.Role
	for _, role := range models.Roles() {
		if own.Manages(role) {
			choices = append([]models.Role{role}, choices...)
		}
	}
	return choices
}

// roleWords returns a role with what it may do.
func roleWords(role models.Role) string {
	switch role {
	case models.RoleOwner:
		return "Owner: everything"
	case models.RoleAdmin:
		return "Admin: also endpoints, keys, team"
	case models.RoleMember:
		return "Member: also tests and resends"
	default:
		return "Guest: looks on"
	}
}

func invitedWords(i models.Invitation) string {
	return "The link for " + i.Email + ", shown once"
}
