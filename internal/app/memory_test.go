package app

import (
	"math"
	"testing"

	"hookwell/web"
)

func TestConnectionLimits_follow_from_memory(t *testing.T) {
	for memory, want := range map[int64]int{math.MaxInt64: 5000, 1 << 30: 5000, 256 << 20 / 10 * 8: 3276, 1 << 20: 100} {
		if got := connectionLimits(web.ConnectionLimits{PerAddress: 7}, true, memory); got.Total != want || got.PerAddress != 7 {
			t.Errorf("with %d bytes: %+v, want %d", memory, got, want)
		}
	}
	if got := connectionLimits(web.ConnectionLimits{Total: 9000}, false, 1<<20); got.Total != 9000 {
		t.Errorf("what is set became %d", got.Total)
	}
}
