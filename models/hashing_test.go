package models

import (
	"context"
	"errors"
	"testing"
)

func TestHashing_is_bounded(t *testing.T) {
	s := &Store{passwordCost: PasswordCost{Memory: 64, Passes: 1}, hashing: make(chan struct{}, 1), hashings: make(chan struct{}, 2)}
	account := Account{Name: "Ada", Email: "ada@example.com", Password: "correct horse battery staple"}
	done, err := s.hashTurn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Run("who_waits_stops_with_the_request", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for range 3 { // and leaves no place taken
			if _, err := s.hash(ctx, account.Password); !errors.Is(err, context.Canceled) {
				t.Fatalf("%v, want that the request ended", err)
			}
		}
	})
	s.hashings <- struct{}{} // somebody waits
	t.Run("one_too_many_is_refused_at_once", func(t *testing.T) {
		if _, err := s.hash(t.Context(), account.Password); !IsKind(err, TooMany) {
			t.Fatalf("%v, want TooMany", err)
		}
	})
	t.Run("a_closed_sign_up_hashes_nothing", func(t *testing.T) {
		if _, err := s.SignUp(t.Context(), SignupClosed, account, Actor{}); !IsKind(err, Forbidden) {
			t.Fatalf("%v, want Forbidden", err)
		}
	})
	<-s.hashings
	done()
	if hash, err := s.hash(t.Context(), account.Password); err != nil || hash == "" {
		t.Fatalf("%v after all had their turn", err)
	}
}
