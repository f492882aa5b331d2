package jobs

import (
	"testing"
	"time"

	"hookwell/models/pipeline"
)

// TestWhatWaitsIsBounded holds that deliveries wait claimed within the memory of all
// lanes, and that a promise which was not kept gives it back.
func TestWhatWaitsIsBounded(t *testing.T) {
	busy := func() *lane { return &lane{limit: 10, inFlight: 10, soon: true, known: map[string]struct{}{}} }
	d := &dispatcher{lanes: map[string]*lane{"ep_a": busy(), "ep_b": busy()}, most: 100, turns: mostTurns, engine: &pipeline.Engine{}}
	reserve := func(endpointID string, count, size, want int) []pipeline.Slots {
		t.Helper()
		s := []pipeline.Slots{{EndpointID: endpointID, MaxInFlight: 10, Count: count, Size: size}}
		d.reserve(s)
		if s[0].Count != want || s[0].Free != 0 {
			t.Errorf("reserve(%d of %d bytes) let %d wait, %d be sent; want %d and none", count, size, s[0].Count, s[0].Free, want)
		}
		return s
	}
	reserve("ep_a", 200, 100, 10*mostTurns)
	reserve("ep_b", 17, 1<<20, 0)
	kept := reserve("ep_b", 10, 1<<20, 10)
	reserve("ep_b", 10, 1<<20, 0)
	d.begin(kept, nil)
	reserve("ep_b", 10, 1<<20, 10)
	d.claims = mostWaiting
	reserve("ep_b", 1, 1, 0)
}

// TestASlotIsGivenOnce holds that the slot of a claim that is under way is not free to
// what is accepted meanwhile: nobody else counts that.
func TestASlotIsGivenOnce(t *testing.T) {
	l := &lane{limit: 1, known: map[string]struct{}{"dlv_retry": {}}, ids: []string{"dlv_retry"}, organizationID: "org"}
	d := &dispatcher{lanes: map[string]*lane{"ep": l}, most: 100, turns: mostTurns, stop: make(chan struct{}), engine: &pipeline.Engine{}}
	claiming := d.gather(false, claimIDs)
	s := []pipeline.Slots{{EndpointID: "ep", MaxInFlight: 1, Count: 1}}
	if d.reserve(s); s[0].Free != 0 || claiming[0].Slots != 1 {
		t.Errorf("reserve() found %d free slots of 1 that a claim has asked for; want none", s[0].Free)
	}
	d.applyClaim(claiming[0], nil, pipeline.Outlook{})
	s[0].Count = 1
	if d.reserve(s); s[0].Free != 1 {
		t.Errorf("reserve() found %d free slots after the claim brought nothing; want 1", s[0].Free)
	}
}

// TestNothingIsStranded holds that what waits claimed is sent where the slot that was
// left for a claim brings nothing.
func TestNothingIsStranded(t *testing.T) {
	jobs := make([]*pipeline.Job, 5)
	for i := range jobs {
		jobs[i] = &pipeline.Job{Begun: time.Now()}
	}
	l := &lane{limit: 1, soon: true, known: map[string]struct{}{"x": {}}, ids: []string{"x"}, organizationID: "org", turns: claimedTurns - 1, claimed: jobs}
	d := &dispatcher{lanes: map[string]*lane{"ep": l}, most: 100, turns: mostTurns, claims: len(jobs), stop: make(chan struct{})}
	if next, _ := d.nextClaimed(l); len(next) != 0 {
		t.Fatalf("nextClaimed() sends %d in the turn of a delivery that waits; want none", len(next))
	}
	l = d.applyClaim(d.gather(false, claimIDs)[0], nil, pipeline.Outlook{})
	l.left = 0
	if next, late := d.nextClaimed(l); len(next) != 1 || len(late) != 0 {
		t.Errorf("nextClaimed() sends %d, gives %d back after a claim that brought nothing; want 1 sent", len(next), len(late))
	}
	l.inFlight = 0
	for i := range l.claimed {
		l.claimed[i].Begun = time.Now().Add(-waitLimit - time.Second)
	}
	if next, late := d.nextClaimed(l); len(next) != 0 || len(late) != 4 || d.claims != 0 {
		t.Errorf("nextClaimed() sends %d, gives %d back of what has waited for too long; want all 4 back", len(next), len(late))
	}
}
