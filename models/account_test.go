package models_test

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/google/go-cmp/cmp"

	"hookwell/models"
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
			_, err := f.SignUp(t.Context(), models.SignupOpen, models.Account{Name: "Ada\xff", Email: email, Password: strings.Repeat("x", models.MaxPassword+1)}, models.Actor{})
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

// firstSignUps has ten people be the first at the same moment.
func firstSignUps(t *testing.T, f *fixture) {
	t.Helper()
	var signed atomic.Int32
	var all sync.WaitGroup
	for i := range 10 {
		all.Go(func() {
			account := models.Account{Name: "Eve", Email: fmt.Sprintf("eve%d@example.com", i), Password: password}
			_, err := f.SignUp(t.Context(), models.SignupFirst, account, models.Actor{})
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

func TestAuthenticate(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		longest := strings.Repeat("é", models.MaxPassword)
		for email, secret := range map[string]string{"ada@example.com": password, "long@example.com": longest} {
			if _, err := f.SignUp(t.Context(), models.SignupOpen, models.Account{Name: "Ada", Email: email, Password: secret}, models.Actor{}); err != nil {
				t.Fatal(err)
			}
		}
		user, err := f.Authenticate(t.Context(), " ADA@example.com", password)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Authenticate(t.Context(), "long@example.com", longest); err != nil {
			t.Error(err)
		}
		_, wrong := f.Authenticate(t.Context(), "ada@example.com", password+"!")
		for _, try := range [][2]string{{"nobody@example.com", password}, {"ada@example.com", ""}, {"", ""}, {"a\x00", password}, {"\xff", password},
			{"long@example.com", longest + "é"}, {"long@example.com", longest[:len(longest)-2]}} {
			_, err := f.Authenticate(t.Context(), try[0], try[1])
			if !models.IsKind(err, models.Unauthorized) || !cmp.Equal(asError(err), asError(wrong)) {
				t.Errorf("%q: %v, want the same as for a wrong password: %v", try[0], err, wrong)
			}
		}
		f.resets(t, user)
	})
}

func (f *fixture) resets(t *testing.T, user *models.User) {
	t.Helper()
	refusal(t, f.Operator().ResetPassword(t.Context(), user.Email, "short"), models.Invalid)
	if same, err := f.User(t.Context(), user.ID); err != nil || same.Stamp() != user.Stamp() {
		t.Errorf("a refused reset changed the stamp, %v", err)
	}
	// Even the same password again ends the sessions made before.
	if err := f.Operator().ResetPassword(t.Context(), "Ada@Example.com", password); err != nil {
		t.Fatal(err)
	}
	after, err := f.Authenticate(t.Context(), user.Email, password)
	if err != nil || after.Stamp() == user.Stamp() {
		t.Errorf("a reset left the stamp, %v", err)
	}
	if err := f.Operator().ResetPassword(t.Context(), user.Email, password+"2"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Authenticate(t.Context(), user.Email, password); !models.IsKind(err, models.Unauthorized) {
		t.Errorf("the old password: %v", err)
	}
}

func TestUnknownAddressCostsTheSame(t *testing.T) {
	cost, salt, key, err := argon2id.DecodeHash(models.UnknownHash)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(models.PasswordCost, cost); diff != "" {
		t.Errorf("cost (-real +unknown):\n%s", diff)
	}
	if len(salt) != int(models.PasswordCost.SaltLength) || len(key) != int(models.PasswordCost.KeyLength) {
		t.Errorf("salt of %d, key of %d bytes", len(salt), len(key))
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
