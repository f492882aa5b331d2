package models

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
