package api

import (
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"hookwell/models"
)

// keyRates bounds how many requests a second each API key makes of this
// process; a second's worth may come at once. Nothing is bounded at limit 0.
type keyRates struct {
	limit int
	keys  sync.Map // of *rate.Limiter, by the key's id
}

// take lets one request of the key pass. Else it answers how long to wait.
func (r *keyRates) take(keyID string, now time.Time) (wait time.Duration) {
	if r.limit <= 0 {
		return 0
	}
	kept, ok := r.keys.Load(keyID)
	if !ok {
		kept, _ = r.keys.LoadOrStore(keyID, rate.NewLimiter(rate.Limit(r.limit), r.limit))
	}
	limiter := kept.(*rate.Limiter)
	if limiter.AllowN(now, 1) {
		return 0
	}
	return time.Duration((1 - limiter.TokensAt(now)) / float64(r.limit) * float64(time.Second))
}

// checkRate refuses a request that its key makes too soon.
func (a *API) checkRate(key *models.Key) error {
	wait := a.rates.take(key.ID, a.Store.Now())
	if wait <= 0 {
		return nil
	}
	return &models.Error{Kind: models.TooMany, Code: "too_many_requests", RetryAfter: wait,
		Message: "This key makes more than " + strconv.Itoa(a.rates.limit) + " requests a second. Wait for the seconds in Retry-After."}
}
