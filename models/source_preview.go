package models

import (
	"encoding/json"
	"time"

	"hookwell/webhook"
)

// Limits of a preview of mappings.
const (
	PreviewRequests = 20      // the latest of a source
	PreviewEvents   = 10      // that are listed of one request
	PreviewData     = 2 << 20 // bytes of data that all events together have
)

// PreviewedRequest is what one request would become by mappings that are not saved.
// Nothing of it is written.
type PreviewedRequest struct {
	// Request is as it was kept, but without its headers and body. Processing, Reason
	// and Error say how its processing would end.
	Request Request
	Relayed string           // the type that it is passed on as; empty if it isn't
	Events  []PreviewedEvent // of the catalog, PreviewEvents at most
	More    int              // how many further events aren't listed
	Faults  []PreviewFault   // where mappings fail, PreviewEvents at most
}

// PreviewedEvent is one event of the catalog that a request would become, or that
// can't be made because of its faults.
type PreviewedEvent struct {
	Mapping        string // its name
	Type           string
	OrganizationID string // as the event's body has it
	OccurredAt     time.Time
	Test           bool
	Repeated       bool            // it was made before, so only a forced replay makes it
	Data           json.RawMessage // nil if it is beyond what a preview holds
	Faults         webhook.Faults  // why it doesn't fit its type's schema
}

// PreviewFault says where a mapping fails for a request.
type PreviewFault struct {
	Item    int    // of a batch, from 0
	Mapping string // its name; empty if the request can't be read at all
	Field   string // its place in the mappings, such as mappings[0].data.amount
	Source  string // what stands at that place, such as {"cel":"body.total"}; empty if nothing does
	Message string
}
