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

// Undelivered lists what of the history did not arrive.
func (h *History) Undelivered() (rows []Undelivered) {
	for i := range h.Deliveries {
		if d := &h.Deliveries[i]; d.State == Failed || d.State == Cancelled {
			rows = append(rows, Undelivered{DeliveryID: d.ID, OrganizationID: d.OrganizationID, EndpointID: d.EndpointID, EventType: d.EventType, State: d.State})
		}
	}
	return rows
}
