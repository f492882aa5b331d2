package models

// Tally is what came of an action on several deliveries: each was done or
// refused by itself.
type Tally struct {
	Done    []string // ids
	Refused []Refusal
}

// Refusal is a delivery that an action left as it was, and why.
type Refusal struct {
	DeliveryID string
	Reason     *Error
}
