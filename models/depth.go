package models

import (
	"time"
)

// Depth is what is under way and what waits, over all organizations.
type Depth struct {
	InFlight int // attempts under a lease
	Due      int // deliveries that could be sent now: neither held nor disabled
	Waiting  int // all other deliveries that have an attempt to come
	// OldestDue is how long the delivery that has been due the longest has been
	// so; 0 when none is.
	OldestDue    time.Duration
	OpenCircuits int
	Recoveries   int // that run
}
