package store_test

import (
	"testing"

	"hookwell/models"
	"hookwell/models/store"
)

// Whoever knew the password, or made the account under an address that is not
// theirs, keeps nothing once a new password is set.

func TestNewPasswordEndsChangeOfEmail(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		f = f.withMail(t)
		user := f.account(t, "ada@example.com")
		asked := func() string {
			t.Helper()
			now, err := f.User(ctx, user.ID)
			if err != nil {
				t.Fatal(err)
			}
			if err := f.proved(now).AskEmail(ctx, "eve@example.com"); err != nil {
				t.Fatal(err)
			}
			return f.letters(t)["eve@example.com"][0].Values.Token
		}
		ends := func(token, how string) {
			t.Helper()
			if _, err := f.ConfirmEmail(ctx, token, visitor); !models.IsKind(err, models.NotFound) {
				t.Errorf("%s: the address can still be changed: %v", how, err)
			}
			if now, err := f.User(ctx, user.ID); err != nil || now.Email != user.Email {
				t.Errorf("%s: the account is %v, %v", how, now, err)
			}
		}
		token := asked()
		if err := f.AskReset(ctx, user.Email, visitor); err != nil {
			t.Fatal(err)
		}
		if _, err := f.ResetPassword(ctx, f.token(t, user.Email), models.PasswordChange{New: password}, visitor); err != nil {
			t.Fatal(err)
		}
		ends(token, "reset")
		f.letters(t)

		token = asked()
		now, err := f.User(ctx, user.ID)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.As(now, models.Actor{}).ChangePassword(ctx, models.PasswordChange{Present: password, New: password + " anew"}, ""); err != nil {
			t.Fatal(err)
		}
		ends(token, "changed")
	})
}

func TestNewPasswordLeavesProofOfPresentEmail(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		f = f.withMail(t)
		user := f.account(t, "ada@example.com")
		if err := f.proved(user).AskEmail(ctx, user.Email); err != nil {
			t.Fatal(err)
		}
		token := f.token(t, user.Email)
		if _, err := f.As(user, models.Actor{}).ChangePassword(ctx, models.PasswordChange{Present: password, New: password + " anew"}, ""); err != nil {
			t.Fatal(err)
		}
		if now, err := f.ConfirmEmail(ctx, token, visitor); err != nil || !now.EmailVerified() {
			t.Errorf("%+v, %v", now, err)
		}
	})
}

func TestProofOfEmailEndsLinksOfWhoHadItNot(t *testing.T) {
	claims := models.Claims{Issuer: "https://accounts.example.com", Subject: "eve"}
	eachStore(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		f = f.withMail(t)
		user := f.account(t, "ada@example.com") // not proved
		reset := func() {
			t.Helper()
			if err := f.AskReset(ctx, user.Email, visitor); err != nil {
				t.Fatal(err)
			}
			if _, err := f.ResetPassword(ctx, f.token(t, user.Email), models.PasswordChange{New: password}, visitor); err != nil {
				t.Fatal(err)
			}
			f.letters(t)
		}
		link := func() {
			t.Helper()
			now, err := f.User(ctx, user.ID)
			if err != nil {
				t.Fatal(err)
			}
			if err := f.proved(now).LinkIdentity(ctx, claims); err != nil {
				t.Fatal(err)
			}
			f.letters(t)
		}
		link()
		reset()
		if _, err := f.SignInWith(ctx, claims, visitor); !models.IsCode(err, store.CodeUnknownIdentity) {
			t.Errorf("who made the account still gets in: %v", err)
		}
		link()
		reset()
		if _, err := f.SignInWith(ctx, claims, visitor); err != nil {
			t.Errorf("who has the address loses their link: %v", err)
		}
	})
}

func TestPersonIsToldOfNewWaysIn(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		f = f.withMail(t)
		user := f.account(t, "ada@example.com")
		f.twoFactor(t, user)
		f.letters(t)
		p := f.proved(user)
		told := func(want models.MailKind, of string) {
			t.Helper()
			list := f.letters(t)[user.Email]
			if len(list) != 1 || list[0].Secret || list[0].Kind != want || list[0].Values.Email != of {
				t.Errorf("told %+v, want one letter on %s", list, want)
			}
		}
		if err := p.LinkIdentity(t.Context(), models.Claims{Issuer: "https://accounts.example.com", Subject: "eve", Email: "Eve@example.com"}); err != nil {
			t.Fatal(err)
		}
		told(models.MailIdentityLinked, "eve@example.com")
		if err := f.As(user, models.Actor{}).DisableTwoFactor(t.Context()); !models.IsCode(err, store.CodeProof) {
			t.Fatal(err)
		}
		if got := f.letters(t); len(got) != 0 {
			t.Errorf("told of what was refused: %v", got)
		}
		if err := p.DisableTwoFactor(t.Context()); err != nil {
			t.Fatal(err)
		}
		told(models.MailTwoFactorOff, "")
	})
}

func TestKeyIsMadeByWhoStillMay(t *testing.T) {
	n := models.NewKey{Name: "k", Scopes: []string{"read"}}
	eachStore(t, func(t *testing.T, f *fixture) {
		c := newCrew(t, f)
		admin, admin2 := c.as("admin"), c.as("admin2") // both requests have begun
		if _, _, err := admin.CreateKey(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		if _, err := c.as("owner").RemoveMember(t.Context(), c.members["admin"]); err != nil {
			t.Fatal(err)
		}
		if _, err := c.as("owner").SetRole(t.Context(), c.members["admin2"], models.RoleGuest); err != nil {
			t.Fatal(err)
		}
		before := dumpAll(t, f.Store)
		if _, _, err := admin.CreateKey(t.Context(), n); !models.IsKind(err, models.NotFound) {
			t.Errorf("removed: %v", err)
		}
		if _, _, err := admin2.CreateKey(t.Context(), n); !models.IsKind(err, models.Forbidden) {
			t.Errorf("a guest by now: %v", err)
		}
		sameRows(t, before, dumpAll(t, f.Store))
	})
}
