package app

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
)

func TestGarbagePercent(t *testing.T) {
	for live, want := range map[uint64]int{0: 400, 1 << 20: 400, 16 << 20: 400, 20 << 20: 320, 32 << 20: 200, 64 << 20: 100, 1 << 40: 100} {
		if got := garbagePercent(live); got != want {
			t.Errorf("garbagePercent(%d) returned %d, want %d", live, got, want)
		}
	}
}

func TestCollectionGoesByWhatIsInUse(t *testing.T) {
	t.Cleanup(func() { debug.SetGCPercent(100) })
	new(collection).begin()
	// A finalizer runs some time after its collection, so this waits, at the
	// longest until the test's time is over.
	await := func(fits func(percent uint64) bool) {
		for percent := []metrics.Sample{{Name: "/gc/gogc:percent"}}; ; {
			runtime.GC()
			if metrics.Read(percent); fits(percent[0].Value.Uint64()) {
				return
			}
		}
	}
	await(func(percent uint64) bool { return percent == mostPercent })
	used := make([]byte, 32<<20)
	await(func(percent uint64) bool { return leastPercent <= percent && percent <= 200 })
	runtime.KeepAlive(used)
	await(func(percent uint64) bool { return percent == mostPercent })
}
