package jobs

// laneState is how a lane stands with claims. What waits in it is another matter:
// a lane that is ready with nothing in it is only passed over.
type laneState int

const (
	laneReady laneState = iota // may be claimed for
	// laneClaiming is while a claim is under way, and laneClaimingUrgent while
	// one is that something urgent came after: the lane then looks again at once.
	laneClaiming
	laneClaimingUrgent
	// laneHeld is while its rate limit is used up or its circuit is not closed.
	laneHeld
	// laneCrowdedOut is while other processes have the slots of its endpoint.
	laneCrowdedOut
)

// laneEvent is what moves a lane from one state to another.
type laneEvent int

const (
	claimBegan    laneEvent = iota
	claimOpen               // the claim ended, and more may go out
	claimHeld               // it ended, and nothing more may for a while
	claimCrowded            // it ended, and others have the slots
	urgentCame              // something that a person asked for
	pauseOver               // the lane has waited
	attemptLanded           // one of its own, so that a slot is free
)

// after returns the state that follows on an event.
func (s laneState) after(e laneEvent) laneState {
	switch {
	case e == claimBegan:
		return laneClaiming
	case e == urgentCame && s.claiming():
		return laneClaimingUrgent
	case e == claimHeld && s != laneClaimingUrgent:
		return laneHeld
	case e == claimCrowded && s != laneClaimingUrgent:
		return laneCrowdedOut
	case e == pauseOver && !s.paused(), e == attemptLanded && s != laneCrowdedOut:
		return s
	}
	return laneReady
}

// claiming reports whether a claim is under way.
func (s laneState) claiming() bool { return s == laneClaiming || s == laneClaimingUrgent }

// paused reports whether the lane waits before it is claimed for again.
func (s laneState) paused() bool { return s == laneHeld || s == laneCrowdedOut }
