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
type rates struct {
	mu       sync.Mutex
	sources  *simplelru.LRU[string, *rate.Limiter]
	refusals *simplelru.LRU[share, *rate.Limiter]
	guesses  *simplelru.LRU[netip.Prefix, *rate.Limiter]
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

// allow reports whether a source takes one more request now, and the network hasn't
// been refused there too often.
func (r *rates) allow(sourceID string, perSecond int, address netip.Addr, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if limiter(&r.refusals, share{sourceID, networkOf(address)}, refusedRate, refusedRate*burstTime).TokensAt(now) < 1 {
		return false
	}
	l := limiter(&r.sources, sourceID, perSecond, perSecond)
	if l.Limit() != rate.Limit(perSecond) {
		l.SetLimitAt(now, rate.Limit(perSecond))
		l.SetBurstAt(now, perSecond)
	}
	return l.AllowN(now, 1)
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
