// Package webhook holds the rules of webhooks: what events there are, how they
// are written and signed, when they are tried again, where they may go, and how
// one is sent. It knows no database and no web framework.
package webhook

import (
	"encoding/json"
	"time"
)

// EventType is one kind of event.
type EventType struct {
	Type             string
	Category         string
	Description      string
	FiresWhen        string
	Schema           json.RawMessage
	Example          json.RawMessage // the data object alone
	ExampleTimestamp time.Time
}

// Field is one top-level property of an event type's data.
type Field struct {
	Name, Type  string
	Required    bool
	Description string
}

// Category is a group of event types.
type Category struct {
	Name, Title string
	Types       []*EventType
}

// Catalog is every event type that this installation knows.
type Catalog struct{}

func (t *EventType) Fields() []Field                             { return nil }
func NewCatalog(extra []byte) (*Catalog, error)                  { return nil, nil }
func (c *Catalog) Types() []*EventType                           { return nil }
func (c *Catalog) Categories() []Category                        { return nil }
func (c *Catalog) Lookup(eventType string) (*EventType, bool)    { return nil, false }
func (c *Catalog) Validate(eventType string, data []byte) Faults { return nil }
