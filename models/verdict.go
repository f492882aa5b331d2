package models

import "time"

// Reason says in one word why an event stands where it does with an endpoint.
// A failed delivery's reason, and a retrying one's that nothing holds back, is
// the cause of its last attempt.
type Reason string

// Why there is no delivery.
const (
	ReasonNotSubscribed Reason = "not_subscribed" // to the event's type, at that time
	ReasonDisabled      Reason = "disabled"       // at that time
	ReasonNotCreated    Reason = "not_created"    // the endpoint is younger than the event
	ReasonDeleted       Reason = "deleted"        // before the event
	ReasonOtherTest     Reason = "test"           // a test event of another endpoint's
	ReasonUnknown       Reason = "unknown"        // nothing on record kept it out
)

// Why a delivery waits, or was cancelled.
const (
	ReasonInFlight         Reason = "in_flight"         // an attempt is under way
	ReasonQueued           Reason = "queued"            // due, and waits for a free slot
	ReasonScheduled        Reason = "scheduled"         // the schedule begins with a delay
	ReasonEndpointDisabled Reason = "endpoint_disabled" // waits until it is enabled
	ReasonCircuit          Reason = "circuit"           // waits for the circuit to close
	ReasonRateLimit        Reason = "rate_limit"        // waits for the endpoint's rate
	ReasonEndpointDeleted  Reason = "endpoint_deleted"  // cancelled with its endpoint
	ReasonPerson           Reason = "person"            // cancelled by somebody
)

// Verdict is what became of one event at one endpoint. Endpoint is as it is
// now, deleted or not; Delivery is nil when nothing was sent. Reason is empty
// for what was delivered.
type Verdict struct {
	Endpoint *Endpoint
	Delivery *Delivery
	Reason   Reason
}

// Explain returns why the delivery stands where it does, and corrects the time of
// its next attempt by what holds its endpoint back.
func (d *Delivery) Explain(e *Endpoint, state EndpointState, now time.Time) Reason {
	switch d.State {
	case Delivered:
		return ""
	case Failed:
		return Reason(d.LastCause)
	case Cancelled:
		if e.DeletedAt != nil {
			return ReasonEndpointDeleted
		}
		return ReasonPerson
	}
	switch {
	case d.InFlight:
		return ReasonInFlight
	case e.DeletedAt != nil:
		return ReasonEndpointDeleted
	case !e.Enabled():
		d.NextAttemptAt = nil
		return ReasonEndpointDisabled
	case state.HeldUntil != nil && state.HeldUntil.After(now) && d.NextAttemptAt != nil && d.NextAttemptAt.Before(*state.HeldUntil):
		d.NextAttemptAt = state.HeldUntil
		return Reason(state.HeldBecause)
	case e.RateLimitPerSecond > 0 && time.UnixMicro(state.RateFreeUs).After(now) && d.NextAttemptAt != nil && !d.NextAttemptAt.After(now):
		return ReasonRateLimit
	case d.State == Retrying:
		return Reason(d.LastCause)
	case d.NextAttemptAt != nil && d.NextAttemptAt.After(now):
		return ReasonScheduled
	default:
		return ReasonQueued
	}
}
