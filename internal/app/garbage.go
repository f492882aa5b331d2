package app

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

const (
	// usualGarbage is how much may gather between two collections while less
	// than that is in use. A collection costs by what is in use, so with the usual
	// 100 percent a small heap is collected many times a second under load.
	usualGarbage  = 64 << 20
	leastPercent  = 100
	mostPercent   = 400
	percentChange = 10 // below which the percentage stays, as setting it stops all goroutines for a moment
)

// garbagePercent returns what GOGC should be while so many bytes are in use.
func garbagePercent(live uint64) int {
	if live == 0 {
		return mostPercent
	}
	return int(min(max(usualGarbage*100/live, leastPercent), mostPercent))
}

// collection sets GOGC anew after each garbage collection. The runtime's memory
// limit holds all the same.
type collection struct {
	percent int
	live    [1]metrics.Sample
}

// cycle is garbage as soon as it is made, so that its finalizer runs once after
// each collection.
type cycle struct{ of *collection }

func (c *collection) begin() {
	c.percent = leastPercent
	c.live[0].Name = "/gc/heap/live:bytes"
	c.adjust()
	runtime.SetFinalizer(&cycle{c}, (*cycle).end)
}

func (y *cycle) end() {
	y.of.adjust()
	runtime.SetFinalizer(y, (*cycle).end)
}

// adjust goes by what the last collection found in use.
func (c *collection) adjust() {
	metrics.Read(c.live[:])
	percent := garbagePercent(c.live[0].Value.Uint64())
	if change := percent - c.percent; -percentChange < change && change < percentChange {
		return
	}
	c.percent = percent
	debug.SetGCPercent(percent)
}
