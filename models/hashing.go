package models

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Hashing a password takes 19 MiB and a processor for some 50 ms, whoever asks.
// So a few are hashed at once and the others wait in three lines that take
// turns: browsers that have signed in to the account before, other sign-ins,
// and all else. In each line the networks take turns, and in each network the
// people. Who asks much waits behind their own.
const (
	maxLine      = 64 // wait in one line
	maxOfPerson  = 4  // wait for one person
	hashBurst    = 30 // of one person at once
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
func ownAsker(user *User, actor Actor) asker {
	return asker{lineOther, networkOf(actor.RemoteAddress), user.ID}
}

// strangerAsker is somebody who has no account yet: one for each network.
func strangerAsker(actor Actor) asker {
	network := networkOf(actor.RemoteAddress)
	return asker{lineOther, network, "of " + network}
}

// operatorAsker is who makes accounts for others, one for each account.
func operatorAsker(email string) asker { return asker{lineOther, "", "operator for " + email} }

// linkAsker is who has a link that sets the user's password, whoever else is
// signed in as the user.
func linkAsker(user *User, actor Actor) asker {
	return asker{lineOther, networkOf(actor.RemoteAddress), "link of " + user.ID}
}

// hashing hands out the turns.
type hashing struct {
	mu    sync.Mutex
	free  int // turns that nobody has
	next  hashLine
	lines [hashLines]waitingLine
	rates hashRates
}

func newHashing(atOnce int) *hashing {
	h := &hashing{free: atOnce, rates: hashRates{people: map[string]*rate.Limiter{}}}
	for i := range h.lines {
		h.lines[i].ofPerson = map[string]int{}
	}
	return h
}

// waiter waits for its turn: true comes when it is, false when it lost its
// place to somebody whose network has fewer.
type waiter struct {
	asker
	turn chan bool
}

func busy() error {
	return &Error{Kind: TooMany, Code: "busy", Message: "The server checks too many passwords at this moment. Try again in a few seconds.", RetryAfter: 2 * time.Second}
}

// turn waits for a turn; done gives it back. It fails with TooMany when who asks
// had too many lately or has too many waiting, and when the line is full of people
// from networks that have no more than theirs. It fails too when ctx ends.
func (h *hashing) turn(ctx context.Context, who asker, now time.Time) (done func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("waiting to hash a password: %w", err)
	}
	counted, err := h.rates.take(who.person, now)
	if err != nil {
		return nil, err
	}
	w, err := h.enter(who)
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

// enter takes a free turn, or a place in the line.
func (h *hashing) enter(who asker) (*waiter, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.free > 0 {
		h.free--
		return nil, nil
	}
	w := &waiter{asker: who, turn: make(chan bool, 1)}
	if !h.lines[who.line].add(w) {
		return nil, busy()
	}
	return w, nil
}

// leave hands a turn on, to the next line that has somebody.
func (h *hashing) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for range hashLines {
		line := &h.lines[h.next]
		h.next = (h.next + 1) % hashLines
		if w := line.first(); w != nil {
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

// waitingLine is who waits, by network in the order of their turns.
type waitingLine struct {
	networks []*network
	waiting  int
	ofPerson map[string]int
}

// network is who waits from there, in the order of their turns.
type network struct {
	name    string
	waiters []*waiter
}

func (l *waitingLine) find(name string) *network {
	if i := slices.IndexFunc(l.networks, func(n *network) bool { return n.name == name }); i >= 0 {
		return l.networks[i]
	}
	return &network{name: name}
}

// add reports whether there is a place for w. In a full line one is made by
// who came last from the network that has most waiting.
func (l *waitingLine) add(w *waiter) bool {
	if l.ofPerson[w.person] >= maxOfPerson {
		return false
	}
	own := l.find(w.network)
	if l.waiting >= maxLine {
		largest := slices.MaxFunc(l.networks, func(a, b *network) int { return len(a.waiters) - len(b.waiters) })
		if len(largest.waiters) <= len(own.waiters)+1 {
			return false
		}
		last := largest.waiters[len(largest.waiters)-1]
		l.remove(last)
		last.turn <- false
	}
	if len(own.waiters) == 0 {
		l.networks = append(l.networks, own)
	}
	own.insert(w)
	l.waiting++
	l.ofPerson[w.person]++
	return true
}

// insert puts w behind everybody who has no more waiting before them than w has:
// the first of each person, then the second of each, and so on.
func (n *network) insert(w *waiter) {
	round, seen := 0, map[string]int{}
	for _, other := range n.waiters {
		if other.person == w.person {
			round++
		}
	}
	at := len(n.waiters)
	for i, other := range n.waiters {
		if seen[other.person] > round {
			at = i
			break
		}
		seen[other.person]++
	}
	n.waiters = slices.Insert(n.waiters, at, w)
}

// first takes out whose turn it is; nil is nobody.
func (l *waitingLine) first() *waiter {
	if len(l.networks) == 0 {
		return nil
	}
	n := l.networks[0]
	w := n.waiters[0]
	l.remove(w)
	if len(n.waiters) > 0 { // the other networks first
		l.networks = append(l.networks[1:], n)
	}
	return w
}

// remove reports whether w waited, and takes it out.
func (l *waitingLine) remove(w *waiter) bool {
	n := l.find(w.network)
	i := slices.Index(n.waiters, w)
	if i < 0 {
		return false
	}
	n.waiters = slices.Delete(n.waiters, i, i+1)
	if len(n.waiters) == 0 {
		l.networks = slices.DeleteFunc(l.networks, func(other *network) bool { return other == n })
	}
	l.waiting--
	if l.ofPerson[w.person]--; l.ofPerson[w.person] == 0 {
		delete(l.ofPerson, w.person)
	}
	return true
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
