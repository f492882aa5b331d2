package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hookwell/models"
	"hookwell/models/store"
)

// waysIn are all changes of the ways into an account.
var waysIn = map[string]func(ctx context.Context, p *store.Person) error{
	"link a provider": func(ctx context.Context, p *store.Person) error {
		return p.LinkIdentity(ctx, models.Claims{Issuer: "https://accounts.example.com", Subject: "eve"})
	},
	"unlink a provider": func(ctx context.Context, p *store.Person) error {
		return p.UnlinkIdentity(ctx, "https://accounts.example.com", "ada")
	},
	"another address": func(ctx context.Context, p *store.Person) error { return p.AskEmail(ctx, "eve@example.com") },
	"begin a second factor": func(ctx context.Context, p *store.Person) error {
		return p.BeginTwoFactor(ctx)
	},
	"enable a second factor": func(ctx context.Context, p *store.Person) error {
		_, err := p.EnableTwoFactor(ctx, "000000")
		return err
	},
	"disable the second factor": func(ctx context.Context, p *store.Person) error { return p.DisableTwoFactor(ctx) },
	"new recovery codes": func(ctx context.Context, p *store.Person) error {
		_, err := p.RenewRecoveryCodes(ctx)
		return err
	},
}

func TestWaysInAskForProof(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		f = f.withMail(t)
		user := f.account(t, "ada@example.com")
		f.twoFactor(t, user)
		if err := f.proved(user).LinkIdentity(t.Context(), models.Claims{Issuer: "https://accounts.example.com", Subject: "ada"}); err != nil {
			t.Fatal(err)
		}
		f.clock.Advance(time.Minute)
		before := dumpAll(t, f.Store)
		old := f.proved(user)
		f.clock.Advance(store.ProofLife + time.Second)
		early := f.As(user, models.Actor{}).Proved(f.Now().Add(time.Minute))
		for name, change := range waysIn {
			for when, p := range map[string]*store.Person{"never": f.As(user, models.Actor{}), "long ago": old, "in the future": early} {
				if err := change(t.Context(), p); !models.IsCode(err, store.CodeProof) {
					t.Errorf("%s, proved %s: %v", name, when, err)
				}
			}
		}
		sameRows(t, before, dumpAll(t, f.Store))
		for name, change := range waysIn {
			if err := change(t.Context(), f.proved(user)); models.IsCode(err, store.CodeProof) {
				t.Errorf("%s asks again after a proof", name)
			}
		}
	})
}

func TestProve(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		user := f.account(t, "ada@example.com")
		p := f.As(user, models.Actor{})
		if _, err := p.Prove(t.Context(), "not the password at all", ""); !cmp.Equal(fields(t, err), []string{"password"}) {
			t.Errorf("a wrong password: %v", err)
		}
		if proved, err := p.Prove(t.Context(), password, ""); err != nil || proved.CheckProof() != nil {
			t.Errorf("the password, without a second factor: %v", err)
		}
		codes := f.twoFactor(t, user)
		for _, wrong := range []string{"", "000000", f.codeOf(user)} { // the last one turned it on
			if _, err := p.Prove(t.Context(), password, wrong); !cmp.Equal(fields(t, err), []string{"code"}) {
				t.Errorf("the code %q: %v", wrong, err)
			}
			f.clock.Advance(time.Hour)
		}
		for _, right := range []string{f.codeOf(user), codes[0]} {
			if proved, err := p.Prove(t.Context(), password, right); err != nil || proved.CheckProof() != nil {
				t.Errorf("the code %q: %v", right, err)
			}
			if _, err := p.Prove(t.Context(), password, right); !cmp.Equal(fields(t, err), []string{"code"}) {
				t.Errorf("the code %q again: %v", right, err)
			}
			f.clock.Advance(time.Hour)
		}
		t.Run("a new password takes a code too", func(t *testing.T) {
			change := models.PasswordChange{Present: password, New: password + " anew"}
			if _, err := p.ChangePassword(t.Context(), change, ""); !cmp.Equal(fields(t, err), []string{"code"}) {
				t.Errorf("without a code: %v", err)
			}
			change.Code = codes[1]
			if _, err := p.ChangePassword(t.Context(), change, ""); err != nil {
				t.Error(err)
			}
		})
	})
}

func TestProveWithProvider(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		claims := models.Claims{Issuer: "https://accounts.example.com", Subject: "ada", Name: "Ada", Email: "ada@example.com", EmailVerified: true, SignedInAt: f.Now()}
		user, err := f.SignUpWith(t.Context(), models.SignupOpen, claims, visitor)
		if err != nil {
			t.Fatal(err)
		}
		p := f.As(user, models.Actor{})
		change := models.PasswordChange{New: password}
		if _, err := p.ChangePassword(t.Context(), change, ""); !models.IsCode(err, store.CodeProof) {
			t.Errorf("a first password without a proof: %v", err)
		}
		if _, err := p.Prove(t.Context(), "", ""); !models.IsCode(err, store.CodeProof) {
			t.Errorf("no password proves nothing: %v", err)
		}
		since := f.Now()
		for name, bad := range map[string]models.Claims{
			"another subject":  {Issuer: claims.Issuer, Subject: "eve", SignedInAt: since},
			"another issuer":   {Issuer: "https://evil.example.com", Subject: "ada", SignedInAt: since},
			"a sign-in of old": {Issuer: claims.Issuer, Subject: "ada", SignedInAt: since.Add(-time.Hour)},
			"no time":          {Issuer: claims.Issuer, Subject: "ada"},
		} {
			if _, err := p.ProveWith(t.Context(), bad, since); !models.IsCode(err, "provider_proof") {
				t.Errorf("%s: %v", name, err)
			}
		}
		proved, err := p.ProveWith(t.Context(), claims, since)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := proved.ChangePassword(t.Context(), change, ""); err != nil {
			t.Error(err)
		}
	})
}

func TestNewPasswordUnlinks(t *testing.T) {
	claims := models.Claims{Issuer: "https://accounts.example.com", Subject: "ada"}
	eachStore(t, func(t *testing.T, f *fixture) {
		f = f.withMail(t)
		user := f.account(t, "ada@example.com")
		changes := map[string]func(unlink bool) error{
			"change": func(unlink bool) error {
				now, err := f.User(t.Context(), user.ID)
				if err != nil {
					return err
				}
				if _, err = f.As(now, models.Actor{}).ChangePassword(t.Context(), models.PasswordChange{Present: password, New: password + " anew", Unlink: unlink}, ""); err != nil {
					return err
				}
				return f.Operator().ResetPassword(t.Context(), user.Email, models.PasswordChange{New: password})
			},
			"reset": func(unlink bool) error {
				if err := f.AskReset(t.Context(), user.Email, visitor); err != nil {
					return err
				}
				token := f.token(t, user.Email)
				if _, linked, err := f.ResetEmail(t.Context(), token); err != nil || !linked {
					t.Errorf("the link says linked %v, %v", linked, err)
				}
				_, err := f.ResetPassword(t.Context(), token, models.PasswordChange{New: password, Unlink: unlink}, visitor)
				return err
			},
			"operator": func(unlink bool) error {
				return f.Operator().ResetPassword(t.Context(), user.Email, models.PasswordChange{New: password, Unlink: unlink})
			},
		}
		if err := f.DB().Exec("UPDATE users SET email_verified_at = created_at WHERE id = ?", user.ID).Error; err != nil {
			t.Fatal(err)
		}
		for name, change := range changes {
			f.letters(t)
			if err := f.proved(user).LinkIdentity(t.Context(), claims); err != nil {
				t.Fatal(err)
			}
			f.letters(t)
			for _, unlink := range []bool{false, true} {
				if err := change(unlink); err != nil {
					t.Fatal(name, err)
				}
				f.letters(t)
				_, err := f.SignInWith(t.Context(), claims, visitor)
				if unlinked := models.IsCode(err, store.CodeUnknownIdentity); unlinked != unlink {
					t.Errorf("%s, unlink %v: the provider's sign-in says %v", name, unlink, err)
				}
			}
		}
	})
}

func TestClaimsNameSomebody(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		user := f.account(t, "ada@example.com")
		before := dumpAll(t, f.Store)
		for _, bad := range []models.Claims{
			{Issuer: "https://accounts.example.com"}, {Subject: "ada"}, {Issuer: "https://accounts.example.com", Subject: "a\x00b"},
			{Issuer: "https://accounts.example.com", Subject: "a\xffb"},
		} {
			bad.Name, bad.Email, bad.EmailVerified = "Eve", "eve@example.com", true
			if _, err := f.SignUpWith(t.Context(), models.SignupOpen, bad, visitor); !models.IsCode(err, "provider_subject") {
				t.Errorf("sign-up with %q: %v", bad.Subject, err)
			}
			if err := f.proved(user).LinkIdentity(t.Context(), bad); !models.IsCode(err, "provider_subject") {
				t.Errorf("link of %q: %v", bad.Subject, err)
			}
			if _, err := f.SignInWith(t.Context(), bad, visitor); !models.IsCode(err, "provider_subject") {
				t.Errorf("sign-in with %q: %v", bad.Subject, err)
			}
		}
		sameRows(t, before, dumpAll(t, f.Store))
		for _, bad := range []models.UserIdentity{{Issuer: "https://accounts.example.com", UserID: user.ID}, {Subject: "ada", UserID: user.ID}} {
			if err := f.DB().Create(&bad).Error; err == nil {
				t.Errorf("the database takes %+v", bad)
			}
		}
	})
}
