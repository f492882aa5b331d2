package receive

import (
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"
)

// What one network may do, in one process, a second; ten seconds' worth may come at
// once. A provider whose requests pass is bounded by its source's own limit alone.
const (
	refusedRate = 20 // requests to one source that are refused
	guessRate   = 5  // requests to no source
	burstTime   = 10
	// mostRates is how many limits of a kind are in memory. The least used one is
	// forgotten first.
	mostRates = 50_000
)

// rates are the limits of one process. The zero value is ready.
//
// A source's limit is spent by networks of which something passed before. All others
// share a second limit of the same size, so a stranger who knows the URL but no secret
// can't keep the provider out, from however many networks the stranger sends.
type rates struct {
	mu        sync.Mutex
	sources   *simplelru.LRU[string, *rate.Limiter]
	strangers *simplelru.LRU[string, *rate.Limiter] // by source
	known     *simplelru.LRU[share, struct{}]       // networks of which something passed
	refusals  *simplelru.LRU[share, *rate.Limiter]
	guesses   *simplelru.LRU[netip.Prefix, *rate.Limiter]
}

// share is one network at one source.
type share struct {
	sourceID string
	network  netip.Prefix
}

// limiter returns a key's limit, and makes it if there is none.
func limiter[K comparable](list **simplelru.LRU[K, *rate.Limiter], key K, perSecond, burst int) *rate.Limiter {
	if *list == nil {
		fresh, err := simplelru.NewLRU[K, *rate.Limiter](mostRates, nil)
		if err != nil {
			panic(err) // which it does for a size below 1 alone
		}
		*list = fresh
	}
	kept, ok := (*list).Get(key)
	if !ok {
		kept = rate.NewLimiter(rate.Limit(perSecond), burst)
		(*list).Add(key, kept)
	}
	return kept
}

// allow reports whether a source reads one more request now, and the network hasn't
// been refused there too often.
func (r *rates) allow(sourceID string, perSecond int, address netip.Addr, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if limiter(&r.refusals, share{sourceID, networkOf(address)}, refusedRate, refusedRate*burstTime).TokensAt(now) < 1 {
		return false
	}
	limits := &r.strangers
	if r.isKnown(share{sourceID, networkOf(address)}) {
		limits = &r.sources
	}
	return sourceLimit(limits, sourceID, perSecond, now).AllowN(now, 1)
}

// sourceLimit returns a limit of a source, which may have been changed.
func sourceLimit(list **simplelru.LRU[string, *rate.Limiter], sourceID string, perSecond int, now time.Time) *rate.Limiter {
	l := limiter(list, sourceID, perSecond, perSecond)
	if l.Limit() != rate.Limit(perSecond) {
		l.SetLimitAt(now, rate.Limit(perSecond))
		l.SetBurstAt(now, perSecond)
	}
	return l
}

func (r *rates) isKnown(key share) bool {
	if r.known == nil {
		return false
	}
	_, known := r.known.Get(key)
	return known
}

// knows reports whether something of an address's network passed at a source before.
func (r *rates) knows(sourceID string, address netip.Addr) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.isKnown(share{sourceID, networkOf(address)})
}

// passed notes that something of a network passed at a source. What a stranger's
// network sent then counts towards the source's own limit too.
func (r *rates) passed(sourceID string, perSecond int, address netip.Addr, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := share{sourceID, networkOf(address)}
	if r.isKnown(key) {
		return
	}
	if r.known == nil {
		fresh, err := simplelru.NewLRU[share, struct{}](mostRates, nil)
		if err != nil {
			panic(err) // which it does for a size below 1 alone
		}
		r.known = fresh
	}
	r.known.Add(key, struct{}{})
	sourceLimit(&r.sources, sourceID, perSecond, now).ReserveN(now, 1)
}

// refused counts a request that a source refused.
func (r *rates) refused(sourceID string, address netip.Addr, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	limiter(&r.refusals, share{sourceID, networkOf(address)}, refusedRate, refusedRate*burstTime).AllowN(now, 1)
}

// mayGuess reports whether a network's tokens are still looked up.
func (r *rates) mayGuess(address netip.Addr, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return limiter(&r.guesses, networkOf(address), guessRate, guessRate*burstTime).TokensAt(now) >= 1
}

// guessed counts a token that there isn't.
func (r *rates) guessed(address netip.Addr, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	limiter(&r.guesses, networkOf(address), guessRate, guessRate*burstTime).AllowN(now, 1)
}
