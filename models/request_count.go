package models

import (
	"time"

	"hookwell/inbound"
)

// RequestCounts is how many requests a log has: by state, and by cause of the refused
// and processing of the others. A count says More if only the newest requests were
// counted.
type RequestCounts struct {
	States     map[inbound.State]CountSoFar
	Causes     map[inbound.Cause]CountSoFar
	Processing map[Processing]CountSoFar
}

// All returns the count of all states together.
func (c RequestCounts) All() (sum CountSoFar) {
	for _, n := range c.States {
		sum.N, sum.More = sum.N+n.N, sum.More || n.More
	}
	return sum
}

// RequestHour is what came to sources in one hour, from At on. Refused counts what
// isn't kept too. Failed are those of the accepted that became no event.
type RequestHour struct {
	At       time.Time
	Accepted CountSoFar
	Failed   CountSoFar
	Refused  int
}
