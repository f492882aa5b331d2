package store

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"hookwell/models"
)

// Hashing a password takes 19 MiB and a processor for some 50 ms, whoever asks.
// So a few are hashed at once and the others wait in three lines that take
// turns: browsers that have signed in to the account before, other sign-ins,
// and all else. In each line go first who asked for least lately, by
// the network that they ask from: see recentAsks.
const (
	maxLine      = 512 // wait in one line
	maxOfPerson  = 4   // wait for one person
	hashBurst    = 30  // of one person at once
	hashInterval = 2 * time.Second
)

// hashLine is what somebody waits in.
type hashLine int

const (
	lineKnown hashLine = iota // a browser that signed in to the account before
	lineSignIn
	lineOther
	hashLines
)

// asker is who wants a password hashed. A sign-in's person is the account
// together with where it is tried from, so that a stranger's tries are not the
// account's.
type asker struct {
	line    hashLine
	network string
	person  string
}

// ownAsker is somebody who is signed in, from wherever they are.
func ownAsker(user *models.User, actor models.Actor) asker {
	return asker{lineOther, networkOf(actor.RemoteAddress), user.ID}
}

// strangerAsker is somebody who has no account yet: one for each network.
func strangerAsker(actor models.Actor) asker {
	network := networkOf(actor.RemoteAddress)
	return asker{lineOther, network, "of " + network}
}

// operatorAsker is who makes accounts for others, one for each account.
func operatorAsker(email string) asker { return asker{lineOther, "", "operator for " + email} }

// linkAsker is who has a link that sets the user's password, whoever else is
// signed in as the user.
func linkAsker(user *models.User, actor models.Actor) asker {
	return asker{lineOther, networkOf(actor.RemoteAddress), "link of " + user.ID}
}

// hashing hands out the turns.
type hashing struct {
	mu    sync.Mutex
	free  int // turns that nobody has
	next  hashLine
	lines [hashLines]waitingLine
	asks  recentAsks
	rates hashRates
	now   time.Time // of the last ask
}

func newHashing(atOnce int) *hashing {
	return &hashing{free: atOnce, asks: recentAsks{}, rates: hashRates{people: map[string]*rate.Limiter{}}}
}

// waiter waits for its turn: true comes when it is, false when it lost its
// place to somebody who goes before it.
type waiter struct {
	asker
	shares shares
	weight float64 // of what the network had asked for when they came, and the person waited for
	turn   chan bool
}

func busy() error {
	return &models.Error{Kind: models.TooMany, Code: "busy", Message: "The server checks too many passwords at this moment. Try again in a few seconds.", RetryAfter: 2 * time.Second}
}

// turn waits for a turn; done gives it back. It fails with TooMany when who asks
// had too many lately or has too many waiting, and when the line is full of people
// who don't go behind them. It fails too when ctx ends.
func (h *hashing) turn(ctx context.Context, who asker, now time.Time) (done func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("waiting to hash a password: %w", err)
	}
	counted, err := h.rates.take(who.person, now)
	if err != nil {
		return nil, err
	}
	w, err := h.enter(who, now)
	if err != nil {
		counted.CancelAt(now)
		return nil, err
	}
	if w == nil {
		return h.leave, nil
	}
	select {
	case got := <-w.turn:
		if !got {
			return nil, busy()
		}
		return h.leave, nil
	case <-ctx.Done():
		h.giveUp(w)
		return nil, fmt.Errorf("waiting to hash a password: %w", ctx.Err())
	}
}

// enter takes a free turn, or a place in the line. What is refused since the
// server is busy is not counted; a place that is given up is, or it would cost
// nothing to hold one.
func (h *hashing) enter(who asker, now time.Time) (*waiter, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = now
	of := sharesOf(who.network)
	w := &waiter{asker: who, shares: of, weight: h.asks.own(of, now), turn: make(chan bool, 1)}
	h.asks.add(of, 1, now)
	if h.free > 0 {
		h.free--
		return nil, nil
	}
	out := h.lines[who.line].add(w, h.asks, now)
	if out != nil {
		h.asks.add(out.shares, -1, now)
		out.turn <- false
	}
	if out == w {
		return nil, busy()
	}
	return w, nil
}

// wasRight takes back most of what was counted, for who asked knew the password:
// so the many people of one office go before those who guess.
func (h *hashing) wasRight(who asker, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asks.add(sharesOf(who.network), -7.0/8, now)
}

// leave hands a turn on, to the next line that has somebody.
func (h *hashing) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for range hashLines {
		line := &h.lines[h.next]
		h.next = (h.next + 1) % hashLines
		if w := line.first(h.asks, h.now); w != nil {
			w.turn <- true
			return
		}
	}
	h.free++
}

// giveUp takes a waiter out of its line, and hands on a turn that came meanwhile.
func (h *hashing) giveUp(w *waiter) {
	h.mu.Lock()
	waits := h.lines[w.line].remove(w)
	h.mu.Unlock()
	if !waits && <-w.turn {
		h.leave()
	}
}

// hashRates bounds how many passwords each person has hashed by this process,
// the right ones included.
type hashRates struct {
	mu     sync.Mutex
	people map[string]*rate.Limiter
	swept  time.Time
}

// take counts one, until it is cancelled. It fails with TooMany when the person
// has to wait.
func (r *hashRates) take(person string, now time.Time) (*rate.Reservation, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sweep(now)
	limiter := r.people[person]
	if limiter == nil {
		limiter = rate.NewLimiter(rate.Every(hashInterval), hashBurst)
		r.people[person] = limiter
	}
	counted := limiter.ReserveN(now, 1)
	if wait := counted.DelayFrom(now); wait > 0 {
		counted.CancelAt(now)
		return nil, tooMany(wait)
	}
	return counted, nil
}

// sweep forgets, once in a while, who has all of their burst again.
func (r *hashRates) sweep(now time.Time) {
	if now.Sub(r.swept) < hashBurst*hashInterval {
		return
	}
	r.swept = now
	for person, limiter := range r.people {
		if limiter.TokensAt(now) >= hashBurst {
			delete(r.people, person)
		}
	}
}
