package app

import (
	"log/slog"
	"math"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"hookwell/models/database"
	"hookwell/models/pipeline"
	"hookwell/web"
)

const (
	// memoryShare is how much of what its container may have the Go runtime and the
	// database file's cache take together. The rest is for the program's own pages,
	// some 40 MiB, and the kernel's side of connections.
	memoryShare = 0.8
	// usualConnections is how many the server holds where memory isn't limited.
	usualConnections = 5000
	leastConnections = 100
	// connectionCost is what a connection takes while a request on it is served, in
	// bytes: 16 KiB that its head is read into, some 20 KiB of stack, and what is
	// known of the request.
	connectionCost = 48 << 10
	// idleMemory is what a process takes that serves nobody, in bytes.
	idleMemory = 20 << 20
)

// limitMemory has the runtime collect garbage before the container's memory runs
// out. GOMEMLIMIT, where it is set, is left as it is.
func limitMemory(log *slog.Logger, embedded bool) {
	share := func() (uint64, error) {
		container, err := memlimit.FromCgroup()
		return uint64(RuntimeMemory(int64(min(container, math.MaxInt64)), embedded)), err
	}
	if _, err := memlimit.Set(memlimit.WithRatio(1), memlimit.WithProvider(share)); err != nil {
		log.Debug("the container's memory limit is not known", "error", err)
	}
}

// RuntimeMemory returns how much of a container's memory the Go runtime may take, in
// bytes. SQLite allocates its cache past the runtime, so that on the embedded default
// this is less, but half of the container's memory in any case.
func RuntimeMemory(container int64, embedded bool) int64 {
	share := int64(float64(container) * memoryShare)
	if embedded {
		share = max(share-database.SQLiteMemory, container/2)
	}
	return share
}

// connectionLimits returns the limits that are set, or that follow from the memory
// that there is: connections may have what request bodies, answers and the events
// kept for their deliveries leave of it.
func connectionLimits(set web.ConnectionLimits, byMemory bool, memory, bodyMemory int64) web.ConnectionLimits {
	if byMemory {
		left := memory - idleMemory - pipeline.KeptBodies - pipeline.KeptRequests - web.MemoryOf(bodyMemory)
		set.Total = int(max(leastConnections, min(usualConnections, left/connectionCost)))
	}
	return set
}

// memoryLimit is what the runtime may take, in bytes; math.MaxInt64 is any amount.
func memoryLimit() int64 { return debug.SetMemoryLimit(-1) }
