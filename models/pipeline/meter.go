package pipeline

import (
	"hookwell/models"
	"hookwell/models/database"
	"hookwell/webhook"
)

// Meter counts what was committed, for metrics. Its methods must neither block
// nor fail.
type Meter interface {
	// Accepted counts a transaction's accepted events of one origin, and their
	// deliveries.
	Accepted(origin models.Origin, events, deliveries int)
	// Attempted counts attempts that were recorded together.
	Attempted(results []*Result)
	// Ended counts deliveries that a transaction ended in one state. The cause is
	// empty unless the state is Failed. A delivery that a resend delivers again
	// counts again.
	Ended(state models.State, cause webhook.Cause, deliveries int)
}

// committed is what is to be told of a transaction once it is committed.
type committed struct {
	woken    []models.Woken
	accepted map[models.Origin]acceptedCounts
	ended    map[endedAs]int
	mail     bool // some was queued
	// unfinished are events of which not every delivery is written.
	unfinished []*Draft
}

type acceptedCounts struct{ events, deliveries int }

type endedAs struct {
	state models.State
	cause webhook.Cause
}

// Noted returns the transaction's notes for the waker and the meter, who hear of
// them after the commit.
func (p *Engine) Noted(tx *database.Tx) *committed { return database.NoteIn(tx, p.tell) }

// AcceptAll counts accepted events with their deliveries.
func (t *committed) AcceptAll(events []*models.Event) {
	for _, event := range events {
		t.accept(event)
	}
}

func (t *committed) accept(event *models.Event) {
	if t.accepted == nil {
		t.accepted = map[models.Origin]acceptedCounts{}
	}
	c := t.accepted[event.Origin]
	t.accepted[event.Origin] = acceptedCounts{c.events + 1, c.deliveries + event.Deliveries}
}

// CountEnded counts deliveries that came to an end; a cause counts for Failed alone.
func (t *committed) CountEnded(state models.State, cause webhook.Cause, deliveries int) {
	if state != models.Failed {
		cause = ""
	}
	if t.ended == nil {
		t.ended = map[endedAs]int{}
	}
	t.ended[endedAs{state, cause}] += deliveries
}

// tell hands on what a transaction noted, after its commit.
func (p *Engine) tell(t *committed) {
	p.Wake(t.woken)
	p.publish.resume(t.unfinished)
	if p.waker != nil && t.mail {
		p.waker.WakeMail()
	}
	if p.meter == nil {
		return
	}
	for origin, c := range t.accepted {
		p.meter.Accepted(origin, c.events, c.deliveries)
	}
	for e, n := range t.ended {
		p.meter.Ended(e.state, e.cause, n)
	}
}

// attempted tells the meter of attempts after their commit.
func (p *Engine) attempted(results []*Result) {
	if p.meter != nil {
		p.meter.Attempted(results)
	}
}
