package inbound

import (
	"context"
	"encoding/json"
	"hookwell/webhook"
	"time"
)

// Limits of mappings.
const (
	MaxMappingBytes = 64 << 10               // of one mapping's JSON
	MaxMappings     = 50                     // of one source
	MappingTime     = 100 * time.Millisecond // for all of a request's items, preview included
	MaxMappedEvents = 1000                   // of one request
)

// Mappings are the compiled mappings of one source. They are safe for concurrent
// use.
type Mappings struct{}

// CompileMappings reads a source's mappings. Faults are at fields such as
// "mappings[2].data.amount.path". It doesn't know the catalog: check that each of
// Types is in it.
func CompileMappings(provider *Provider, list []json.RawMessage) (*Mappings, webhook.Faults) {
	return &Mappings{}, nil
}

// Types lists the catalog types that the mappings make, each once.
func (m *Mappings) Types() []string { return nil }

// Mapped is one event of the catalog that an item becomes.
type Mapped struct {
	Mapping    string    // the mapping's stable name
	Type       string    // of the catalog
	Identity   string    // with organization, source and mapping: what makes two items the same event
	OccurredAt time.Time // the provider's time; zero if it gives none
	Test       bool
	Payment    *Payment // what the event says of a payment's money; nil if it says nothing
}

// Payment is what one event adds to what a source knows of a payment. Keep per
// organization, source and ID the amount that was paid and the sum of the refunds.
type Payment struct {
	ID     string
	Paid   *int64 // the amount paid, in minor units
	Refund *int64 // the amount of this refund, in minor units, to be added up
}

// PaymentTotal is what a source knows of a payment, with the event's own Payment
// already added.
type PaymentTotal struct {
	Paid     *int64 // nil if no event told it
	Refunded int64
}

// Data returns the event's data. total matters only for an event with a Payment
// whose Refund is set. Whether the data fits the catalog's schema is for the
// caller to check.
func (m Mapped) Data(total PaymentTotal) (json.RawMessage, error) { return nil, nil }

// Outcome says what became of an item. Its text is the API's value.
type Outcome string

// The outcomes.
const (
	OutcomeMapped   Outcome = "mapped"
	OutcomeFiltered Outcome = "filtered" // a mapping is for its type, but its condition is false
	OutcomeUnmapped Outcome = "unmapped" // no mapping is for its type
	OutcomeFailed   Outcome = "failed"
)

// Result is what one item becomes.
type Result struct {
	Outcome      Outcome
	Events       []Mapped
	Organization Organization
	Err          error // a *MappingError if the outcome is OutcomeFailed
}

// Organization is what an item says about the organization it belongs to, for a
// source of the installation. The ID comes first.
type Organization struct {
	ID         string      // an organization's id; "" if the item has none
	References []Reference // in the order in which they are tried
}

// Reference is a name that a system has for an organization.
type Reference struct {
	System string // "stripe"
	Value  string // "cus_9"
}

// MappingError says where a mapping failed. Its text is for people.
type MappingError struct {
	Mapping string // its name
	Field   string // "when", "data.amount"
	Message string
}

func (e *MappingError) Error() string { return e.Mapping + ": " + e.Field + ": " + e.Message }

// Apply maps the items of one request, each by itself. Results are in the items'
// order. All of them together have MappingTime; items that come after it, or after
// MaxMappedEvents, fail. headers are the request's.
func (m *Mappings) Apply(ctx context.Context, headers []Header, items []Item) []Result { return nil }
