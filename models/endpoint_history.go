package models

import (
	"time"

	"hookwell/webhook"
)

// EndpointHistory is one line of an endpoint's history: what it was subscribed
// to and whether it was enabled from Since on.
type EndpointHistory struct {
	EndpointID     string    `gorm:"primaryKey"`
	Since          time.Time `gorm:"primaryKey"`
	OrganizationID string
	EventTypes     webhook.Subscriptions `gorm:"serializer:json"`
	Enabled        bool
	Deleted        bool
}

// TableName returns the name of the table that holds it.
func (EndpointHistory) TableName() string { return "endpoint_settings" }

// NewEndpointHistory returns the line of the endpoint's history that holds from a
// time on, as the endpoint is now.
func NewEndpointHistory(e *Endpoint, since time.Time) *EndpointHistory {
	return &EndpointHistory{EndpointID: e.ID, Since: since, OrganizationID: e.OrganizationID, EventTypes: e.EventTypes,
		Enabled: e.Enabled(), Deleted: e.DeletedAt != nil}
}

// KeepsOut says why an event is not sent under this line, and nothing if it is. No
// line at all is the time before the endpoint.
func (h *EndpointHistory) KeepsOut(e *Event) Reason {
	switch {
	case h == nil:
		return ReasonNotCreated
	case h.Deleted:
		return ReasonDeleted
	case !h.Enabled:
		return ReasonDisabled
	case !e.WantedBy(h.EventTypes):
		return ReasonNotSubscribed
	default:
		return ""
	}
}
