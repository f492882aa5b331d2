package app

import (
	"log/slog"
	"math"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"hookwell/web"
)

const (
	// memoryShare is how much of what its container may have the Go runtime
	// takes. The rest is for the kernel's side of connections, and the database
	// file's cache.
	memoryShare = 0.8
	// usualConnections is how many the server holds where memory isn't limited.
	usualConnections = 5000
	leastConnections = 100
	// connectionCost is what the server reserves for a connection with a request
	// on it, in bytes. Connections may have half of the memory.
	connectionCost = 32 << 10
)

// limitMemory has the runtime collect garbage before the container's memory runs
// out. GOMEMLIMIT, where it is set, is left as it is.
func limitMemory(log *slog.Logger) {
	if _, err := memlimit.Set(memlimit.WithRatio(memoryShare), memlimit.WithProvider(memlimit.FromCgroup)); err != nil {
		log.Debug("the container's memory limit is not known", "error", err)
	}
}

// connectionLimits returns the limits that are set, or that follow from the memory
// that there is.
func connectionLimits(set web.ConnectionLimits, byMemory bool, memory int64) web.ConnectionLimits {
	if byMemory {
		set.Total = usualConnections
		if memory < math.MaxInt64 {
			set.Total = int(max(leastConnections, min(usualConnections, memory/2/connectionCost)))
		}
	}
	return set
}

// memoryLimit is what the runtime may take, in bytes; math.MaxInt64 is any amount.
func memoryLimit() int64 { return debug.SetMemoryLimit(-1) }
