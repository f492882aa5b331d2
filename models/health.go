package models

import (
	"time"
)

// Health is how an endpoint fares: its state, and what waits for it. With more
// waiting than is counted, nobody says how long the oldest does.
type Health struct {
	EndpointState
	Waiting       Tallied
	OldestWaiting *time.Time
}
