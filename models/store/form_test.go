package store_test

import (
	"context"
	"crypto/rand"
	"sync"
	"testing"
	"time"

	"hookwell/models"
	"hookwell/models/store"
)

func newForm(ctx context.Context) context.Context {
	var form store.Form
	rand.Read(form[:])
	return store.WithForm(ctx, form)
}

func TestForm_makes_one(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		owner := f.account(t, "owner@example.com")
		org, err := f.As(owner, models.Actor{Kind: models.ActorUser}).CreateOrganization(t.Context(), "Twice")
		if err != nil {
			t.Fatal(err)
		}
		in := models.NewEndpointInput()
		in.URL, in.EventTypes = "http://127.0.0.1:9/hook", []string{"*"}
		form := newForm(t.Context())
		// Two processes, each asked twice at once.
		stores := []*store.Store{f.Store, f.again(t)}
		type answer struct{ id, secret string }
		answers := make([]answer, 4)
		var wait sync.WaitGroup
		for i := range answers {
			tenant, _, err := stores[i%2].As(owner, models.Actor{Kind: models.ActorUser}).Tenant(t.Context(), org.Slug)
			if err != nil {
				t.Fatal(err)
			}
			wait.Go(func() {
				e, secret, err := tenant.CreateEndpoint(form, in)
				if err != nil {
					t.Errorf("CreateEndpoint: %v", err)
					return
				}
				answers[i] = answer{e.ID, secret.Reveal()}
			})
		}
		wait.Wait()
		tenant, _, err := f.As(owner, models.Actor{Kind: models.ActorUser}).Tenant(t.Context(), org.Slug)
		if err != nil {
			t.Fatal(err)
		}
		list, err := tenant.Endpoints(t.Context())
		if err != nil || len(list) != 1 {
			t.Fatalf("%d endpoints, %v", len(list), err)
		}
		for _, a := range answers {
			if a != answers[0] || a.id != list[0].ID || a.secret == "" {
				t.Errorf("one gets %q, another %q", answers[0], a)
			}
		}

		t.Run("and_shows_its_secret_for_a_while", func(t *testing.T) {
			f.clock.Advance(6 * time.Minute)
			e, secret, err := tenant.CreateEndpoint(form, in)
			if err != nil || e.ID != answers[0].id || !secret.IsZero() {
				t.Errorf("later it gets %v, a secret: %v, %v", e, !secret.IsZero(), err)
			}
		})
		t.Run("also_after_what_it_checks_has_changed", func(t *testing.T) {
			bad := in
			bad.URL = "http://10.0.0.1/" // as when the name leads elsewhere by now
			if e, _, err := tenant.CreateEndpoint(form, bad); err != nil || e.ID != answers[0].id {
				t.Errorf("%v, %v", e, err)
			}
		})
		t.Run("until_a_day_has_passed", func(t *testing.T) {
			f.clock.Advance(25 * time.Hour)
			if err := f.PruneForms(t.Context()); err != nil {
				t.Fatal(err)
			}
			if e, secret, err := tenant.CreateEndpoint(form, in); err != nil || e.ID == answers[0].id || secret.IsZero() {
				t.Errorf("%v, %v", e, err)
			}
		})
	})
}

// What was rolled back was not sent, and may be sent again.
func TestForm_is_free_after_a_rollback(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		form := newForm(t.Context())
		cut, cancel := context.WithCancel(form)
		cancel()
		in := models.NewEndpointInput()
		in.URL, in.EventTypes = "http://127.0.0.1:9/hook", []string{"*"}
		if _, _, err := f.tenant.CreateEndpoint(cut, in); err == nil {
			t.Fatal("a request that was cut off made an endpoint")
		}
		e, secret, err := f.tenant.CreateEndpoint(form, in)
		if err != nil || secret.IsZero() {
			t.Fatalf("%v, %v", e, err)
		}
		// A resend that was refused is tried again by the same form.
		form = newForm(t.Context())
		publish(t, f.tenant, "payment.failed")
		d := deliveries(t, f.tenant)[0]
		jobs := f.claim(t, e, 1, d.ID)
		if _, err := f.tenant.Resend(form, d.ID); !models.IsKind(err, models.Conflict) {
			t.Fatalf("while one is in flight: %v", err)
		}
		f.record(t, jobs[0], 200, "")
		if _, err := f.tenant.Resend(form, d.ID); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}

func TestForm_uses_a_mailed_link_once(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		f = f.withMail(t)
		ctx := t.Context()
		twice := func(what string, do func(ctx context.Context) error) {
			t.Helper()
			form := newForm(ctx)
			for range 2 {
				if err := do(form); err != nil {
					t.Fatalf("%s: %v", what, err)
				}
			}
			if err := do(newForm(ctx)); what != "asking" && err == nil {
				t.Errorf("%s: another form does it too", what)
			}
		}
		form := newForm(ctx)
		account := models.Account{Name: "Ada", Email: "ada@example.com", Password: password}
		for range 2 {
			if err := f.AskSignUp(form, models.SignupOpen, account, visitor); err != nil {
				t.Fatal(err)
			}
		}
		token := f.token(t, "ada@example.com") // of one letter
		var user *models.User
		twice("signing up", func(ctx context.Context) (err error) {
			made, err := f.FinishSignUp(ctx, models.SignupOpen, token, visitor)
			if err == nil && user != nil && made.ID != user.ID {
				t.Errorf("two accounts: %s and %s", user.ID, made.ID)
			}
			if err == nil {
				user = made
			}
			return err
		})
		form = newForm(ctx)
		for range 2 {
			if err := f.AskReset(form, "ada@example.com", visitor); err != nil {
				t.Fatal(err)
			}
		}
		token = f.token(t, "ada@example.com")
		twice("setting a password", func(ctx context.Context) error {
			_, err := f.ResetPassword(ctx, token, models.PasswordChange{New: "another long passphrase"}, visitor)
			return err
		})
		form = newForm(ctx)
		user, err := f.User(ctx, user.ID)
		if err != nil {
			t.Fatal(err)
		}
		person := f.As(user, visitor).Proved(f.Now())
		for range 2 {
			if err := person.AskEmail(form, "ada@example.org"); err != nil {
				t.Fatal(err)
			}
		}
		token = f.token(t, "ada@example.org")
		twice("confirming", func(ctx context.Context) error {
			confirmed, err := f.ConfirmEmail(ctx, token, visitor)
			if err == nil && confirmed.Email != "ada@example.org" {
				t.Errorf("the address is %s", confirmed.Email)
			}
			return err
		})
		form = newForm(ctx)
		if user, err = f.User(ctx, user.ID); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if user, err = f.As(user, visitor).ChangePassword(form, models.PasswordChange{Present: "another long passphrase", New: "yet another passphrase"}, ""); err != nil {
				t.Fatal(err)
			}
		}
	})
}
