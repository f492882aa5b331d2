package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hookwell/models"
	"hookwell/models/database"
)

// queue is one turn at a time, and the order in which people had it.
type queue struct {
	*hashing
	all  sync.WaitGroup
	mu   sync.Mutex
	had  []string
	busy []string
}

// held is a queue whose turn is taken until release.
func held(t *testing.T) (q *queue, release func()) {
	t.Helper()
	q = &queue{hashing: newHashing(1)}
	release, err := q.turn(t.Context(), asker{lineOther, "", "first"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return q, release
}

// ask waits for a turn beside the test, and gives it back at once.
func (q *queue) ask(t *testing.T, who asker) {
	q.all.Go(func() {
		done, err := q.turn(t.Context(), who, time.Now())
		q.mu.Lock()
		defer q.mu.Unlock()
		if err != nil {
			if !models.IsKind(err, models.TooMany) {
				t.Error(err)
			}
			q.busy = append(q.busy, who.person)
			return
		}
		q.had = append(q.had, who.person)
		done()
	})
	synctest.Wait()
}

func of(people []string, prefix string) int {
	n := 0
	for _, person := range people {
		if strings.HasPrefix(person, prefix) {
			n++
		}
	}
	return n
}

func TestHashingIsShared(t *testing.T) {
	t.Run("one person in 64 requests keeps nobody out", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			q, release := held(t)
			for i := range 64 { // from wherever
				q.ask(t, asker{lineOther, fmt.Sprintf("192.0.2.%d", i), "guest"})
			}
			for i := range 40 {
				q.ask(t, asker{lineSignIn, fmt.Sprintf("198.51.100.%d", i), fmt.Sprintf("other %d", i)})
			}
			release()
			q.all.Wait()
			if n := of(q.had, "other"); n != 40 {
				t.Errorf("%d of 40 others had a turn; %d people were refused", n, len(q.busy))
			}
			if n := of(q.had, "guest"); n > hashBurst || n != maxOfPerson {
				t.Errorf("the guest had %d turns, want %d", n, maxOfPerson)
			}
		})
	})
	t.Run("the lines take turns", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			q, release := held(t)
			for i := range 6 {
				q.ask(t, asker{lineOther, "192.0.2.1", fmt.Sprintf("sign-up %d", i)})
			}
			q.ask(t, asker{lineSignIn, "192.0.2.1", "new browser"})
			q.ask(t, asker{lineKnown, "192.0.2.1", "known browser"})
			release()
			q.all.Wait()
			if first := q.had[:3]; !slices.Contains(first, "new browser") || !slices.Contains(first, "known browser") {
				t.Errorf("the turns were %v", q.had)
			}
		})
	})
	t.Run("networks take turns, and people in them", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			q, release := held(t)
			for i := range 3 {
				q.ask(t, asker{lineSignIn, "office", fmt.Sprintf("a%d", i)})
				q.ask(t, asker{lineSignIn, "office", "a0"})
			}
			q.ask(t, asker{lineSignIn, "home", "b"})
			release()
			q.all.Wait()
			if want := []string{"a0", "b", "a1", "a2", "a0", "a0", "a0"}; !slices.Equal(q.had, want) {
				t.Errorf("the turns were %v, want %v", q.had, want)
			}
		})
	})
	t.Run("a network that fills the line gives way", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			q, release := held(t)
			for i := range 2 * maxLine {
				q.ask(t, asker{lineSignIn, "192.0.2.1", fmt.Sprintf("tries %d", i)})
			}
			for i := range 40 {
				q.ask(t, asker{lineSignIn, fmt.Sprintf("198.51.100.%d", i/2), fmt.Sprintf("other %d", i)})
			}
			release()
			q.all.Wait()
			if had, tried := of(q.had, "other"), of(q.had, "tries"); had != 40 || tried != maxLine-40 {
				t.Errorf("%d of 40 others and %d of the network had a turn", had, tried)
			}
		})
	})
}

func TestHashingEnds(t *testing.T) {
	s := &Store{passwordCost: PasswordCost{Memory: 64, Passes: 1}, hashing: newHashing(1), clock: &database.Clock{}}
	account := models.Account{Name: "Ada", Email: "ada@example.com", Password: "correct horse battery staple"}
	who := asker{lineOther, "192.0.2.1", "ada"}
	done, err := s.hashing.turn(t.Context(), who, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	t.Run("with the request, and leaves no place taken", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			q, release := held(t)
			for range 2 * maxOfPerson {
				ctx, cancel := context.WithCancel(t.Context())
				q.all.Go(func() {
					if _, err := q.turn(ctx, who, time.Now()); !errors.Is(err, context.Canceled) {
						t.Errorf("%v, want that the request ended", err)
					}
				})
				synctest.Wait()
				cancel()
				q.all.Wait()
			}
			release()
			if line := q.lines[lineOther]; q.free != 1 || len(line) != 0 {
				t.Errorf("%d turns are free, and waiting are %+v", q.free, line)
			}
		})
	})
	t.Run("at once for a sign-up that is closed", func(t *testing.T) {
		if _, err := s.SignUp(t.Context(), models.SignupClosed, account, models.Actor{}); !models.IsKind(err, models.Forbidden) {
			t.Fatalf("%v, want Forbidden", err)
		}
	})
	done()
	t.Run("after a burst, until some time has passed", func(t *testing.T) {
		var e *models.Error
		for i := range hashBurst {
			_, err := s.hash(t.Context(), who, account.Password)
			if errors.As(err, &e); (err != nil) != (i == hashBurst-1) {
				t.Fatalf("hash %d: %v", i, err)
			}
		}
		if e.Kind != models.TooMany || e.RetryAfter <= 0 || e.RetryAfter > hashInterval {
			t.Errorf("%+v, try again after %v", e, e.RetryAfter)
		}
		if _, err := s.hash(t.Context(), asker{lineOther, "192.0.2.1", "bob"}, account.Password); err != nil {
			t.Errorf("somebody else: %v", err)
		}
		s.clock.Advance(hashInterval)
		if _, err := s.hash(t.Context(), who, account.Password); err != nil {
			t.Errorf("afterwards: %v", err)
		}
		s.clock.Advance(2 * hashBurst * hashInterval)
		if _, err := s.hash(t.Context(), who, account.Password); err != nil || len(s.hashing.rates.people) != 1 {
			t.Errorf("%v; %d people are remembered", err, len(s.hashing.rates.people))
		}
	})
}
