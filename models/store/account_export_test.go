package store

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"hookwell/models"
	"hookwell/webhook"
)

// TOTPSecret is a user's key in base 32, as an authenticator app holds it.
func TOTPSecret(s *Store, userID string) string {
	row, err := s.twoFactorOf(s.db.DB, userID)
	if err != nil {
		panic(err)
	}
	secret, err := s.vault.Open(row.ID, row.Sealed)
	if err != nil {
		panic(err)
	}
	return base32Text.EncodeToString(secret)
}

// ChargeSignIn counts a sign-in from an unknown device, without the costly password.
func ChargeSignIn(s *Store, ctx context.Context, address, email string) error {
	tries, _ := s.signInTries(nil, models.Credentials{Email: email}, models.Actor{RemoteAddress: address})
	_, err := s.charge(ctx, tries...)
	return err
}

// StuffHashing takes every turn at hashing a password and fills the lines, each
// place from a network of its own, until stop is called.
func StuffHashing(s *Store) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	release := HoldHashing(s)
	s.hashing.mu.Lock()
	s.hashing.asks = recentAsks{} // nobody has asked for more than others
	s.hashing.mu.Unlock()
	for i := range maxLine * int(hashLines) {
		who := fmt.Sprint("stuffing ", i)
		w, err := s.hashing.enter(asker{hashLine(i / maxLine), who, who}, s.clock.Now())
		if err != nil {
			panic(err)
		}
		all.Go(func() {
			select {
			case <-w.turn:
			case <-ctx.Done():
				s.hashing.giveUp(w)
			}
		})
	}
	return func() {
		cancel()
		all.Wait()
		release()
	}
}

// HoldHashing takes every turn at hashing a password until release is called.
func HoldHashing(s *Store) (release func()) {
	h := s.hashing
	h.mu.Lock()
	defer h.mu.Unlock()
	held := h.free
	h.free = 0
	return func() {
		for range held {
			h.leave()
		}
	}
}

// WhenSomebodyWaits does something once somebody waits for a turn at hashing.
func WhenSomebodyWaits(s *Store, do func()) {
	waits := func() bool {
		s.hashing.mu.Lock()
		defer s.hashing.mu.Unlock()
		for _, line := range s.hashing.lines {
			if len(line) > 0 {
				return true
			}
		}
		return false
	}
	go func() {
		for !waits() {
			runtime.Gosched()
		}
		do()
	}()
}

// ThrottleStep is how long the longest wait after seven tries in vain is.
const ThrottleStep = 2 * time.Second

// PasswordFaults are what speaks against a password.
func PasswordFaults(password, name, email string) webhook.Faults {
	return passwordFaults("password", password, name, email)
}
