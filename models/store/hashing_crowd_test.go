package store

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// guess tries passwords from an address, each of another account, until ctx
// ends. Each takes the time of a hash, one at a time.
func guess(ctx context.Context, q *hashing, address func(try int) string) {
	for try := 0; ctx.Err() == nil; try++ {
		network := networkOf(address(try))
		done, err := q.turn(ctx, asker{lineSignIn, network, fmt.Sprintf("account %d from %s", try, network)}, time.Now())
		if err != nil {
			time.Sleep(2 * time.Second) // as Retry-After says
			continue
		}
		time.Sleep(50 * time.Millisecond)
		done()
	}
}

// TestCrowdOfGuessers holds that many addresses that try wrong passwords keep
// nobody from signing in: not a newcomer from elsewhere, nor from beside them,
// nor somebody who mistyped before, at the beginning or later.
func TestCrowdOfGuessers(t *testing.T) {
	once := func(format string) func(n, try int) string {
		return func(n, _ int) string { return fmt.Sprintf(format, n/150, n%150+1) }
	}
	crowds := map[string]struct {
		of      int
		address func(n, try int) string
		beside  string // is no guesser; "" is nobody
	}{
		"80 over prefixes":            {80, func(n, _ int) string { return fmt.Sprintf("%d.%d.0.1", 60+n/10, n%10) }, "60.1.0.20%d"},
		"300 over prefixes":           {300, func(n, _ int) string { return fmt.Sprintf("%d.%d.0.1", 60+n/10, n%10) }, "60.1.0.20%d"},
		"80 of one /24":               {80, once("192.0.%d.%d"), "192.0.0.20%d"},
		"300 of one /16":              {300, once("198.18.%d.%d"), "198.18.0.20%d"},
		"300, IPv4 in IPv6":           {300, once("::ffff:198.18.%d.%d"), "198.18.0.20%d"},
		"80, a new /64 for each try":  {80, func(n, try int) string { return fmt.Sprintf("2001:db8:1:%x::1", n*700+try) }, ""},
		"300, a new /64 for each try": {300, func(n, try int) string { return fmt.Sprintf("2001:db8:1:%x::1", n*200+try) }, ""},
	}
	for name, crowd := range crowds {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := newHashing(1)
				ctx, cancel := context.WithCancel(t.Context())
				var all sync.WaitGroup
				for n := range crowd.of {
					for parallel := range 3 {
						all.Go(func() { guess(ctx, q, func(try int) string { return crowd.address(n, 3*try+parallel) }) })
					}
				}
				synctest.Wait()
				signsIn := func(who, network string) {
					begun := time.Now()
					done, err := q.turn(ctx, asker{lineSignIn, network, who + " from " + network}, begun)
					if err != nil {
						t.Errorf("%s: %v", who, err)
						return
					}
					done()
					if waited := time.Since(begun); waited > 20*time.Second {
						t.Errorf("%s waited %v", who, waited)
					}
				}
				for round := range 2 {
					for i := range 4 {
						signsIn("a newcomer", fmt.Sprintf("203.0.%d.%d", 113+round, i))
						if crowd.beside != "" {
							signsIn("a neighbor", fmt.Sprintf(crowd.beside, i+1))
						}
					}
					time.Sleep(10 * time.Second)
				}
				for range 4 {
					signsIn("who mistyped", "203.0.200.1")
				}
				cancel()
				all.Wait()
			})
		})
	}
}

// TestOfficeAmongGuessers holds that the many people of one address, who know
// their passwords, go before those who guess.
func TestOfficeAmongGuessers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newHashing(1)
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for n := range 100 {
			all.Go(func() { guess(ctx, q, func(int) string { return fmt.Sprintf("60.%d.0.1", n) }) })
		}
		time.Sleep(30 * time.Second)
		for person := range 30 {
			who, begun := asker{lineSignIn, "203.0.113.1", fmt.Sprint("person ", person)}, time.Now()
			done, err := q.turn(ctx, who, begun)
			if err != nil {
				t.Fatalf("person %d: %v", person, err)
			}
			q.wasRight(who, time.Now())
			done()
			if waited := time.Since(begun); waited > time.Second {
				t.Errorf("person %d waited %v", person, waited)
			}
		}
		cancel()
		all.Wait()
	})
}

// TestAsksAreBounded holds that addresses without end take no memory without
// end, that what they have in common is not forgotten, and that time forgets.
func TestAsksAreBounded(t *testing.T) {
	asks, now := recentAsks{}, time.Now()
	most := 0
	for n := range 10 * maxAsks {
		network := networkOf(fmt.Sprintf("2001:db8:%x:%x::1", n>>16, n&0xffff))
		asks.add(sharesOf(network), 1, now)
		now, most = now.Add(time.Millisecond), max(most, len(asks))
	}
	if most > maxAsks+len(shareWeights) {
		t.Errorf("%d were kept, want at most %d", most, maxAsks)
	}
	fresh := sharesOf(networkOf("2001:db8:0:ffff::1"))
	if crowd := asks.around(fresh, now); crowd < 100 {
		t.Errorf("a fresh network beside them weighs %.1f", crowd)
	}
	before := asks.around(fresh, now)
	if half := asks.around(fresh, now.Add(askHalf)); half > before*0.51 || half < before*0.49 {
		t.Errorf("%.2f were asked, and %.2f are left after %v", before, half, askHalf)
	}
}
