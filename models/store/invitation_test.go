package store_test

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hookwell/models"
	"hookwell/models/store"
)

func (c *crew) invite(t *testing.T, email string, role models.Role) (*models.Invitation, string) {
	t.Helper()
	i, token, err := c.as("owner").Invite(t.Context(), models.NewInvitation{Email: email, Role: role})
	if err != nil {
		t.Fatal(err)
	}
	return i, token
}

func TestInvitations(t *testing.T) {
	newcomer := models.Account{Name: "Elena", Password: password}
	eachStore(t, func(t *testing.T, f *fixture) {
		c := newCrew(t, f)
		i, token := c.invite(t, " Elena@Example.com ", models.RoleMember)
		all := dumpAll(t, f.Store)
		all.holdsNowhere(t, "the token", token)
		t.Run("is for its address", func(t *testing.T) {
			_, err := f.As(c.users["stranger"], models.Actor{}).Accept(t.Context(), token)
			if e := refusal(t, err, models.Forbidden); e.Code != "other_address" {
				t.Error(e.Code)
			}
			sameRows(t, all, dumpAll(t, f.Store))
		})
		t.Run("makes an account of its address, whatever is asked", func(t *testing.T) {
			account := newcomer
			account.Email = "mallory@example.com"
			user, org, err := f.AcceptAsNew(t.Context(), token, account, models.Actor{})
			if err != nil || user.Email != "elena@example.com" || org.ID != f.tenant.Organization().ID {
				t.Fatal(user, org, err)
			}
			m, err := store.ActingAs(f.tenant, user).Own(t.Context())
			if err != nil || m.Role != models.RoleMember {
				t.Error(m, err)
			}
			types, data := reported(t, f.tenant)
			if !slices.Equal(types, []string{"org.member.invited", "org.member.added"}) {
				t.Errorf("reported %v", types)
			}
			want := map[string]any{"inviteId": i.ID, "email": "elena@example.com", "role": "MEMBER", "invitedBy": map[string]any{"id": "usr_owner", "name": "owner"}}
			if d := cmp.Diff(want, without(data["org.member.invited"], "expiresAt")); d != "" {
				t.Error(d)
			}
			if data["org.member.added"]["inviteId"] != i.ID {
				t.Errorf("added by %v", data["org.member.added"]["inviteId"])
			}
		})
		t.Run("works once", func(t *testing.T) {
			before := dumpAll(t, f.Store)
			_, _, err := f.AcceptAsNew(t.Context(), token, newcomer, models.Actor{})
			refusal(t, err, models.NotFound)
			_, err = f.As(c.users["stranger"], models.Actor{}).Accept(t.Context(), token)
			refusal(t, err, models.NotFound)
			sameRows(t, before, dumpAll(t, f.Store))
		})
		t.Run("is accepted by the account of its address", func(t *testing.T) {
			_, token := c.invite(t, "stranger@example.com", models.RoleAdmin)
			_, _, err := f.AcceptAsNew(t.Context(), token, newcomer, models.Actor{})
			refusal(t, err, models.Conflict)
			if _, err := f.As(c.users["stranger"], models.Actor{}).Accept(t.Context(), token); err != nil {
				t.Fatal(err)
			}
			if _, role, err := f.As(c.users["stranger"], models.Actor{}).Tenant(t.Context(), f.tenant.Organization().Slug); err != nil || role != models.RoleAdmin {
				t.Error(role, err)
			}
		})
		t.Run("goes to nobody who is there or was asked already", func(t *testing.T) {
			c.invite(t, "waits@example.com", models.RoleGuest)
			before := dumpAll(t, f.Store)
			for _, email := range []string{"guest@example.com", "ELENA@example.com", "waits@example.com", "", "nobody", "a@b@c", "a b@example.com", "a@-b", "ä@example.com", strings.Repeat("x", 65) + "@example.com"} {
				_, _, err := c.as("owner").Invite(t.Context(), models.NewInvitation{Email: email, Role: models.RoleGuest})
				if got := fields(t, err); !slices.Equal(got, []string{"email"}) {
					t.Errorf("%q: faults at %v", email, got)
				}
			}
			sameRows(t, before, dumpAll(t, f.Store))
		})
		t.Run("sent again has a new link and a new week", func(t *testing.T) {
			i, old := c.invite(t, "late@example.com", models.RoleGuest)
			told, _ := reported(t, f.tenant)
			f.clock.Advance(6 * 24 * time.Hour)
			_, fresh, err := c.as("admin").ResendInvitation(t.Context(), i.ID, false)
			if err != nil {
				t.Fatal(err)
			}
			f.clock.Advance(6 * 24 * time.Hour)
			if _, err := f.Offer(t.Context(), old); !models.IsKind(err, models.NotFound) {
				t.Errorf("the old link: %v", err)
			}
			if offer, err := f.Offer(t.Context(), fresh); err != nil || offer.Organization.ID != f.tenant.Organization().ID {
				t.Errorf("the new link: %+v, %v", offer, err)
			}
			if again, _ := reported(t, f.tenant); len(again) != len(told) {
				t.Errorf("reported %v more", again[len(told):])
			}
			f.clock.Advance(24 * time.Hour)
			if _, err := f.Offer(t.Context(), fresh); !models.IsKind(err, models.NotFound) {
				t.Errorf("after a week: %v", err)
			}
			if _, _, err := f.AcceptAsNew(t.Context(), fresh, newcomer, models.Actor{}); !models.IsKind(err, models.NotFound) {
				t.Errorf("accepted after a week: %v", err)
			}
			c.invite(t, "late@example.com", models.RoleGuest) // the one that ran out makes room
		})
		t.Run("revoked is gone", func(t *testing.T) {
			i, token := c.invite(t, "never@example.com", models.RoleGuest)
			if err := c.as("admin").RevokeInvitation(t.Context(), i.ID); err != nil {
				t.Fatal(err)
			}
			if _, err := f.Offer(t.Context(), token); !models.IsKind(err, models.NotFound) {
				t.Error(err)
			}
			refusal(t, c.as("admin").RevokeInvitation(t.Context(), i.ID), models.NotFound)
			_, _, err := c.as("admin").ResendInvitation(t.Context(), i.ID, false)
			refusal(t, err, models.NotFound)
		})
		t.Run("of an owner is an owner's affair", func(t *testing.T) {
			i, _ := c.invite(t, "boss@example.com", models.RoleOwner)
			refusal(t, c.as("admin").RevokeInvitation(t.Context(), i.ID), models.Forbidden)
			_, _, err := c.as("admin").ResendInvitation(t.Context(), i.ID, false)
			refusal(t, err, models.Forbidden)
		})
		t.Run("of a deleted organization is gone", func(t *testing.T) {
			_, token := c.invite(t, "gone@example.com", models.RoleGuest)
			if err := c.as("owner").DeleteOrganization(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, _, err := f.AcceptAsNew(t.Context(), token, newcomer, models.Actor{}); !models.IsKind(err, models.NotFound) {
				t.Error(err)
			}
		})
	})
}

func TestAnInvitationIsUsedOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		c := newCrew(t, f)
		_, token := c.invite(t, "stranger@example.com", models.RoleGuest)
		var all sync.WaitGroup
		var accepted atomic.Int32
		for range 4 {
			all.Go(func() {
				_, err := f.As(c.users["stranger"], models.Actor{}).Accept(t.Context(), token)
				if err == nil {
					accepted.Add(1)
				} else if !models.IsKind(err, models.NotFound) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := accepted.Load(); n != 1 {
			t.Errorf("accepted %d times", n)
		}
	})
}

func TestAnInvitationByMail(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		mailing := f.with(t, func(o *store.Options) { o.Mail = true })
		tenant, err := mailing.Operator().Tenant(t.Context(), f.tenant.Organization().ID)
		if err != nil {
			t.Fatal(err)
		}
		i, token, err := tenant.Invite(t.Context(), models.NewInvitation{Email: "elena@example.com", Role: models.RoleMember, ByMail: true})
		if err != nil || token != "" {
			t.Fatalf("the link is shown to who invites: %q, %v", token, err)
		}
		letters, err := mailing.ClaimMail(t.Context())
		if err != nil || len(letters) != 1 || letters[0].To != "elena@example.com" || !letters[0].Secret {
			t.Fatal(letters, err)
		}
		if token = letters[0].Values.Token; letters[0].Kind != models.MailInvitation || token == "" {
			t.Fatalf("the mail is %s with the token %q, want an invitation with its own", letters[0].Kind, token)
		}
		user, _, err := mailing.AcceptAsNew(t.Context(), token, models.Account{Name: "Elena", Password: password}, models.Actor{})
		if err != nil || user.EmailVerifiedAt == nil {
			t.Errorf("who has the link from the mail has the address: %+v, %v", user, err)
		}
		if _, _, err := tenant.ResendInvitation(t.Context(), i.ID, true); !models.IsKind(err, models.NotFound) {
			t.Errorf("sent again after it was accepted: %v", err)
		}
		_, token, err = tenant.Invite(t.Context(), models.NewInvitation{Email: "copied@example.com", Role: models.RoleMember})
		if err != nil {
			t.Fatal(err)
		}
		user, _, err = f.AcceptAsNew(t.Context(), token, models.Account{Name: "Copied", Password: password}, models.Actor{})
		if err != nil || user.EmailVerifiedAt != nil {
			t.Errorf("a link that was passed on proves no address: %+v, %v", user, err)
		}
	})
}

// TestACopiedInvitationTellsNothing holds that whoever has a link that was
// copied, as who invited has, is answered alike whether or not the address has
// an account, and that only who has the address gets further.
func TestACopiedInvitationTellsNothing(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		f = f.withMail(t)
		ctx := t.Context()
		known := f.account(t, "known@example.com")
		tenant, err := f.Operator().Tenant(ctx, f.tenant.Organization().ID)
		if err != nil {
			t.Fatal(err)
		}
		accept := func(email string) string {
			t.Helper()
			_, token, err := tenant.Invite(ctx, models.NewInvitation{Email: email, Role: models.RoleMember})
			if err != nil {
				t.Fatal(err)
			}
			for range 5 { // of which three send mail
				user, org, err := f.AcceptAsNew(ctx, token, models.Account{Name: "Mallory", Password: password}, visitor)
				if err != nil || user != nil || org.ID != tenant.Organization().ID {
					t.Errorf("%s is answered %v, %v, %v", email, user, org, err)
				}
			}
			return token
		}
		token := accept(known.Email)
		letters := f.letters(t)[known.Email]
		if len(letters) != 3 || !letters[0].Secret || letters[0].Kind != models.MailJoinKnown || letters[0].Values.Token != token {
			t.Errorf("who has an account gets %+v", letters)
		}
		accept("new@example.com")
		letters = f.letters(t)["new@example.com"]
		if len(letters) != 3 || !letters[0].Secret {
			t.Fatalf("who has none gets %+v", letters)
		}
		link := letters[0].Values.Token
		user, err := f.FinishSignUp(ctx, models.SignupClosed, link, visitor)
		if err != nil || user.Email != "new@example.com" || user.EmailVerifiedAt == nil {
			t.Fatalf("%+v, %v", user, err)
		}
		if m, err := store.ActingAs(tenant, user).Own(ctx); err != nil || m.Role != models.RoleMember {
			t.Errorf("the membership is %+v, %v", m, err)
		}
		if _, err := f.FinishSignUp(ctx, models.SignupClosed, link, visitor); !models.IsKind(err, models.NotFound) {
			t.Errorf("a second time: %v", err)
		}
		f.clock.Advance(time.Hour)
		i, token, err := tenant.Invite(ctx, models.NewInvitation{Email: "late@example.com", Role: models.RoleOwner})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := f.AcceptAsNew(ctx, token, models.Account{Name: "Late", Password: password}, visitor); err != nil {
			t.Fatal(err)
		}
		link = f.letters(t)["late@example.com"][0].Values.Token
		if err := tenant.RevokeInvitation(ctx, i.ID); err != nil {
			t.Fatal(err)
		}
		before := dumpAll(t, f.Store)
		if _, err := f.FinishSignUp(ctx, models.SignupOpen, link, visitor); !models.IsKind(err, models.NotFound) {
			t.Errorf("after the invitation was revoked: %v", err)
		}
		sameRows(t, before, dumpAll(t, f.Store))
	})
}
