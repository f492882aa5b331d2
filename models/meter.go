package models

import "hookwell/webhook"

// Meter is told what was committed, for metrics. It must neither block nor fail.
type Meter interface {
	// Accepted is told how many events of one origin a transaction accepted,
	// and how many deliveries they led to.
	Accepted(origin Origin, events, deliveries int)
	// Attempted is told of attempts that were recorded together.
	Attempted(results []Result)
	// Ended is told how many deliveries came to one end in a transaction; the
	// cause is empty but for Failed. One that a resend delivers again counts again.
	Ended(state State, cause webhook.Cause, deliveries int)
}

// committed is what is to be told of a transaction once it is committed.
type committed struct {
	woken    []Woken
	accepted map[Origin]counts
	ended    map[end]int
	mail     bool // some was queued
	// unfinished are events of which not every delivery is written.
	unfinished []*draft
}

type counts struct{ events, deliveries int }

type end struct {
	state State
	cause webhook.Cause
}

// noted is what the transaction notes for the waker and the meter.
func (s *Store) noted(tx *Tx) *committed { return noteIn(tx, s.tell) }

func (t *committed) acceptAll(events []*Event) {
	if t.accepted == nil {
		t.accepted = map[Origin]counts{}
	}
	for _, event := range events {
		c := t.accepted[event.Origin]
		t.accepted[event.Origin] = counts{c.events + 1, c.deliveries + event.Deliveries}
	}
}

func (t *committed) end(state State, cause webhook.Cause, deliveries int) {
	if state != Failed {
		cause = ""
	}
	if t.ended == nil {
		t.ended = map[end]int{}
	}
	t.ended[end{state, cause}] += deliveries
}

// tell hands on what a transaction noted, after its commit.
func (s *Store) tell(t *committed) {
	s.wake(t.woken)
	s.publish.resume(t.unfinished)
	if s.waker != nil && t.mail {
		s.waker.WakeMail()
	}
	if s.meter == nil {
		return
	}
	for origin, c := range t.accepted {
		s.meter.Accepted(origin, c.events, c.deliveries)
	}
	for e, n := range t.ended {
		s.meter.Ended(e.state, e.cause, n)
	}
}

// attempted tells the meter of attempts after their commit.
func (s *Store) attempted(results []Result) {
	if s.meter != nil {
		s.meter.Attempted(results)
	}
}
