package models

import (
	"time"
)

// Woken names a delivery whose work is due, for whoever sends it.
type Woken struct {
	OrganizationID string
	EndpointID     string
	DeliveryID     string
	Urgent         bool // a person asked for it and watches
}

// Work is what is left to do for a delivery: one row while an attempt is still
// to come. See the migration for what the times mean. A row with LeaseUntil is
// in flight.
type Work struct {
	DeliveryID     string `gorm:"primaryKey"`
	OrganizationID string
	EndpointID     string
	EventID        string
	EventType      string
	Trigger        Trigger
	Priority       int
	Attempt        int // number of the last attempt claimed
	Position       int // attempts of the schedule that were made
	DueAt          time.Time
	WakeAt         time.Time
	ResumeAt       *time.Time
	ExpiresAt      time.Time
	ClaimedAt      *time.Time
	LeaseUntil     *time.Time
	LeaseToken     string
	Cancelled      bool   // by a person, in flight: no other attempt follows
	RecoveryID     string // of the recovery that asked for it
}

// TableName says what kind of work it is.
func (Work) TableName() string { return "delivery_work" }

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
	// Requests is how many requests of sources wait to be processed, and OldestRequest
	// how long the oldest of them has been due; 0 when none is.
	Requests      int
	OldestRequest time.Duration
}
