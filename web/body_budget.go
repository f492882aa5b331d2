package web

import (
	"log/slog"
	"sync"
	"time"

	"hookwell/web/request"
)

// What of the budget for request bodies can be had. A large body is one of more
// than smallBody bytes. Small ones may use all of the budget, large ones leave a
// quarter of it, so that ordinary reports go on beside any number of batches.
const (
	smallBody = 64 << 10
	// doorBody is what a form of somebody who hasn't signed in may have, in bytes.
	// The longest is a sign-in's with every field full and percent-encoded: some
	// 8,600, of which 6,144 are where it leads.
	doorBody = 10 << 10
	// bodyStep is what reading begins with, in bytes. It counts as the
	// connection's: no budget that others have used up keeps a sign-in or a
	// short report out.
	bodyStep = 4 << 10
)

// claim is what one body has of the budget.
type claim struct {
	size  int64
	large bool
}

// bodyUse is what some bodies have of the budget, in bytes.
type bodyUse struct{ all, large int64 }

func (u bodyUse) changed(from, to claim) bodyUse {
	u.all += to.size - from.size
	if from.large {
		u.large -= from.size
	}
	if to.large {
		u.large += to.size
	}
	return u
}

// bodyBudget bounds the bytes of all request bodies that a process has in
// memory at one time, and what one owner has of them.
type bodyBudget struct {
	limit int64
	log   *slog.Logger

	mu        sync.Mutex
	used      bodyUse
	strangers bodyUse
	owners    map[request.Owner]bodyUse // who has none is not in it
	refused   refusalCount
}

// change counts a body's new claim in place of its old one. It reports false,
// and counts nothing, if the new one is larger and doesn't fit.
func (b *bodyBudget) change(owner request.Owner, from, to claim) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	used, own := b.used.changed(from, to), b.owners[owner].changed(from, to)
	strangers := b.strangers
	if owner.Stranger() {
		strangers = strangers.changed(from, to)
	}
	if to.size > from.size && !b.fits(owner, used, strangers, own, to.size) {
		b.refuse(owner, "no room")
		return false
	}
	b.used, b.strangers = used, strangers
	switch {
	case own.all == 0:
		delete(b.owners, owner)
	case b.owners == nil:
		b.owners = map[request.Owner]bodyUse{owner: own}
	default:
		b.owners[owner] = own
	}
	return true
}

// fits reports whether there may be so much. One owner may always have one
// batch in large bodies, and half of the budget over all, so that reports go on
// beside their own batches. Strangers have a quarter, each network a sixteenth, or
// one body of an eighth: a provider's first one may be long.
func (b *bodyBudget) fits(owner request.Owner, used, strangers, own bodyUse, size int64) bool {
	if used.all > b.limit || used.large > b.limit-b.limit/4 {
		return false
	}
	if owner.Stranger() {
		alone := own.all == size
		return strangers.all <= b.limit/4 && (own.all <= b.limit/16 || alone && size <= b.limit/8)
	}
	return own.large <= max(b.limit/4, maxBatchBody) && own.all <= b.limit/2
}

// late notes a body that was given up because it came too slowly.
func (b *bodyBudget) late(owner request.Owner) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refuse(owner, "too slow")
}

// refuse notes that a body was given up. The lock is held.
func (b *bodyBudget) refuse(owner request.Owner, why string) {
	if count, due := b.refused.add(time.Now()); due {
		b.log.Warn("request bodies refused", "count", count, "bytes", b.used.all, "last", owner.String(), "why", why)
	}
}

// refusalLog is how long the log says nothing more of refusals of one kind: an
// attack would else fill it.
const refusalLog = time.Minute

// refusalCount counts refusals until a line in the log is due that tells of them.
type refusalCount struct {
	count  int
	logged time.Time
}

// add counts one more. It reports whether a line is due, and for how many.
func (r *refusalCount) add(now time.Time) (count int, due bool) {
	r.count++
	if now.Sub(r.logged) < refusalLog {
		return 0, false
	}
	count, r.count, r.logged = r.count, 0, now
	return count, true
}
