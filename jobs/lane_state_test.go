package jobs

import "testing"

func TestLaneState_after(t *testing.T) {
	states := []laneState{laneReady, laneClaiming, laneClaimingUrgent, laneHeld, laneCrowdedOut}
	name := map[laneState]string{laneReady: "ready", laneClaiming: "claiming", laneClaimingUrgent: "claiming urgent", laneHeld: "held", laneCrowdedOut: "crowded out"}
	for _, test := range []struct {
		event string
		e     laneEvent
		want  [5]laneState // after each of the states
	}{
		{"a claim began", claimBegan, [5]laneState{laneClaiming, laneClaiming, laneClaiming, laneClaiming, laneClaiming}},
		{"a claim left it open", claimOpen, [5]laneState{laneReady, laneReady, laneReady, laneReady, laneReady}},
		{"a claim found it held", claimHeld, [5]laneState{laneHeld, laneHeld, laneReady, laneHeld, laneHeld}},
		{"a claim found it crowded out", claimCrowded, [5]laneState{laneCrowdedOut, laneCrowdedOut, laneReady, laneCrowdedOut, laneCrowdedOut}},
		{"something urgent came", urgentCame, [5]laneState{laneReady, laneClaimingUrgent, laneClaimingUrgent, laneReady, laneReady}},
		{"its pause is over", pauseOver, [5]laneState{laneReady, laneClaiming, laneClaimingUrgent, laneReady, laneReady}},
		{"an attempt landed", attemptLanded, [5]laneState{laneReady, laneClaiming, laneClaimingUrgent, laneHeld, laneReady}},
	} {
		for i, state := range states {
			if got := state.after(test.e); got != test.want[i] {
				t.Errorf("a lane that is %s is %s once %s, want %s", name[state], name[got], test.event, name[test.want[i]])
			}
		}
	}
}
