package store_test

import (
	"maps"
	"slices"
	"testing"

	"hookwell/models"
)

// makes makes one key for each set of scopes and one invitation for each role,
// and returns the keys' texts by name.
func (c *crew) makes(t *testing.T, name string, keys map[string][]string, roles ...models.Role) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		_, text, err := c.as(name).CreateKey(t.Context(), models.NewKey{Name: key, Scopes: keys[key]})
		if err != nil {
			t.Fatal(err)
		}
		texts[key] = text
	}
	for _, role := range roles {
		if _, _, err := c.as(name).Invite(t.Context(), models.NewInvitation{Email: name + "-" + string(role) + "@example.org", Role: role}); err != nil {
			t.Fatal(err)
		}
	}
	return texts
}

// invited are the addresses whose invitations wait for an answer.
func (c *crew) invited(t *testing.T) []string {
	t.Helper()
	list, err := c.tenant.Invitations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	addresses := named(list, func(i models.Invitation) string { return i.Email })
	slices.Sort(addresses)
	return addresses
}

func (c *crew) scopesOf(t *testing.T, text string) []models.Scope {
	t.Helper()
	key, _, err := c.AuthenticateKey(t.Context(), text)
	if models.IsKind(err, models.Unauthorized) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return key.Scopes
}

// actionsSince are the audit rows written since a number of them, by name.
func (c *crew) actionsSince(t *testing.T, n int) (actions []string, all int) {
	t.Helper()
	var entries []models.AuditEntry
	if err := c.DB().Order("id").Find(&entries).Error; err != nil {
		t.Fatal(err)
	}
	actions = named(entries[n:], func(e models.AuditEntry) string { return e.Action })
	slices.Sort(actions)
	return actions, len(entries)
}

func TestRoleChangeRevokes(t *testing.T) {
	keys := map[string][]string{"reports": {"events:write"}, "reads": {"read"}, "changes": {"read", "write"}, "all": {"events:write", "read", "write"}}
	revoked := func(t *testing.T, c *crew, id string, role models.Role) []string {
		t.Helper()
		_, err := c.as("owner").SetRole(t.Context(), id, role)
		if !models.IsCode(err, models.CodeRevokes) {
			t.Fatalf("SetRole() without a word of what ends: %v", err)
		}
		ends, err := c.tenant.Revocations(t.Context(), id, role)
		if err != nil {
			t.Fatal(err)
		}
		return ends.IDs()
	}
	eachStore(t, func(t *testing.T, f *fixture) {
		c := newCrew(t, f)
		texts := c.makes(t, "admin", keys, models.RoleMember, models.RoleAdmin)
		other := c.makes(t, "admin2", keys, models.RoleGuest)
		ids := revoked(t, c, c.members["admin"], models.RoleMember)
		t.Run("only what was listed to who asks", func(t *testing.T) {
			before := dumpAll(t, f.Store)
			_, err := c.as("owner").SetRole(t.Context(), c.members["admin"], models.RoleMember, ids[1:]...)
			if !models.IsCode(err, models.CodeRevokes) {
				t.Errorf("one more ends than was listed: %v", err)
			}
			sameRows(t, before, dumpAll(t, f.Store))
		})
		t.Run("down to a member", func(t *testing.T) {
			_, rows := c.actionsSince(t, 0)
			if _, err := c.as("owner").SetRole(t.Context(), c.members["admin"], models.RoleMember, ids...); err != nil {
				t.Fatal(err)
			}
			want := map[string][]models.Scope{"reports": nil, "all": nil, "reads": {models.ScopeRead}, "changes": {models.ScopeRead}}
			for name, scopes := range want {
				if got := c.scopesOf(t, texts[name]); !slices.Equal(got, scopes) {
					t.Errorf("the key %q holds %v, want %v", name, got, scopes)
				}
				if got := c.scopesOf(t, other[name]); len(got) != len(keys[name]) {
					t.Errorf("the other admin's key %q holds %v", name, got)
				}
			}
			if got := c.invited(t); !slices.Equal(got, []string{"admin2-guest@example.org"}) {
				t.Errorf("invited: %v", got)
			}
			wantActions := []string{"invitation.revoked", "invitation.revoked", "key.narrowed", "key.revoked", "key.revoked", "member.role_changed"}
			if got, _ := c.actionsSince(t, rows); !slices.Equal(got, wantActions) {
				t.Errorf("audited %v", got)
			}
		})
		t.Run("down to a guest", func(t *testing.T) {
			ids := revoked(t, c, c.members["admin"], models.RoleGuest)
			if _, err := c.as("owner").SetRole(t.Context(), c.members["admin"], models.RoleGuest, ids...); err != nil {
				t.Fatal(err)
			}
			for name := range keys {
				if got := c.scopesOf(t, texts[name]); got != nil {
					t.Errorf("the key %q still holds %v", name, got)
				}
			}
		})
		t.Run("and upwards nothing ends", func(t *testing.T) {
			if _, err := c.as("owner").SetRole(t.Context(), c.members["admin2"], models.RoleOwner); err != nil {
				t.Error(err)
			}
		})
		t.Run("and who hands the ownership over takes back the owners they invited", func(t *testing.T) {
			c.makes(t, "owner2", nil, models.RoleOwner, models.RoleAdmin)
			_, err := c.as("owner2").TransferOwnership(t.Context(), c.members["member"])
			if !models.IsCode(err, models.CodeRevokes) {
				t.Fatalf("without a word of what ends: %v", err)
			}
			ends, err := c.tenant.Revocations(t.Context(), c.members["owner2"], models.RoleAdmin)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.as("owner2").TransferOwnership(t.Context(), c.members["member"], ends.IDs()...); err != nil {
				t.Fatal(err)
			}
			if got := c.invited(t); !slices.Equal(got, []string{"admin2-guest@example.org", "owner2-admin@example.org"}) {
				t.Errorf("invited: %v", got)
			}
		})
	})
}

func TestInvitationsEndWithTheMembership(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		c := newCrew(t, f)
		c.makes(t, "admin", nil, models.RoleAdmin)
		c.makes(t, "admin2", nil, models.RoleAdmin, models.RoleMember)
		list, err := f.tenant.Invitations(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range list { // whoever sends it again answers for it
			if i.Email == "admin2-member@example.org" {
				if _, _, err := c.as("owner").ResendInvitation(t.Context(), i.ID, false); err != nil {
					t.Fatal(err)
				}
			}
		}
		if _, err := c.as("owner").RemoveMember(t.Context(), c.members["admin"]); err != nil {
			t.Fatal(err)
		}
		if err := c.as("admin2").Leave(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := c.invited(t); !slices.Equal(got, []string{"admin2-member@example.org"}) {
			t.Errorf("still invited: %v", got)
		}
	})
}
