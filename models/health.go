package models

import (
	"time"
)

// Health is how an endpoint fares: its state, and what waits for it. OldestWaiting
// is nil when more deliveries wait than Waiting counts.
type Health struct {
	EndpointState
	Waiting       Tallied
	OldestWaiting *time.Time
}
