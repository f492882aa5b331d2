package jobs

import (
	"slices"
	"time"

	"hookwell/models"
	"hookwell/models/pipeline"
)

// lane is one endpoint's queue in this process. Ids are hints: what is lost
// here, or no longer due, costs a look and nothing else.
type lane struct {
	// organizationID is whose turn its ids wait for; empty where a task of an
	// earlier version did not say.
	organizationID string

	ids      []string
	known    map[string]struct{}
	more     bool // the database may have others that are due
	inFlight int
	limit    int
	asked    int // slots of a claim that is under way
	state    laneState
	pause    *time.Timer   // that ends the last pause; nil before the first
	look     time.Duration // how long it waits while it is crowded out

	claimed  []*pipeline.Job // as they were accepted, and wait for a slot
	promised int             // places among them, for what is about to be accepted
	soon     bool            // the last attempt went well, and soon
	took     time.Duration   // how long it took, until it was recorded
	left     int             // slots that are left for ids
	turns    int             // slots that were given to claimed since one was left
}

// claims is how many deliveries are claimed and wait, or will.
func (l *lane) claims() int { return len(l.claimed) + l.promised }

// mayWait is how many deliveries may wait claimed, for so many turns of all slots at
// most.
func (l *lane) mayWait(mostTurns int) int {
	return l.limit * min(max(int(turnSoon/max(l.took, 1)), 1), mostTurns)
}

// newLane returns an empty lane. Its limit is a guess until the endpoint's own was
// read; the claim keeps to that in any case.
func newLane(organizationID string) *lane {
	return &lane{organizationID: organizationID, known: map[string]struct{}{}, limit: models.DefaultMaxInFlight}
}

// waits reports whether the lane has anything to claim: ids of its own, or what
// the database may have.
func (l *lane) waits() bool { return len(l.ids) > 0 || l.more }

// nextLook is how soon the lane looks again where other processes have the
// slots, after a claim that brought it so many; at once where they don't.
func (l *lane) nextLook(full bool, claimed int) time.Duration {
	switch {
	case !full:
		l.look = 0
	case claimed > 0:
		l.look = fullLook
	default:
		l.look = min(max(2*l.look, fullLook), longestLook)
	}
	return l.look
}

// wait adds ids behind those that wait, each once.
func (l *lane) wait(ids []string) {
	for _, id := range ids {
		if _, twice := l.known[id]; !twice && len(l.ids) < laneIDs {
			l.ids = append(l.ids, id)
			l.known[id] = struct{}{}
		}
	}
}

// hurry puts ids before those that wait and lets a paused lane look at once:
// what a person asked for passes an open circuit. One that waits already is
// then looked for twice, which costs a look.
func (l *lane) hurry(ids []string) {
	l.ids = slices.Concat(ids, l.ids)
	for _, id := range ids {
		l.known[id] = struct{}{}
	}
	l.state = l.state.after(urgentCame)
}

func (l *lane) take(n int) []string {
	ids := l.ids[:n:n]
	l.ids = l.ids[n:]
	for _, id := range ids {
		delete(l.known, id)
	}
	return ids
}

// putBack lets the ids that were not claimed wait.
func (l *lane) putBack(ids []string, jobs []*pipeline.Job) {
	claimed := make(map[string]struct{}, len(jobs))
	for _, job := range jobs {
		claimed[job.DeliveryID] = struct{}{}
	}
	for _, id := range ids {
		if _, ok := claimed[id]; !ok {
			l.ids = append(l.ids, id)
			l.known[id] = struct{}{}
		}
	}
}
