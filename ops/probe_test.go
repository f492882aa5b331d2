package ops

import (
	"context"
	"errors"
	"testing"
	"time"
)

// TestProbe_tells_nothing_that_was_refuted has a write refused for want of room
// just after a probe went well.
func TestProbe_tells_nothing_that_was_refuted(t *testing.T) {
	now := time.Date(2026, 3, 3, 15, 22, 41, 0, time.UTC)
	full, tries := false, 0
	errFull := errors.New("no room")
	f := found{now: func() time.Time { return now }, refuted: func() bool { return full }, try: func(context.Context) error {
		if tries++; full {
			return errFull
		}
		return nil
	}}
	ask := func(want error, wantTries int) {
		t.Helper()
		if err := f.ask(t.Context()); !errors.Is(err, want) || tries != wantTries {
			t.Errorf("ask() returned %v after %d tries, want %v and %d", err, tries, want, wantTries)
		}
	}
	ask(nil, 1)
	now = now.Add(probeFor / 4)
	ask(nil, 1)
	full = true
	ask(errFull, 2)
	now = now.Add(probeFor / 4)
	ask(errFull, 2) // no number of requests makes more than one write a second
	full = false
	ask(errFull, 2)
	now = now.Add(probeFor)
	ask(nil, 3)
}
