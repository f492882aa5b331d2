package models

import (
	"time"

	"hookwell/webhook"
)

// Origin says who reported an event.
type Origin string

// The origins.
const (
	OriginAPI  Origin = "api"  // the product's back end, through the HTTP API
	OriginApp  Origin = "app"  // Hookwell itself: what people did in the app
	OriginTest Origin = "test" // a person's test event

	OriginMapped  Origin = "mapped"  // a source's request, turned into a type of the catalog
	OriginRelayed Origin = "relayed" // a source's request, its body as it was received
)

// Event is something that happened once. Body is the envelope's bytes, made
// once and sent as they are in every attempt.
type Event struct {
	ID             string
	OrganizationID string
	Type           string
	Origin         Origin
	Test           bool
	OccurredAt     time.Time
	CreatedAt      time.Time
	Deliveries     int
	Body           []byte
	RequestID      string // of the API call or the test that reported it
	Relayed        []byte // of OriginRelayed: what goes along with the body, as ParseRelayed reads it

	// NotSent is set by a list of what one endpoint missed.
	NotSent Reason `gorm:"-"`

	// Redacted tells that people's addresses were taken out of Body, for a reader
	// who may not see them. It is never stored.
	Redacted bool `gorm:"-"`
}

// WantedBy reports whether subscriptions ask for the event. What a source relays
// has to be named: "*" means the catalog's types alone.
func (e *Event) WantedBy(s webhook.Subscriptions) bool {
	if e.Origin == OriginRelayed {
		return s.Names(e.Type)
	}
	return s.Matches(e.Type)
}

// NewEvent is what somebody reports. Timestamp zero is now. With an
// IdempotencyKey the same report is accepted once in 24 hours.
type NewEvent struct {
	Type           string
	Data           []byte
	Timestamp      time.Time
	IdempotencyKey string
}

// Accepted is the answer to a report: the event is in the database, and so is
// one delivery for each matching endpoint. Replayed means that an earlier
// report with the same key is answered again.
type Accepted struct {
	ID         string
	Type       string
	Deliveries int
	Replayed   bool
}

// EventFilter narrows the list of events. Zero fields let everything pass.
// Types are as in DeliveryFilter; Since and Until bound when the event was
// accepted, the first included. MissedBy leaves what an endpoint did not get
// since it was created, because it was disabled or not subscribed.
type EventFilter struct {
	Types    []string
	Origin   Origin
	Since    time.Time
	Until    time.Time
	MissedBy string
}

// Origins lists every origin.
func Origins() []Origin {
	return []Origin{OriginAPI, OriginApp, OriginTest, OriginMapped, OriginRelayed}
}
