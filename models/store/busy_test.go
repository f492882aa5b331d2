package store_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"hookwell/models"
	"hookwell/models/store"
)

// TestOnePersonKeepsNobodyFromSigningIn has one person set their password anew
// in 64 requests at a time, while 40 others sign in.
func TestOnePersonKeepsNobodyFromSigningIn(t *testing.T) {
	f := newFixture(t, store.Options{SQLitePath: filepath.Join(t.TempDir(), "hookwell.db"), PasswordCost: store.DefaultPasswordCost})
	guest := f.account(t, "guest@example.com")
	others := make([]*models.User, 40)
	for i := range others {
		others[i] = f.account(t, fmt.Sprintf("other%d@example.com", i))
	}
	ctx, stop := context.WithCancel(t.Context())
	var hammers, signIns sync.WaitGroup
	var tried, signedIn atomic.Int32
	begun := make(chan struct{}, 64)
	for i := range 64 {
		hammers.Go(func() {
			p := f.As(guest, models.Actor{Kind: models.ActorUser, ID: guest.ID, RemoteAddress: fmt.Sprintf("192.0.2.%d", i)})
			for ctx.Err() == nil {
				p.ChangePassword(ctx, models.PasswordChange{Present: password, New: password + " anew"}, "")
				tried.Add(1)
				select {
				case begun <- struct{}{}:
				default:
				}
			}
		})
	}
	<-begun
	for i, other := range others {
		signIns.Go(func() {
			_, err := f.SignIn(t.Context(), models.Credentials{Email: other.Email, Password: password}, models.Actor{RemoteAddress: fmt.Sprintf("198.51.100.%d", i)})
			if err != nil {
				t.Errorf("%s: %v", other.Email, err)
				return
			}
			signedIn.Add(1)
		})
	}
	signIns.Wait()
	stop()
	hammers.Wait()
	t.Logf("%d of %d others signed in; the guest asked %d times", signedIn.Load(), len(others), tried.Load())
}

// TestBusyIsNoTry holds that who is refused because the server is busy, or goes
// while they wait, has not tried anything: what was counted before stays as it was.
func TestBusyIsNoTry(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		f = f.withMail(t)
		user := f.account(t, "ada@example.com")
		passwordless := f.account(t, "bob@example.com")
		if err := f.AskReset(ctx, user.Email, visitor); err != nil {
			t.Fatal(err)
		}
		reset := f.token(t, user.Email)
		_, invitation, err := f.tenant.Invite(ctx, models.NewInvitation{Email: "elena@example.com", Role: models.RoleMember})
		if err != nil {
			t.Fatal(err)
		}
		p := f.As(user, models.Actor{Kind: models.ActorUser, ID: user.ID})
		bob := *passwordless
		bob.PasswordHash = ""
		fresh := models.Account{Name: "Eve", Email: "eve@example.com", Password: password}
		for range 7 { // the next has to wait a second, and then has one try
			f.tries(ctx, user.Email, "not the right one", "192.0.2.7", "")
		}
		p.ChangePassword(ctx, models.PasswordChange{Present: "not the right one", New: password + " anew"}, "")
		f.clock.Advance(store.ThrottleStep)
		asks := map[string]func(ctx context.Context) error{
			"signing in":         func(ctx context.Context) error { return f.tries(ctx, user.Email, password, "192.0.2.7", "") },
			"signing in unknown": func(ctx context.Context) error { return f.tries(ctx, "nobody@example.com", password, "192.0.2.8", "") },
			"signing in, known browser": func(ctx context.Context) error {
				return f.tries(ctx, user.Email, password, "192.0.2.7", f.DeviceToken(user.ID))
			},
			"changing the password": func(ctx context.Context) error {
				_, err := p.ChangePassword(ctx, models.PasswordChange{Present: password, New: password + " anew"}, "")
				return err
			},
			"setting the first password": func(ctx context.Context) error {
				_, err := f.As(&bob, models.Actor{}).Proved(f.Now()).ChangePassword(ctx, models.PasswordChange{New: password + " anew"}, "")
				return err
			},
			"proving who one is": func(ctx context.Context) error {
				_, err := p.Prove(ctx, password, "")
				return err
			},
			"signing up": func(ctx context.Context) error {
				_, err := f.SignUp(ctx, models.SignupOpen, fresh, visitor)
				return err
			},
			"signing up by mail": func(ctx context.Context) error { return f.AskSignUp(ctx, models.SignupOpen, fresh, visitor) },
			"accepting as new": func(ctx context.Context) error {
				_, _, err := f.AcceptAsNew(ctx, invitation, fresh, visitor)
				return err
			},
			"setting by a link": func(ctx context.Context) error {
				_, err := f.ResetPassword(ctx, reset, models.PasswordChange{New: password + " anew"}, visitor)
				return err
			},
		}
		for name, ask := range asks {
			t.Run(name, func(t *testing.T) {
				before := dumpAll(t, f.Store)
				stop := store.StuffHashing(f.Store)
				err := ask(ctx)
				stop()
				if e := refusal(t, err, models.TooMany); e.Code != "busy" || e.RetryAfter <= 0 {
					t.Errorf("%+v", e)
				}
				sameRows(t, before, dumpAll(t, f.Store))

				release := store.HoldHashing(f.Store)
				ended, end := context.WithCancel(ctx)
				store.WhenSomebodyWaits(f.Store, end)
				if err := ask(ended); !errors.Is(err, context.Canceled) {
					t.Errorf("gone while waiting: %v", err)
				}
				release()
				sameRows(t, before, dumpAll(t, f.Store))
			})
		}
	})
}
