package jobs

import (
	"testing"

	"hookwell/models/pipeline"
)

// TestRecorder_pressing holds when a group is not to gather any longer: once half
// of an endpoint's slots wait for it, or it is large.
func TestRecorder_pressing(t *testing.T) {
	r := &recorder{slots: map[string]int{}, signal: make(chan struct{}, 1), pressing: make(chan struct{}, 1)}
	land := func(endpoint string, limit, n int) {
		for range n {
			r.put(&pipeline.Result{Job: &pipeline.Job{EndpointID: endpoint, MaxInFlight: limit}})
		}
	}
	want := func(what string, pressing bool) {
		t.Helper()
		if got := len(r.pressing) == 1; got != pressing {
			t.Errorf("%s: pressing is %t; want %t", what, got, pressing)
		}
	}
	land("a", 20, 9)
	land("b", 20, 9)
	want("with less than half of each endpoint's slots", false)
	land("a", 20, 1)
	want("with half of an endpoint's slots", true)
	if group, _ := r.take(true); len(group) != 19 {
		t.Fatalf("take() returned %d outcomes; want 19", len(group))
	}
	want("once they are taken", false)
	land("a", 20, 9)
	want("with less than half again", false)
	land("c", 1, 1)
	want("with the only slot of an endpoint", true)
	r.take(true)
	land("d", 100, 49)
	land("e", 100, 49)
	land("f", 100, lingerGroup-98-1)
	want("with one less than a large group", false)
	land("f", 100, 1)
	want("with a large group", true)
}
