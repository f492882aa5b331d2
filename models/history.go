package models

// History is rows of the past that were made elsewhere, for development: what
// deliveries were, not what made them so.
type History struct {
	Events     []Event
	Deliveries []Delivery
	Attempts   []Attempt
	Work       []Work
	States     []EndpointState // take the place of those that are there
}
