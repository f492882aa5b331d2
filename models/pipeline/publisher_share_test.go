package pipeline

import (
	"testing"
	"time"

	"hookwell/models"
)

// TestSlicesBesideOthers holds that slices are smaller while others report, and
// for a while after.
func TestSlicesBesideOthers(t *testing.T) {
	for _, whole := range []int{250, 50, 3} {
		p, now := &publisher{}, time.Now()
		p.turns.most = whole
		if most, beside := p.slice(now); most != whole || beside {
			t.Errorf("alone a slice has %d, want %d", most, whole)
		}
		p.ordinaryAt.Store(now.UnixNano())
		if most, beside := p.slice(now.Add(besideOthers / 2)); most < 1 || most > whole || !beside {
			t.Errorf("beside others a slice has %d of %d", most, whole)
		}
		if most, beside := p.slice(now.Add(besideOthers)); most != whole || beside {
			t.Errorf("after the others a slice has %d, want %d", most, whole)
		}
	}
}

// TestMayAnswer holds that events are answered with their first slice as long
// as not too much is owed.
func TestMayAnswer(t *testing.T) {
	p := &publisher{}
	event := func(left int) *Draft {
		return &Draft{committed: true, rest: make([]*models.Endpoint, left), sub: &submission{}}
	}
	large, next := event(mostOwed), event(1)
	if !p.mayAnswer(large) || p.owed.Load() != mostOwed {
		t.Errorf("the first one waits, and %d are owed", p.owed.Load())
	}
	if p.mayAnswer(next) || p.owed.Load() != mostOwed {
		t.Errorf("one beyond the bound is answered, and %d are owed", p.owed.Load())
	}
	large.rest = large.rest[:10]
	if p.mayAnswer(large) {
		t.Error("one that was answered is answered again")
	}
	large.rest = nil
	if !p.mayAnswer(large) || p.owed.Load() != 0 {
		t.Errorf("once it is written %d are owed", p.owed.Load())
	}
	if !p.mayAnswer(next) || p.owed.Load() != 1 {
		t.Errorf("once there is room the next one waits, and %d are owed", p.owed.Load())
	}
	if resumed := (&Draft{committed: true, rest: make([]*models.Endpoint, 1)}); p.mayAnswer(resumed) || p.owed.Load() != 1 {
		t.Errorf("one that nobody waits for is answered, and %d are owed", p.owed.Load())
	}
}
