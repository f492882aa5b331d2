package api

import (
	"github.com/go-json-experiment/json/jsontext"
	"github.com/gofiber/fiber/v2"

	"hookwell/models"
)

// previewAnswer is what a source's latest requests would become.
type previewAnswer struct {
	Requests []previewedRequest `json:"requests" jsonschema:"The source's last 20 requests, newest first."`
}

type previewedRequest struct {
	RequestID    string           `json:"requestId" jsonschema:"The request."`
	ReceivedAt   stamp            `json:"receivedAt" jsonschema:"When it came."`
	ExternalID   *string          `json:"externalId" jsonschema:"The provider's id; null if it has none."`
	ExternalType *string          `json:"externalType" jsonschema:"The provider's type; null if it has none."`
	Processing   string           `json:"processing" jsonschema:"How its processing would end: processed, ignored or failed."`
	Reason       *string          `json:"reason" jsonschema:"Why it would become no event of the catalog, or not all; null otherwise."`
	Mappings     []string         `json:"reasonMappings" jsonschema:"The mappings that reason is about."`
	Error        *string          `json:"error" jsonschema:"What would fail first, for people; null if nothing would."`
	RelayedAs    *string          `json:"relayedAs" jsonschema:"The type of the event that passes it on as it was received; null if none does."`
	Events       []previewedEvent `json:"events" jsonschema:"The events of the catalog that it would become, 10 at most."`
	MoreEvents   int              `json:"moreEvents" jsonschema:"How many further events are not listed."`
	Faults       []previewFault   `json:"faults" jsonschema:"Where mappings fail for it, 10 at most."`
}

type previewedEvent struct {
	Mapping        string         `json:"mapping" jsonschema:"The mapping's name."`
	Type           string         `json:"type" jsonschema:"The catalog's type."`
	OrganizationID string         `json:"organizationId" jsonschema:"Whose event it would be."`
	OccurredAt     stamp          `json:"occurredAt" jsonschema:"The event's time."`
	Test           bool           `json:"test" jsonschema:"Whether it would be a test event."`
	Repeated       bool           `json:"repeated" jsonschema:"Whether it was made before, so that only a forced replay makes it."`
	Data           jsontext.Value `json:"data" jsonschema:"Its data; null if there is too much of it for a preview."`
	Faults         []problemField `json:"faults" jsonschema:"Why the data doesn't fit the type's schema; empty if it does."`
}

type previewFault struct {
	Item    int    `json:"item" jsonschema:"Which item of a batch, from 0."`
	Mapping string `json:"mapping" jsonschema:"The mapping's name; empty if the request can't be read at all."`
	Field   string `json:"field" jsonschema:"The place in the mappings, such as mappings[0].data.amount, or when for a condition."`
	Source  string `json:"source" jsonschema:"What stands at that place: the path or the expression."`
	Message string `json:"message" jsonschema:"What went wrong."`
}

// previewBody is the mappings to try.
type previewBody struct {
	Mappings jsontext.Value `json:"mappings"`
	ofOrganization
}

// sourcePreview responds with what the source's latest requests would become.
func (a *API) sourcePreview(c *call) error {
	var b previewBody
	r, err := c.receivingInput(&b, false)
	if err != nil {
		return err
	}
	id, err := c.sourceID()
	if err != nil {
		return err
	}
	list, err := r.PreviewMappings(c.UserContext(), id, string(b.Mappings))
	if err != nil {
		return err
	}
	shape := previewAnswer{Requests: make([]previewedRequest, len(list))}
	for i := range list {
		shape.Requests[i] = shapePreviewed(&list[i])
	}
	return c.answer(fiber.StatusOK, shape)
}

func shapePreviewed(p *models.PreviewedRequest) previewedRequest {
	q := &p.Request
	shape := previewedRequest{RequestID: q.ID, ReceivedAt: stamp(q.ReceivedAt), ExternalID: textOrNull(q.ExternalID), ExternalType: textOrNull(q.ExternalType),
		Processing: string(q.Processing), Reason: textOrNull(q.Reason), Mappings: q.Mappings(), Error: textOrNull(q.Error), RelayedAs: textOrNull(p.Relayed), MoreEvents: p.More,
		Events: make([]previewedEvent, len(p.Events)), Faults: make([]previewFault, len(p.Faults))}
	for i, e := range p.Events {
		event := previewedEvent{Mapping: e.Mapping, Type: e.Type, OrganizationID: e.OrganizationID, OccurredAt: stamp(e.OccurredAt), Test: e.Test, Repeated: e.Repeated,
			Data: jsontext.Value(e.Data), Faults: []problemField{}}
		if event.Data == nil {
			event.Data = jsontext.Value("null")
		}
		for _, fault := range e.Faults {
			event.Faults = append(event.Faults, problemField{Field: fault.Field, Message: fault.Text()})
		}
		shape.Events[i] = event
	}
	for i, fault := range p.Faults {
		shape.Faults[i] = previewFault(fault)
	}
	return shape
}
