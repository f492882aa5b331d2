package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"time"
)

// A call is made again where that is safe, as often as Client.Retries says:
//
//   - after 429, and after 503 with the code "server_busy", for every call: the
//     server has not begun with it;
//   - after another 503, 502 or 504, and after a network error, only for calls
//     that do nothing more the second time: those that read, disable, enable or
//     delete, and reports, since each carries an Idempotency-Key.
//
// Creating an endpoint, changing one, rotating a secret, a test event, a resend
// and a portal link are never made again after an answer was lost.
//
// The wait is what Retry-After says; else it begins at half a second and doubles,
// each time between half of it and all of it. A server that asks for more than a
// minute gets no second call.
const (
	firstWait = 500 * time.Millisecond
	longest   = 15 * time.Second
	maxWait   = time.Minute
)

// again returns how long to wait before the call is made again, if it may be.
func (r *call) again(tried int, err error) (time.Duration, bool) {
	var refused *Error
	var lost *networkError
	switch {
	case errors.As(err, &lost):
		return backoff(tried), r.repeatable
	case !errors.As(err, &refused) || refused.RetryAfter > maxWait:
		return 0, false
	}
	wait := refused.RetryAfter
	if wait == 0 {
		wait = backoff(tried)
	}
	switch refused.Status {
	case http.StatusTooManyRequests:
		return wait, true
	case http.StatusServiceUnavailable:
		return wait, r.repeatable || refused.Code == "server_busy"
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		return wait, r.repeatable
	}
	return 0, false
}

// removedBefore reports whether a repeated removal failed because an earlier
// request, which may have been carried out, had removed it.
func (r *call) removedBefore(err error) bool {
	return r.method == http.MethodDelete && Code(err) == "not_found"
}

// mayHaveBegun reports whether a failed request may have been carried out: its
// answer was lost, or the server or a proxy failed at it. It was not where no
// connection was made.
func mayHaveBegun(err error) bool {
	var lost *networkError
	if errors.As(err, &lost) {
		var dial *net.OpError
		return !errors.As(err, &dial) || dial.Op != "dial"
	}
	var refused *Error
	return errors.As(err, &refused) && refused.Status >= 500 && refused.Code != "server_busy"
}

// backoff returns a wait with jitter, so that many clients don't come back at once.
func backoff(tried int) time.Duration {
	wait := longest
	if tried < 5 {
		wait = min(firstWait<<tried, longest)
	}
	return wait/2 + rand.N(wait/2)
}

// sleep waits, or returns the context's error.
func sleep(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
