package app

import (
	"math"
	"testing"

	"hookwell/models/database"
	"hookwell/models/pipeline"
	"hookwell/web"
)

func TestConnectionLimits_follow_from_memory(t *testing.T) {
	const bodies = 32 << 20
	for memory, want := range map[int64]int{math.MaxInt64: 5000, 1 << 30: 5000, RuntimeMemory(256<<20, false): 1723, RuntimeMemory(256<<20, true): 1057, 1 << 20: 100} {
		got := connectionLimits(web.ConnectionLimits{PerAddress: 7}, true, memory, bodies)
		if got.Total != want || got.PerAddress != 7 {
			t.Errorf("connectionLimits() with %d bytes returned %+v, want %d", memory, got, want)
		}
		if all := int64(got.Total)*connectionCost + idleMemory + pipeline.KeptBodies + pipeline.KeptRequests + web.MemoryOf(bodies); want > leastConnections && all > memory {
			t.Errorf("what may be in memory adds up to %d bytes of %d", all, memory)
		}
	}
	if got := connectionLimits(web.ConnectionLimits{Total: 9000}, false, 1<<20, bodies); got.Total != 9000 {
		t.Errorf("connectionLimits() changed what is set to %d", got.Total)
	}
	if least := connectionLimits(web.ConnectionLimits{}, true, RuntimeMemory(256<<20, true), 1<<40); least.Total != leastConnections {
		t.Errorf("connectionLimits() beside much memory for bodies returned %d, want %d", least.Total, leastConnections)
	}
}

func TestRuntimeMemory_leaves_room_for_the_database_file(t *testing.T) {
	for _, c := range []struct {
		container int64
		embedded  bool
		want      int64
	}{
		{1000, false, 800},
		{1 << 30, true, (1<<30)/10*8 - database.SQLiteMemory + 3},
		{64 << 20, true, 32 << 20}, // half, since it would be less than that
	} {
		if got := RuntimeMemory(c.container, c.embedded); got != c.want {
			t.Errorf("RuntimeMemory(%d, %v) returned %d, want %d", c.container, c.embedded, got, c.want)
		}
	}
}
