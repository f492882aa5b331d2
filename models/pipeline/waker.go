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
	// ShowRequests passes on which requests of sources the pages are to show anew:
	// DeliveryID has the id of a request, or of its source.
	ShowRequests(changed []models.Woken)
	// Reserve takes slots of this process for deliveries that are about to be
	// accepted, at most the Count of each, and sets Count and Free to the numbers
	// that it took.
	Reserve(slots []Slots)
	// Begin sends the jobs claimed for reserved slots, after their commit, and
	// gives up the remaining slots.
	Begin(slots []Slots, jobs []*Job)
}

// showRequests tells the pages of requests that came, or became something. The
// installation's have no pages.
func (p *Engine) showRequests(work []requestWork) {
	var changed []models.Woken
	for i := range work {
		if w := &work[i]; w.OrganizationID != "" {
			changed = append(changed, models.Woken{OrganizationID: w.OrganizationID, DeliveryID: w.RequestID}, models.Woken{OrganizationID: w.OrganizationID, DeliveryID: w.SourceID})
		}
	}
	if p.waker != nil && len(changed) > 0 {
		p.waker.ShowRequests(changed)
	}
}

// Wake passes due deliveries to the Waker. Call it after their rows are
// committed.
func (p *Engine) Wake(woken []models.Woken) {
	if p.waker != nil && len(woken) > 0 {
		p.waker.Wake(woken)
	}
}
