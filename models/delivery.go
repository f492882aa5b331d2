package models

import (
	"slices"
	"time"

	"hookwell/webhook"
)

// State is a delivery's state.
type State string

// The states; docs/delivery.md tells what each means.
const (
	Pending   State = "pending"
	Retrying  State = "retrying"
	Delivered State = "delivered"
	Failed    State = "failed"
	Cancelled State = "cancelled"
)

// States lists every state in the order in which pages show them.
func States() []State { return []State{Failed, Retrying, Pending, Delivered, Cancelled} }

// Delivery is one event on its way to one endpoint, with what its last attempt
// came to. PlannedAttempts is how many its schedule allows.
type Delivery struct {
	ID              string
	OrganizationID  string
	EventID         string
	EventType       string
	EndpointID      string
	State           State
	Test            bool
	AttemptCount    int
	PlannedAttempts int
	CreatedAt       time.Time
	DeliveredAt     *time.Time
	EndedAt         *time.Time
	LastAttemptAt   *time.Time
	LastStatusCode  int
	LastCause       webhook.Cause
	LastDurationUs  int64

	// NextAttemptAt and InFlight come from the unfinished work; EndpointTitle
	// from the endpoint. The tenant's queries fill them. NextAttemptAt is nil where
	// none is due: while the endpoint is disabled, and once it is deleted.
	NextAttemptAt *time.Time `gorm:"-"`
	InFlight      bool       `gorm:"-"`
	EndpointTitle string     `gorm:"-"`
}

// DeliveryFilter narrows the log. Zero fields let everything pass. Types may
// be exact, a prefix such as "payment.*", or "*". Since and Until bound when
// the delivery was made, the first included.
type DeliveryFilter struct {
	States     []State
	EndpointID string
	EventID    string
	Types      []string
	Since      time.Time
	Until      time.Time
}

// Sparse reports whether the wanted deliveries are few among all, and stand on a
// list of their own: what failed or was cancelled, and what still waits.
func (f DeliveryFilter) Sparse() bool {
	return len(f.States) > 0 && !slices.Contains(f.States, Delivered) && f.EventID == ""
}

// CountSoFar is a count that was not counted to its end: More tells that there are
// more than N.
type CountSoFar struct {
	N    int
	More bool
}

// LastDuration returns how long the last attempt took.
func (d *Delivery) LastDuration() time.Duration {
	return time.Duration(d.LastDurationUs) * time.Microsecond
}

// Undelivered is a delivery that failed or was cancelled, and is not delivered
// since. It is what the log finds such deliveries by: an index of deliveries on
// a state that changes would make every update of every delivery write to all
// of its indexes.
type Undelivered struct {
	DeliveryID     string `gorm:"primaryKey"`
	OrganizationID string
	EndpointID     string
	EventType      string
	State          State
}

// TableName is no plural: each row is one thing that is not.
func (Undelivered) TableName() string { return "undelivered" }

// Tally is what came of an action on several deliveries: each was done or
// refused by itself.
type Tally struct {
	Done    []string // ids
	Refused []RefusedDelivery
}

// RefusedDelivery is one that an action left as it was, and why.
type RefusedDelivery struct {
	DeliveryID string
	Reason     *Error
}
