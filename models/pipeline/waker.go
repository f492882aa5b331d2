package pipeline

import (
	"hookwell/models"
)

// Waker is told, after the commit, which deliveries have become due. It must
// neither block nor fail: what it loses, the due scan finds.
type Waker interface {
	// Wake says which deliveries are due.
	Wake(woken []models.Woken)
	// WakeMail says that mail was queued.
	WakeMail()
	// Reserve takes slots of this process for deliveries that are about to be
	// accepted, at most the Count of each, and sets Count and Free to what it took.
	Reserve(slots []Slots)
	// Begin sends what was claimed for reserved slots, after its commit, and gives
	// up the other ones.
	Begin(slots []Slots, jobs []Job)
}

// Wake hands due deliveries on, once their rows are committed.
func (p *Engine) Wake(woken []models.Woken) {
	if p.waker != nil && len(woken) > 0 {
		p.waker.Wake(woken)
	}
}
