package store_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"hookwell/models"
	"hookwell/models/store"
)

// organizationOf is an organization of the user's own.
func (f *fixture) organizationOf(t *testing.T, user *models.User, name string) *store.Tenant {
	t.Helper()
	org, err := f.As(user, models.Actor{}).CreateOrganization(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	tenant, _, err := f.As(user, models.Actor{Kind: models.ActorUser, ID: user.ID, Name: user.Name}).Tenant(t.Context(), org.Slug)
	if err != nil {
		t.Fatal(err)
	}
	return tenant
}

func invite(tenant *store.Tenant, t *testing.T, email string) (*models.Invitation, error) {
	i, _, err := tenant.Invite(t.Context(), models.NewInvitation{Email: email, Role: models.RoleMember, ByMail: true})
	return i, err
}

// TestResetsToOneAddress asks at the same moment through two processes, then
// again and again.
func TestResetsToOneAddress(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		f = f.withMail(t)
		user := f.account(t, "ada@example.com")
		other := f.with(t, func(o *store.Options) { o.Mail = true })
		ask := func(s *store.Store, email string, from int) {
			t.Helper()
			if err := s.AskReset(t.Context(), email, models.Actor{RemoteAddress: fmt.Sprintf("192.0.2.%d", from)}); err != nil {
				t.Errorf("who asks is told %v", err)
			}
		}
		var all sync.WaitGroup
		for i := range 10 {
			all.Go(func() { ask([]*store.Store{f.Store, other}[i%2], user.Email, i) })
		}
		all.Wait()
		if n := len(f.letters(t)[user.Email]); n != 3 {
			t.Errorf("%d of 10 that were asked for at once were sent, want 3", n)
		}
		for i := range 50 { // over 50 minutes
			f.clock.Advance(time.Minute)
			ask(f.Store, user.Email, i%10)
		}
		if n := len(f.letters(t)[user.Email]); n != 0 {
			t.Errorf("%d more were sent within the hour", n)
		}
		f.clock.Advance(11 * time.Minute)
		for i := range 4 {
			ask(f.Store, user.Email, 20+i)
		}
		if n := len(f.letters(t)[user.Email]); n != 3 {
			t.Errorf("%d were sent in the next hour, want 3", n)
		}
	})
}

// TestInvitationsToOneAddress holds that organizations, and inviting anew,
// make no more messages of it, and that a refusal changes nothing.
func TestInvitationsToOneAddress(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		f = f.withMail(t)
		user := f.account(t, "mallory@example.com")
		const victim = "victim@example.com"
		sent := 0
		for n := range 5 {
			tenant := f.organizationOf(t, user, fmt.Sprintf("Organization %d", n))
			for range 4 {
				before := dumpAll(t, f.Store)
				i, err := invite(tenant, t, victim)
				if err != nil {
					if e := refusal(t, err, models.TooMany); e.RetryAfter <= 0 || !strings.Contains(e.Message, "3 messages within the hour") {
						t.Errorf("%+v", e)
					}
					sameRows(t, before, dumpAll(t, f.Store))
					continue
				}
				sent++
				if err := tenant.RevokeInvitation(t.Context(), i.ID); err != nil {
					t.Fatal(err)
				}
			}
		}
		if n := len(f.letters(t)[victim]); n != 3 || sent != 3 {
			t.Errorf("%d invitations were made and %d sent, want 3", sent, n)
		}
		tenant := f.organizationOf(t, user, "By a link")
		i, token, err := tenant.Invite(t.Context(), models.NewInvitation{Email: victim, Role: models.RoleMember})
		if err != nil || token == "" {
			t.Errorf("a link to copy is no mail: %v", err)
		}
		if _, _, err := tenant.ResendInvitation(t.Context(), i.ID, true); !models.IsKind(err, models.TooMany) {
			t.Errorf("sent again: %v", err)
		}
		// By day there are no more than six.
		for range 12 {
			f.clock.Advance(61 * time.Minute)
			if _, _, err := tenant.ResendInvitation(t.Context(), i.ID, true); err == nil {
				sent++
			}
		}
		if sent != 6 {
			t.Errorf("%d messages within the day, want 6", sent)
		}
	})
}

// TestMailToOneMailbox holds that what follows a + makes no other recipient,
// and stays in the address.
func TestMailToOneMailbox(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		f = f.withMail(t)
		user := f.account(t, "mallory@example.com")
		tenant := f.organizationOf(t, user, "Organization")
		sent := 0
		for n := range 8 {
			i, err := invite(tenant, t, fmt.Sprintf("stranger+%d@example.com", n))
			if err != nil {
				refusal(t, err, models.TooMany)
				continue
			}
			if sent++; i.Email != fmt.Sprintf("stranger+%d@example.com", n) {
				t.Errorf("invited was %s", i.Email)
			}
		}
		if sent != 3 {
			t.Errorf("%d of 8 invitations to one mailbox were sent, want 3", sent)
		}
		for _, same := range []string{"Stranger@EXAMPLE.com", "stranger@ｅｘａｍｐｌｅ.com", "stranger@example。com", "STRANGER+Tag@Example.Com"} {
			_, err := invite(tenant, t, same)
			refusal(t, err, models.TooMany)
		}
		if _, err := invite(tenant, t, "stranger@example.com."); !models.IsKind(err, models.Invalid) {
			t.Errorf("with a dot behind the domain: %v", err)
		}
		for _, other := range []string{"stranger@other.example", "+stranger@example.com", "strange@example.com"} {
			if _, err := invite(tenant, t, other); err != nil {
				t.Errorf("%s: %v", other, err)
			}
		}
		for n := range 8 {
			if err := f.AskSignUp(t.Context(), models.SignupOpen, models.Account{Name: "Eve", Email: fmt.Sprintf("eve+%d@example.com", n), Password: password}, models.Actor{RemoteAddress: fmt.Sprint("192.0.2.", n)}); err != nil {
				t.Fatal(err)
			}
		}
		f.clock.Advance(time.Hour) // by day there are six
		for n := range 8 {
			if _, err := invite(tenant, t, fmt.Sprintf("stranger+later%d@example.com", n)); err == nil {
				sent++
			}
		}
		f.clock.Advance(time.Hour)
		if _, err := invite(tenant, t, "stranger@example.com"); sent != 6 || !models.IsKind(err, models.TooMany) {
			t.Errorf("%d within the day, want 6, and then %v", sent, err)
		}
		letters, signUps := f.letters(t), 0
		for to := range letters {
			if strings.HasPrefix(to, "eve+") {
				signUps++
			}
		}
		if signUps != 3 || len(letters["stranger+0@example.com"]) != 1 {
			t.Errorf("%d sign-ups were sent to one mailbox, want 3", signUps)
		}
	})
}

// TestMailOfOnePerson holds that one person sends no more than 50 messages a day
// to however many addresses, and an organization no more than 100.
func TestMailOfOnePerson(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		f = f.withMail(t)
		c := newCrew(t, f)
		tenant := func(name string) *store.Tenant {
			own, err := f.Operator().Tenant(t.Context(), f.tenant.Organization().ID)
			if err != nil {
				t.Fatal(err)
			}
			return store.ActingAs(own, c.users[name])
		}
		sent := map[string]int{}
		for _, name := range []string{"owner", "owner2", "admin"} {
			for i := range 52 {
				_, err := invite(tenant(name), t, fmt.Sprintf("%s-%d@new.example", name, i))
				if err == nil {
					sent[name]++
				} else {
					refusal(t, err, models.TooMany)
				}
			}
		}
		if sent["owner"] != 50 || sent["owner2"] != 50 || sent["admin"] != 0 {
			t.Errorf("sent were %v, want 50 of a person and 100 of the organization", sent)
		}
		f.clock.Advance(24*time.Hour + time.Minute)
		if _, err := invite(tenant("admin"), t, "late@new.example"); err != nil {
			t.Errorf("a day later: %v", err)
		}
	})
}

// TestWordOfAnAccountArrives holds that nobody can use up what tells a person
// of a change of their own account.
func TestWordOfAnAccountArrives(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		f = f.withMail(t)
		user := f.account(t, "ada@example.com")
		for i := range 20 {
			if err := f.AskReset(t.Context(), user.Email, models.Actor{RemoteAddress: fmt.Sprintf("192.0.2.%d", i)}); err != nil {
				t.Fatal(err)
			}
		}
		f.letters(t)
		for n := range 25 {
			f.clock.Advance(7 * time.Minute) // within what may be set in an hour
			_, err := f.As(user, models.Actor{}).ChangePassword(t.Context(), models.PasswordChange{Present: password, New: fmt.Sprint(password, n)}, "")
			if got := len(f.letters(t)[user.Email]); err != nil || got != 1 {
				t.Fatalf("change %d: %v, and %d messages tell of it", n, err, got)
			}
			if err := f.Operator().ResetPassword(t.Context(), user.Email, models.PasswordChange{New: password}); err != nil {
				t.Fatal(err)
			}
			if got := len(f.letters(t)[user.Email]); got != 1 {
				t.Fatalf("reset %d: %d messages tell of it", n, got)
			}
			if user, err = f.User(t.Context(), user.ID); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestPasswordsSetInAnHour holds that setting one's own is bounded, also with
// the right one.
func TestPasswordsSetInAnHour(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		user, present, set := f.account(t, "ada@example.com"), password, 0
		for n := range 20 {
			p := f.As(user, models.Actor{})
			after, err := p.ChangePassword(t.Context(), models.PasswordChange{Present: present, New: fmt.Sprint(password, n)}, "")
			if err != nil {
				if e := refusal(t, err, models.TooMany); e.RetryAfter <= 0 {
					t.Errorf("%+v", e)
				}
				continue
			}
			set++
			user, present = after, fmt.Sprint(password, n)
		}
		if set != 10 {
			t.Errorf("%d were set, want 10", set)
		}
	})
}

// TestSignUpsFromOneAddress holds how many accounts one network makes, by
// itself, by a provider and by invitations.
func TestSignUpsFromOneAddress(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		count := func(of int, make func(i int) error) (made int) {
			t.Helper()
			var mu sync.Mutex
			var all sync.WaitGroup
			gate := newGate(8)
			for i := range of {
				all.Go(func() {
					defer gate()()
					err := make(i)
					mu.Lock()
					defer mu.Unlock()
					if err == nil {
						made++
					} else if e := asError(err); e == nil || e.Kind != models.TooMany || e.RetryAfter <= 0 {
						t.Errorf("%v", err)
					}
				})
			}
			all.Wait()
			return made
		}
		from := func(i int) models.Actor { return models.Actor{RemoteAddress: fmt.Sprintf("2001:db8::%x", i)} } // one /64
		made := count(30, func(i int) error {
			for {
				_, err := f.SignUp(t.Context(), models.SignupOpen, models.Account{Name: "Ada", Email: fmt.Sprintf("ada%d@example.com", i), Password: password}, from(i))
				if e := asError(err); e == nil || e.Code != "busy" {
					return err
				}
			}
		})
		if made != 10 {
			t.Errorf("%d accounts by sign-up, want 10", made)
		}
		if _, err := f.SignUp(t.Context(), models.SignupOpen, models.Account{Name: "Ada", Email: "next@example.com", Password: password}, models.Actor{RemoteAddress: "2001:db8:0:1::1"}); err != nil {
			t.Errorf("the network beside it: %v", err)
		}
		made = count(70, func(i int) error {
			email := fmt.Sprintf("bob%d@example.com", i)
			_, err := f.SignUpWith(t.Context(), models.SignupOpen, models.Claims{Issuer: "https://accounts.example.com", Subject: email, Email: email, EmailVerified: true}, from(i))
			return err
		})
		if made != 60 {
			t.Errorf("%d accounts by a provider, want 60", made)
		}
		_, token, err := f.tenant.Invite(t.Context(), models.NewInvitation{Email: "eve@example.com", Role: models.RoleMember})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := f.AcceptAsNew(t.Context(), token, models.Account{Name: "Eve", Password: password}, from(1)); !models.IsKind(err, models.TooMany) {
			t.Errorf("and one by an invitation: %v", err)
		}
		f.clock.Advance(time.Hour)
		if _, _, err := f.AcceptAsNew(t.Context(), token, models.Account{Name: "Eve", Password: password}, from(1)); err != nil {
			t.Errorf("an hour later: %v", err)
		}
	})
}

// newGate lets so many through at once: each calls what it got when it is done.
func newGate(most int) func() func() {
	places := make(chan struct{}, most)
	return func() func() {
		places <- struct{}{}
		return func() { <-places }
	}
}

// TestAskingTellsNothing holds that an address that an account has is answered
// as any other, and that who asked gets the same mail.
func TestAskingTellsNothing(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		f = f.withMail(t)
		user, other := f.account(t, "ada@example.com"), f.account(t, "bob@example.com")
		p := f.As(user, models.Actor{Kind: models.ActorUser, ID: user.ID}).Proved(f.Now())
		own := map[string]string{}
		for _, email := range []string{other.Email, "nobody@example.com"} {
			for n := range 5 {
				if err := p.AskEmail(t.Context(), email); (err != nil) != (n >= 3) || err != nil && !models.IsKind(err, models.TooMany) {
					t.Errorf("asking for %s, time %d: %v", email, n, err)
				}
			}
			for _, l := range f.letters(t)[user.Email] {
				own[email] += strings.ReplaceAll(fmt.Sprintf("%s %+v", l.Kind, l.Values), email, "...")
			}
		}
		if own[other.Email] != own["nobody@example.com"] || own[other.Email] == "" {
			t.Errorf("who asks is told %q of an address that is taken, and %q of one that is free", own[other.Email], own["nobody@example.com"])
		}
		f.clock.Advance(2 * time.Hour)
		for _, email := range []string{other.Email, "nobody@example.com"} {
			for range 10 {
				if err := f.AskReset(t.Context(), email, models.Actor{RemoteAddress: email}); err != nil {
					t.Errorf("a reset of %s: %v", email, err)
				}
			}
		}
		f.clock.Advance(2 * time.Hour)
		for _, email := range []string{other.Email, "nobody@example.com"} {
			before := len(dumpTable(t, f.Store, "account_links"))
			for range 5 {
				if err := f.AskSignUp(t.Context(), models.SignupOpen, models.Account{Name: "Eve", Email: email, Password: password}, models.Actor{RemoteAddress: email}); err != nil {
					t.Errorf("a sign-up as %s: %v", email, err)
				}
			}
			if rows := len(dumpTable(t, f.Store, "account_links")); rows != before+5 {
				t.Errorf("a sign-up as %s left %d rows, want 5", email, rows-before)
			}
		}
	})
}
