package store_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"hookwell/models"
	"hookwell/models/store"
)

// crew is the fixture's organization with one member of each role and more
// owners.
type crew struct {
	*fixture
	users   map[string]*models.User
	members map[string]string // their ids
}

func newCrew(t *testing.T, f *fixture) *crew {
	t.Helper()
	c := &crew{f, map[string]*models.User{}, map[string]string{}}
	for _, name := range []string{"owner", "owner2", "admin", "admin2", "member", "guest", "stranger"} {
		user := &models.User{ID: "usr_" + name, Email: name + "@example.com", Name: name, PasswordHash: "none", CreatedAt: f.Now(), UpdatedAt: f.Now()}
		if err := f.DB().Create(user).Error; err != nil {
			t.Fatal(err)
		}
		c.users[name] = user
		role := models.Role(strings.TrimSuffix(name, "2"))
		if name == "stranger" {
			continue
		}
		c.members[name] = "mem_" + name
		m := models.Member{ID: "mem_" + name, OrganizationID: f.tenant.Organization().ID, UserID: user.ID, Role: role, CreatedAt: f.Now()}
		if err := f.DB().Create(&m).Error; err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func (c *crew) as(name string) *store.Tenant { return store.ActingAs(c.tenant, c.users[name]) }

func (c *crew) role(t *testing.T, name string) models.Role {
	t.Helper()
	m, err := c.tenant.Member(t.Context(), c.members[name])
	if models.IsKind(err, models.NotFound) {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	return m.Role
}

func TestWhoMayGiveWhichRole(t *testing.T) {
	manages := func(actor, role string) bool { return actor == "owner" || actor == "admin" && role != "owner" }
	eachStore(t, func(t *testing.T, f *fixture) {
		c := newCrew(t, f)
		before := dumpAll(t, f.Store)
		for _, actor := range []string{"owner", "admin", "member", "guest"} {
			for _, target := range []string{"owner2", "admin2", "member", "guest"} {
				from := c.role(t, target)
				for _, to := range models.Roles() {
					_, err := c.as(actor).SetRole(t.Context(), c.members[target], to)
					if manages(actor, string(from)) && manages(actor, string(to)) {
						if err != nil || c.role(t, target) != to {
							t.Errorf("%s could not make %s %s: %v", actor, target, to, err)
						}
						if _, err := f.tenant.SetRole(t.Context(), c.members[target], from); err != nil {
							t.Fatal(err)
						}
						before = dumpAll(t, f.Store)
					} else {
						refusal(t, err, models.Forbidden)
						sameRows(t, before, dumpAll(t, f.Store))
					}
					if !manages(actor, string(to)) {
						_, _, err := c.as(actor).Invite(t.Context(), models.NewInvitation{Email: "new@example.com", Role: to})
						refusal(t, err, models.Forbidden)
					}
				}
				if !manages(actor, string(from)) {
					_, err := c.as(actor).RemoveMember(t.Context(), c.members[target])
					refusal(t, err, models.Forbidden)
					if actor != target {
						_, err = c.as(actor).SetTitle(t.Context(), c.members[target], "X")
						refusal(t, err, models.Forbidden)
					}
				}
				if actor != "owner" {
					_, err := c.as(actor).TransferOwnership(t.Context(), c.members[target])
					refusal(t, err, models.Forbidden)
				}
				sameRows(t, before, dumpAll(t, f.Store))
			}
			if actor != "owner" {
				refusal(t, c.as(actor).DeleteOrganization(t.Context()), models.Forbidden)
			}
		}
		t.Run("who is no member is not known", func(t *testing.T) {
			_, err := c.as("stranger").SetRole(t.Context(), c.members["guest"], models.RoleMember)
			refusal(t, err, models.NotFound)
			refusal(t, c.as("stranger").Leave(t.Context()), models.NotFound)
			sameRows(t, before, dumpAll(t, f.Store))
		})
		t.Run("a title is one's own affair too", func(t *testing.T) {
			if m, err := c.as("guest").SetTitle(t.Context(), c.members["guest"], "Auditor"); err != nil || m.Title != "Auditor" {
				t.Error(m, err)
			}
		})
	})
}

func TestTheLastOwnerStays(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		c := newCrew(t, f)
		if _, err := c.as("owner").SetRole(t.Context(), c.members["owner2"], models.RoleGuest); err != nil {
			t.Fatal(err)
		}
		before := dumpAll(t, f.Store)
		for what, try := range map[string]func() error{
			"leaves": func() error { return c.as("owner").Leave(t.Context()) },
			"is demoted": func() error {
				_, err := f.tenant.SetRole(t.Context(), c.members["owner"], models.RoleAdmin)
				return err
			},
			"is removed": func() error { _, err := f.tenant.RemoveMember(t.Context(), c.members["owner"]); return err },
			"steps down": func() error {
				_, err := c.as("owner").SetRole(t.Context(), c.members["owner"], models.RoleAdmin)
				return err
			},
		} {
			if e := refusal(t, try(), models.Conflict); e.Code != "last_owner" {
				t.Errorf("%s: %s", what, e.Code)
			}
		}
		sameRows(t, before, dumpAll(t, f.Store))
	})
}

func TestOwnersLeaveAtOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		for round := range 5 {
			c := newCrew(t, &fixture{Store: f.Store, clock: f.clock, tenant: f.organization(t, fmt.Sprintf("Round %d", round)), woken: f.woken})
			var all sync.WaitGroup
			for i, name := range []string{"owner", "owner2"} {
				all.Go(func() {
					var err error
					if i == round%2 {
						_, err = c.as(name).SetRole(t.Context(), c.members[name], models.RoleMember)
					} else {
						err = c.as(name).Leave(t.Context())
					}
					if err != nil && !models.IsKind(err, models.Conflict) {
						t.Error(err)
					}
				})
			}
			all.Wait()
			owners := 0
			for _, name := range []string{"owner", "owner2"} {
				if c.role(t, name) == models.RoleOwner {
					owners++
				}
			}
			if owners != 1 {
				t.Errorf("%d owners are left", owners)
			}
			if err := f.DB().Exec("DELETE FROM members").Error; err != nil {
				t.Fatal(err)
			}
			if err := f.DB().Exec("DELETE FROM users").Error; err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestTransferOwnership(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		c := newCrew(t, f)
		if _, err := c.as("owner").TransferOwnership(t.Context(), c.members["member"]); err != nil {
			t.Fatal(err)
		}
		if c.role(t, "member") != models.RoleOwner || c.role(t, "owner") != models.RoleAdmin || c.role(t, "owner2") != models.RoleOwner {
			t.Error("the roles are", c.role(t, "member"), c.role(t, "owner"), c.role(t, "owner2"))
		}
		types, data := reported(t, f.tenant)
		if !slices.Equal(types, []string{"org.member.role_changed", "org.member.role_changed"}) {
			t.Errorf("reported %v", types)
		}
		if last := data["org.member.role_changed"]; last["userId"] != "usr_owner" || last["previousRole"] != "OWNER" || last["newRole"] != "ADMIN" {
			t.Errorf("the last says %v", last)
		}
		t.Run("not to oneself", func(t *testing.T) {
			_, err := c.as("member").TransferOwnership(t.Context(), c.members["member"])
			refusal(t, err, models.Conflict)
		})
		t.Run("to another owner makes an admin", func(t *testing.T) {
			if _, err := c.as("member").TransferOwnership(t.Context(), c.members["owner2"]); err != nil || c.role(t, "member") != models.RoleAdmin {
				t.Error(err, c.role(t, "member"))
			}
			if types, _ := reported(t, f.tenant); len(types) != 3 {
				t.Errorf("reported %v", types)
			}
		})
	})
}

func TestKeysEndWithTheirMaker(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		c := newCrew(t, f)
		texts := map[string]string{}
		for _, name := range []string{"admin", "admin2", "owner"} {
			for i := range 2 {
				key, text, err := c.as(name).CreateKey(t.Context(), models.NewKey{Name: fmt.Sprint(name, i), Scopes: []string{"read"}})
				if err != nil {
					t.Fatal(err)
				}
				texts[key.Name] = text
			}
		}
		other := f.organization(t, "Other")
		if err := f.DB().Create(&models.Member{ID: "mem_elsewhere", OrganizationID: other.Organization().ID, UserID: "usr_admin", Role: models.RoleAdmin, CreatedAt: f.Now()}).Error; err != nil {
			t.Fatal(err)
		}
		_, elsewhere, err := store.ActingAs(other, c.users["admin"]).CreateKey(t.Context(), models.NewKey{Name: "elsewhere", Scopes: []string{"read"}})
		if err != nil {
			t.Fatal(err)
		}
		texts["elsewhere"] = elsewhere
		if ends, err := f.tenant.Revocations(t.Context(), c.members["admin"], ""); err != nil || !slices.Equal(named(ends.Keys, func(k models.Key) string { return k.Name }), []string{"admin0", "admin1"}) {
			t.Errorf("the admin's keys: %v, %v", ends, err)
		}
		before, _ := reported(t, f.tenant)
		if _, err := c.as("owner").RemoveMember(t.Context(), c.members["admin"]); err != nil {
			t.Fatal(err)
		}
		if err := c.as("admin2").Leave(t.Context()); err != nil {
			t.Fatal(err)
		}
		for name, text := range texts {
			_, _, err := f.AuthenticateKey(t.Context(), text)
			if works := err == nil; works != (name == "owner0" || name == "owner1" || name == "elsewhere") {
				t.Errorf("%s: %v", name, err)
			}
		}
		types, data := reported(t, f.tenant)
		want := []string{"org.member.removed", "api_key.revoked", "api_key.revoked", "org.member.left", "api_key.revoked", "api_key.revoked"}
		if !slices.Equal(types[len(before):], want) {
			t.Errorf("reported %v", types[len(before):])
		}
		if removed := data["org.member.removed"]; removed["userId"] != "usr_admin" || removed["role"] != "ADMIN" || removed["removedBy"].(map[string]any)["id"] != "usr_owner" {
			t.Errorf("removed: %v", removed)
		}
		if left := data["org.member.left"]; left["userId"] != "usr_admin2" || left["name"] != "admin2" {
			t.Errorf("left: %v", left)
		}
		t.Run("and who is removed sees nothing more", func(t *testing.T) {
			_, _, err := f.As(c.users["admin"], models.Actor{}).Tenant(t.Context(), f.tenant.Organization().Slug)
			refusal(t, err, models.NotFound)
			_, err = c.as("admin").SetRole(t.Context(), c.members["guest"], models.RoleMember) // by a request that began before
			refusal(t, err, models.NotFound)
		})
	})
}
