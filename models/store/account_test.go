package store_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"hookwell/internal/storetest"
	"hookwell/models"
	"hookwell/models/store"
	"hookwell/webhook"
)

const password = "correct horse battery staple"

// fields are where an Invalid error says that something is wrong.
func fields(t *testing.T, err error) []string {
	t.Helper()
	e := refusal(t, err, models.Invalid)
	return named(e.Fields, func(f webhook.Fault) string { return f.Field })
}

// refusal is the error as people see it; anything else would be a 500.
func refusal(t *testing.T, err error, kind models.Kind) *models.Error {
	t.Helper()
	if !models.IsKind(err, kind) {
		t.Fatalf("%v, want kind %d", err, kind)
	}
	return asError(err)
}

func TestSignUp(t *testing.T) {
	account := models.Account{Name: "Ada", Email: "Ada@Example.com ", Password: password}
	eachStore(t, func(t *testing.T, f *fixture) {
		before := dumpAll(t, f.Store)
		_, err := f.SignUp(t.Context(), models.SignupClosed, account, models.Actor{})
		refusal(t, err, models.Forbidden)
		bad := map[string]models.Account{
			"name":     {Name: " ", Email: "a@example.com", Password: password},
			"email":    {Name: "Ada", Email: "ada", Password: password},
			"password": {Name: "Ada", Email: "a@example.com", Password: strings.Repeat("ä", models.MinPassword-1)},
		}
		for field, account := range bad {
			_, err := f.SignUp(t.Context(), models.SignupOpen, account, models.Actor{})
			if got := fields(t, err); len(got) != 1 || got[0] != field {
				t.Errorf("%s: faults at %v", field, got)
			}
		}
		for _, email := range []string{"", "a@", "@example.com", "a b@example.com", "Ada <a@example.com>", "a\x00@example.com", "a@example.com\nb: c", strings.Repeat("a", 250) + "@example.com"} {
			_, err := f.SignUp(t.Context(), models.SignupOpen, models.Account{Name: "Ada\xff", Email: email, Password: strings.Repeat("x", store.MaxPassword+1)}, models.Actor{})
			if got := fields(t, err); !cmp.Equal(got, []string{"name", "email", "password"}) {
				t.Errorf("%q: faults at %v, want all three at once", email, got)
			}
		}
		sameRows(t, before, dumpAll(t, f.Store))

		if allowed, err := f.SignupAllowed(t.Context(), models.SignupFirst); !allowed || err != nil {
			t.Errorf("the first: %v, %v", allowed, err)
		}
		firstSignUps(t, f)
		for policy, want := range map[models.SignupPolicy]bool{models.SignupFirst: false, models.SignupOpen: true, models.SignupClosed: false} {
			if allowed, err := f.SignupAllowed(t.Context(), policy); allowed != want || err != nil {
				t.Errorf("%s: %v, %v", policy, allowed, err)
			}
		}
		user, err := f.SignUp(t.Context(), models.SignupOpen, account, models.Actor{})
		if err != nil || user.Email != "ada@example.com" {
			t.Fatal(user, err)
		}
		account.Email = "ADA@EXAMPLE.COM"
		_, err = f.SignUp(t.Context(), models.SignupOpen, account, models.Actor{})
		if got := fields(t, err); !cmp.Equal(got, []string{"email"}) {
			t.Errorf("the same address: faults at %v", got)
		}
		dumpAll(t, f.Store).holdsNowhere(t, "a password", password)
	})
}

// firstSignUps has ten people be the first at the same moment, each from an
// address of their own: few of one address may wait at once.
func firstSignUps(t *testing.T, f *fixture) {
	t.Helper()
	var signed atomic.Int32
	var all sync.WaitGroup
	for i := range 10 {
		all.Go(func() {
			account := models.Account{Name: "Eve", Email: fmt.Sprintf("eve%d@example.com", i), Password: password}
			_, err := f.SignUp(t.Context(), models.SignupFirst, account, models.Actor{RemoteAddress: fmt.Sprintf("192.0.2.%d", i+1)})
			if err == nil {
				signed.Add(1)
			} else if !models.IsKind(err, models.Forbidden) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if signed.Load() != 1 {
		t.Errorf("%d of ten were the first", signed.Load())
	}
}

func TestSignIn(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		longest := strings.Repeat("é", store.MaxPassword-len(password)) + password
		for email, secret := range map[string]string{"ada@example.com": password, "long@example.com": longest} {
			if _, err := f.SignUp(t.Context(), models.SignupOpen, models.Account{Name: "Ada", Email: email, Password: secret}, models.Actor{}); err != nil {
				t.Fatal(err)
			}
		}
		user, err := f.signIn(t, " ADA@example.com", password)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.signIn(t, "long@example.com", longest); err != nil {
			t.Error(err)
		}
		_, wrong := f.signIn(t, "ada@example.com", password+"!")
		for _, try := range [][2]string{{"nobody@example.com", password}, {"ada@example.com", ""}, {"", ""}, {"a\x00", password}, {"\xff", password},
			{"long@example.com", longest + "é"}, {"long@example.com", longest[:len(longest)-1]}} {
			_, err := f.signIn(t, try[0], try[1])
			if !models.IsKind(err, models.Unauthorized) || !cmp.Equal(asError(err), asError(wrong), cmpopts.IgnoreUnexported(models.Error{})) {
				t.Errorf("%q: %v, want the same as for a wrong password: %v", try[0], err, wrong)
			}
		}
		f.resets(t, user)
	})
}

// signIn is a sign-in with a password, from nowhere in particular.
func (f *fixture) signIn(t *testing.T, email, password string) (*models.User, error) {
	t.Helper()
	signed, err := f.SignIn(t.Context(), models.Credentials{Email: email, Password: password}, models.Actor{RemoteAddress: "192.0.2.7"})
	if err != nil {
		return nil, err
	}
	return signed.User, nil
}

func (f *fixture) resets(t *testing.T, user *models.User) {
	t.Helper()
	refusal(t, f.Operator().ResetPassword(t.Context(), user.Email, models.PasswordChange{New: "short"}), models.Invalid)
	if same, err := f.User(t.Context(), user.ID); err != nil || same.Stamp() != user.Stamp() {
		t.Errorf("a refused reset changed the stamp, %v", err)
	}
	// Even the same password again ends the sessions made before.
	if err := f.Operator().ResetPassword(t.Context(), "Ada@Example.com", models.PasswordChange{New: password}); err != nil {
		t.Fatal(err)
	}
	after, err := f.signIn(t, user.Email, password)
	if err != nil || after.Stamp() == user.Stamp() {
		t.Errorf("a reset left the stamp, %v", err)
	}
	if err := f.Operator().ResetPassword(t.Context(), user.Email, models.PasswordChange{New: password + "2"}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.signIn(t, user.Email, password); !models.IsKind(err, models.Unauthorized) {
		t.Errorf("the old password: %v", err)
	}
}

func TestUnknownAddressCostsTheSame(t *testing.T) {
	for _, cost := range []store.PasswordCost{store.DefaultPasswordCost, storetest.CheapPasswords} {
		f := newFixture(t, store.Options{SQLitePath: filepath.Join(t.TempDir(), "hookwell.db"), PasswordCost: cost})
		f.account(t, "ada@example.com")
		var hash string
		if err := f.DB().Raw("SELECT password_hash FROM users").Scan(&hash).Error; err != nil {
			t.Fatal(err)
		}
		real, _, _, err := argon2id.DecodeHash(hash)
		if err != nil {
			t.Fatal(err)
		}
		unknown, _, _, err := argon2id.DecodeHash(store.UnknownHash(cost))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(real, unknown); diff != "" {
			t.Errorf("cost (-real +unknown):\n%s", diff)
		}
		if real.Memory != cost.Memory || real.Iterations != cost.Passes {
			t.Errorf("a hash has %d KiB and %d passes, want %+v", real.Memory, real.Iterations, cost)
		}
	}
}

func TestSessions(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		sessions, data := f.Sessions(), []byte{0, 0xff, '\'', 1}
		const token = "gpFVHmTq0l1kD6S4eXUQd2tTqN7m3v5w"
		for _, hours := range []time.Duration{1, 2} { // the second moves the end
			if err := sessions.Commit(token, data, f.Now().Add(hours*time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		dumpAll(t, f.Store).holdsNowhere(t, "the token", token)
		f.clock.Advance(2*time.Hour - time.Minute)
		if got, found, err := sessions.Find(token); !found || err != nil || !bytes.Equal(got, data) {
			t.Errorf("found %v, %v, %v", got, found, err)
		}
		if err := f.PruneSessions(t.Context()); err != nil {
			t.Fatal(err)
		}
		if rows := dumpTable(t, f.Store, "sessions"); len(rows) != 1 {
			t.Errorf("pruning left %d, want the one in force", len(rows))
		}
		f.clock.Advance(time.Minute)
		for _, unknown := range []string{token, "", token + "x", "a\x00b"} {
			if _, found, err := sessions.Find(unknown); found || err != nil {
				t.Errorf("%q: %v, %v; want none", unknown, found, err)
			}
		}
		if err := f.PruneSessions(t.Context()); err != nil {
			t.Fatal(err)
		}
		if rows := dumpTable(t, f.Store, "sessions"); len(rows) != 0 {
			t.Errorf("pruning left %v", rows)
		}
		if err := sessions.Commit(token, data, f.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if err := sessions.Delete(token); err != nil {
			t.Fatal(err)
		}
		if _, found, _ := sessions.Find(token); found {
			t.Error("deleted and still there")
		}
	})
}

func TestSessionsOfAPerson(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		user, other := f.account(t, "ada@example.com"), f.account(t, "bob@example.com")
		commit := func(token string, use models.SessionUse) {
			t.Helper()
			if err := f.Sessions().CommitCtx(store.WithSessionUse(t.Context(), use), token, []byte{1}, f.Now().Add(30*24*time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		began := f.Now()
		commit("one", models.SessionUse{UserID: user.ID, UserAgent: "Firefox\x00\xff" + strings.Repeat("é", 600), RemoteAddress: "192.0.2.7"})
		f.clock.Advance(time.Hour)
		commit("two", models.SessionUse{UserID: user.ID, Since: began})
		commit("nobody's", models.SessionUse{})
		commit("bob's", models.SessionUse{UserID: other.ID})
		f.clock.Advance(time.Hour)
		commit("one", models.SessionUse{UserID: user.ID, RemoteAddress: "198.51.100.9", Held: true})

		p := f.As(user, models.Actor{})
		list, err := p.Sessions(t.Context())
		if err != nil || len(list) != 2 || !list[0].Is("one") || list[0].RemoteAddress != "198.51.100.9" || list[0].CreatedAt.Sub(began) > time.Minute ||
			!list[0].LastUsedAt.After(list[1].LastUsedAt) || !list[1].CreatedAt.Equal(began) || list[0].Is("two") || list[0].Data != nil {
			t.Fatalf("%+v, %v", list, err)
		}
		bobs, err := f.As(other, models.Actor{}).Sessions(t.Context())
		if err != nil || len(bobs) != 1 {
			t.Fatal(bobs, err)
		}
		before := dumpAll(t, f.Store)
		refusal(t, p.RevokeSession(t.Context(), bobs[0].ID), models.NotFound)
		refusal(t, p.RevokeSession(t.Context(), "ses_none"), models.NotFound)
		sameRows(t, before, dumpAll(t, f.Store))
		if err := p.RevokeSession(t.Context(), list[0].ID); err != nil {
			t.Fatal(err)
		}
		commit("one", models.SessionUse{UserID: user.ID, Held: true}) // by a request that was under way
		if _, found, err := f.Sessions().Find("one"); found || err != nil {
			t.Errorf("a session that was ended came back, %v", err)
		}
		commit("three", models.SessionUse{UserID: user.ID})
		if n, err := p.RevokeOtherSessions(t.Context(), "three"); n != 1 || err != nil {
			t.Errorf("%d ended, %v", n, err)
		}
		for token, want := range map[string]bool{"two": false, "three": true, "bob's": true, "nobody's": true} {
			if _, found, err := f.Sessions().Find(token); found != want || err != nil {
				t.Errorf("%s is there: %v, %v", token, found, err)
			}
		}
		f.clock.Advance(store.SessionIdle)
		if _, found, _ := f.Sessions().Find("three"); found {
			t.Error("a session lives on without use")
		}
		if err := f.PruneSessions(t.Context()); err != nil {
			t.Fatal(err)
		}
		if rows := dumpTable(t, f.Store, "sessions"); len(rows) != 0 {
			t.Errorf("pruning left %v", rows)
		}
	})
}
