package jobs

import (
	"testing"

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
