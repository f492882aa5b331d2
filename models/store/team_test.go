package store_test

import (
	"crypto/rand"
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"hookwell/models"
)

// team is a member, somebody who was invited and has an account, and somebody
// who was invited and has none.
type team struct {
	colleague  *models.User
	member     *models.TeamMember // the colleague's membership
	invited    *models.User
	invitation *models.Invitation
	token      string // of the invitation
	newToken   string // of another, to an address without an account
}

// team writes its rows by itself: it reports nothing and takes no time.
func (f *fixture) team(t *testing.T, owner *models.User) team {
	t.Helper()
	id, now, org := strings.ToLower(rand.Text()), f.Now(), f.tenant.Organization().ID
	user := func(name string) *models.User {
		return &models.User{ID: "usr_" + name + id, Email: name + id + "@example.com", Name: name, PasswordHash: "none", CreatedAt: now, UpdatedAt: now}
	}
	invitation := func(name, token string) *models.Invitation {
		hash := sha256.Sum256([]byte(token))
		return &models.Invitation{ID: "inv_" + name + id, OrganizationID: org, Email: name + id + "@example.com", Role: models.RoleMember, TokenHash: hash[:],
			InvitedBy: "Ada", CreatedAt: now, SentAt: now, ExpiresAt: now.Add(time.Hour)}
	}
	m := team{colleague: user("colleague"), invited: user("invited"), token: id, newToken: "new" + id}
	m.member = &models.TeamMember{Member: models.Member{ID: "mem_colleague" + id, OrganizationID: org, UserID: m.colleague.ID, Role: models.RoleMember, CreatedAt: now}}
	m.invitation = invitation("invited", m.token)
	for _, row := range []any{m.colleague, m.invited, &m.member.Member, m.invitation, invitation("new", m.newToken)} {
		if err := f.DB().Create(row).Error; err != nil {
			t.Fatal(err)
		}
	}
	if err := f.DB().Exec("UPDATE members SET role = 'owner' WHERE user_id = ?", owner.ID).Error; err != nil {
		t.Fatal(err)
	}
	return m
}
