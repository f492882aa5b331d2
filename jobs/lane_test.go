package jobs

import (
	"testing"
	"time"
)

// Slots that others have may be taken by attempts that hang: a lane that looks
// in vain looks less and less often, and as often as before once it gets one.
func TestALaneThatLooksInVainLooksLessOften(t *testing.T) {
	l := &lane{}
	last := time.Duration(0)
	for range 5 {
		look := l.nextLook(true, 0)
		if look <= last {
			t.Errorf("after %s it looks again in %s", last, look)
		}
		last = look
	}
	for range 5 {
		if look := l.nextLook(true, 0); look != longestLook {
			t.Errorf("it looks again in %s, want %s", look, longestLook)
		}
	}
	if look := l.nextLook(true, 1); look != fullLook {
		t.Errorf("with one claimed it looks again in %s", look)
	}
	if look := l.nextLook(false, 0); look != 0 {
		t.Errorf("with slots free it waits for %s", look)
	}
}
