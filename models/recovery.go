package models

import (
	"slices"
	"time"

	"hookwell/webhook"
)

// RecoveryKind says what a recovery brings back.
type RecoveryKind string

// The kinds of recovery.
const (
	RecoverFailed  RecoveryKind = "failed"  // deliveries that failed get one more attempt
	RecoverMissing RecoveryKind = "missing" // events that the endpoint never got become deliveries
)

// RecoveryState is how far a recovery is.
type RecoveryState string

// The states of a recovery.
const (
	RecoveryRunning   RecoveryState = "running"
	RecoveryDone      RecoveryState = "done"
	RecoveryCancelled RecoveryState = "cancelled" // by a person, or its endpoint was deleted
)

// Recovery sends again, or at last, what one endpoint has not got. Total is
// what matched when it began, Queued what was handed to delivery, Skipped what
// needed nothing any more when its turn came or was under way.
type Recovery struct {
	ID             string
	OrganizationID string
	EndpointID     string
	Kind           RecoveryKind
	Since          time.Time
	Until          time.Time
	Types          []string `gorm:"serializer:json"`
	Causes         []string `gorm:"serializer:json"`
	PerSecond      int
	State          RecoveryState
	Total          int
	Queued         int
	Skipped        int
	Cursor         string
	NextAt         time.Time
	CreatedBy      string
	CreatedAt      time.Time
	EndedAt        *time.Time

	Waiting int `gorm:"-"` // queued, but not answered yet; the tenant's queries fill it
}

// Sent returns how many were queued and have their outcome.
func (r *Recovery) Sent() int { return max(r.Queued-r.Waiting, 0) }

// Running reports whether more is to come.
func (r *Recovery) Running() bool { return r.State == RecoveryRunning }

// RecoveryInput is what a person chooses. Since bounds when the delivery was
// made (for RecoverMissing: when the event was reported), the first included;
// Until is not included, and zero is now. Types may be exact, a prefix such as
// "payment.*", or "*". Causes are names, or classes of status codes such as
// "5xx". Empty lists let everything pass. PerSecond 0 is DefaultRecoveryRate.
type RecoveryInput struct {
	Kind      RecoveryKind
	Since     time.Time
	Until     time.Time
	Types     []string
	Causes    []string
	PerSecond int
}

// MaxRecoveryRate is how many deliveries of a recovery are queued per second at most.
const MaxRecoveryRate = 100

// StatusClasses are the classes of answers that a recovery may be narrowed to.
var StatusClasses = []string{"3xx", "4xx", "5xx"}

// RecoveryCauses lists what RecoveryInput.Causes may hold.
func RecoveryCauses() []string {
	list := slices.Clone(StatusClasses)
	for _, cause := range webhook.Causes() {
		list = append(list, string(cause))
	}
	return list
}

// End sets the state and the time that the recovery ended with.
func (r *Recovery) End(state RecoveryState, now time.Time) { r.State, r.EndedAt = state, &now }

// Slot returns when the n-th attempt from now on may be made, to the microsecond.
func (r *Recovery) Slot(now time.Time, n int) time.Time {
	return now.Add(time.Duration(n) * time.Second / time.Duration(r.PerSecond)).Truncate(time.Microsecond)
}
