package store_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hookwell/models"
	"hookwell/models/store"
)

// tries signs in from an address, with a device's token that may be empty.
func (f *fixture) tries(ctx context.Context, email, secret, address, device string) error {
	_, err := f.SignIn(ctx, models.Credentials{Email: email, Password: secret, Device: device}, models.Actor{RemoteAddress: address})
	return err
}

func TestThrottle(t *testing.T) {
	const wrong, here, there = "not the right one", "192.0.2.7", "198.51.100.9"
	eachStore(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		user := f.account(t, "ada@example.com")
		device := f.DeviceToken(user.ID)
		for _, email := range []string{"nobody@example.com", user.Email} {
			for i := range 6 {
				if err := f.tries(ctx, email, wrong, here, ""); !models.IsKind(err, models.Unauthorized) {
					t.Fatalf("%s, try %d: %v", email, i, err)
				}
			}
			for _, wait := range []time.Duration{1, 2, 4, 8} {
				err := refusal(t, f.tries(ctx, email, wrong, here, ""), models.TooMany)
				if err.RetryAfter != wait*time.Second || !strings.Contains(err.Message, "Try again in") {
					t.Errorf("%s: %v after %v, want %d s", email, err, err.RetryAfter, wait)
				}
				f.clock.Advance(wait * time.Second)
				if err := f.tries(ctx, email, wrong, here, ""); !models.IsKind(err, models.Unauthorized) {
					t.Errorf("after the wait: %v", err)
				}
			}
		}
		if err := f.tries(ctx, user.Email, password, here, ""); !models.IsKind(err, models.TooMany) {
			t.Errorf("the right password during the wait: %v", err)
		}
		if err := f.tries(ctx, user.Email, password, there, ""); err != nil {
			t.Errorf("from another address: %v", err)
		}
		if err := f.tries(ctx, user.Email, password, here, device); err != nil {
			t.Errorf("from a known device: %v", err)
		}
		other := f.account(t, "bob@example.com")
		for _, bad := range []string{f.DeviceToken(other.ID), device + "A", "x"} {
			if err := f.tries(ctx, user.Email, password, here, bad); !models.IsKind(err, models.TooMany) {
				t.Errorf("another's device: %v", err)
			}
		}
		f.clock.Advance(15 * time.Minute)
		if err := f.tries(ctx, user.Email, password, here, ""); err != nil {
			t.Errorf("after the wait: %v", err)
		}
		for range 5 { // all was forgiven
			if err := f.tries(ctx, user.Email, wrong, here, ""); !models.IsKind(err, models.Unauthorized) {
				t.Error(err)
			}
		}
		dumpAll(t, f.Store).holdsNowhere(t, "the address tried", "nobody@example.com")
		f.clock.Advance(25 * time.Hour)
		if err := f.PruneThrottles(ctx); err != nil {
			t.Fatal(err)
		}
		if rows := dumpTable(t, f.Store, "throttles"); len(rows) != 0 {
			t.Errorf("pruning left %v", rows)
		}
	})
}

// TestThrottleCountsWhatComesAtOnce holds that tries at the same moment, also
// through another process, are all counted.
func TestThrottleCountsWhatComesAtOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		user := f.account(t, "ada@example.com")
		stores := []*store.Store{f.Store, f.again(t)}
		var passed atomic.Int32
		var all sync.WaitGroup
		for i := range 16 {
			all.Go(func() {
				_, err := stores[i%2].SignIn(t.Context(), models.Credentials{Email: user.Email, Password: "not the right one"}, models.Actor{RemoteAddress: "192.0.2.7"})
				if models.IsKind(err, models.Unauthorized) {
					passed.Add(1)
				} else if !models.IsKind(err, models.TooMany) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if got := passed.Load(); got != 6 {
			t.Errorf("%d passwords were tried, want 6", got)
		}
	})
}

// TestThrottleIsWider holds that an address that tries many accounts, and many
// addresses that try one account, are delayed too; one IPv6 network is one address.
func TestThrottleIsWider(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		passes := func(address, email string) bool {
			err := store.ChargeSignIn(f.Store, t.Context(), address, email)
			if err != nil && !models.IsKind(err, models.TooMany) {
				t.Fatal(err)
			}
			return err == nil
		}
		n := 0
		for passes(fmt.Sprintf("2001:db8::%x", n), fmt.Sprintf("somebody%d@example.com", n)) {
			n++
		}
		if n != 51 {
			t.Errorf("one network tried %d accounts without a delay, want 51", n)
		}
		if !passes("2001:db8:0:1::1", "somebody@example.com") {
			t.Error("the network beside it is delayed")
		}
		n = 0
		for passes(fmt.Sprintf("198.51.%d.%d", n/250, n%250), "ada@example.com") {
			n++
		}
		if n != 101 {
			t.Errorf("%d addresses tried one account without a delay, want 101", n)
		}
		f.clock.Advance(2 * time.Minute)
		if !passes("203.0.113.1", "ada@example.com") {
			t.Error("the account's delay is longer than 2 minutes")
		}
	})
}
