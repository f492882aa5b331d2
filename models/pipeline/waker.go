package pipeline

import (
	"hookwell/models"
)

// Waker hears, after the commit, which deliveries have become due. Its methods
// must neither block nor fail. The due scan finds anything that a Waker loses.
type Waker interface {
	// Wake passes on which deliveries are due.
	Wake(woken []models.Woken)
	// WakeMail passes on that mail was queued.
	WakeMail()
	// WakeRequests passes on that requests of sources wait to be processed.
	WakeRequests()
	// Reserve takes slots of this process for deliveries that are about to be
	// accepted, at most the Count of each, and sets Count and Free to the numbers
	// that it took.
	Reserve(slots []Slots)
	// Begin sends the jobs claimed for reserved slots, after their commit, and
	// gives up the remaining slots.
	Begin(slots []Slots, jobs []Job)
}

// Wake passes due deliveries to the Waker. Call it after their rows are
// committed.
func (p *Engine) Wake(woken []models.Woken) {
	if p.waker != nil && len(woken) > 0 {
		p.waker.Wake(woken)
	}
}
