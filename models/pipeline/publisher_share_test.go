package pipeline

import (
	"testing"
	"time"
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
