package api

import (
	"bytes"
	"encoding/json"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/gofiber/fiber/v2"

	"hookwell/models"
)

// stamp is a time as the API writes it: RFC 3339 in UTC with milliseconds.
type stamp time.Time

// MarshalText writes the time.
func (t stamp) MarshalText() ([]byte, error) {
	return time.Time(t).UTC().AppendFormat(nil, "2006-01-02T15:04:05.000Z"), nil
}

// stampOrNull returns a time that may be missing.
func stampOrNull(t *time.Time) *stamp { return (*stamp)(t) }

// eventBody is one report.
type eventBody struct {
	organization string
	event        models.NewEvent
}

// member reads one member of a report. The data is kept as it stands and
// copied: the request's memory is used again once its handler returns.
func (b *eventBody) member(r *bodyReader, name, field string) bool {
	switch name {
	case "type":
		b.event.Type, _ = r.text(field)
	case "data":
		b.event.Data = bytes.Clone(r.raw())
	case "timestamp":
		if !r.null() {
			b.event.Timestamp = r.time(field)
		}
	case organizationField:
		b.organization = r.organization(field)
	default:
		return false
	}
	return true
}

// complete tells what a report that could be read still lacks. The data is
// judged with its type.
func (b *eventBody) complete() error {
	if b.event.Type == "" {
		return models.InvalidField("type", "This is required.")
	}
	return nil
}

type acceptedAnswer struct {
	ID         string `json:"id" jsonschema:"The event's id. Receivers get it as webhook-id."`
	Type       string `json:"type" jsonschema:"Its event type."`
	Deliveries int    `json:"deliveries" jsonschema:"How many endpoints it goes to."`
}

func shapeAccepted(a *models.Accepted) acceptedAnswer {
	return acceptedAnswer{ID: a.ID, Type: a.Type, Deliveries: a.Deliveries}
}

const (
	idempotencyKey     = "Idempotency-Key"
	idempotentReplayed = "Idempotent-Replayed"
)

// idempotencyKey returns the request's, by which a report is accepted once.
func (c *call) idempotencyKey() (string, error) {
	key := c.Get(idempotencyKey)
	if key == "" && len(c.Request().Header.PeekAll(idempotencyKey)) > 0 {
		return "", models.InvalidField(idempotencyKey, "The header is empty. Give it a value of your own for each event, or leave it out.")
	}
	if !utf8.ValidString(key) {
		return "", models.InvalidField(idempotencyKey, "Use up to 255 characters without control characters.")
	}
	return key, nil
}

func (a *API) eventCreate(c *call) error {
	var b eventBody
	tenant, err := c.tenantBody(b.member)
	if err != nil {
		return err
	}
	if err := b.complete(); err != nil {
		return err
	}
	if b.event.IdempotencyKey, err = c.idempotencyKey(); err != nil {
		return err
	}
	accepted, err := tenant.Publish(c.UserContext(), b.event)
	if err != nil {
		return err
	}
	if accepted.Replayed {
		c.Set(idempotentReplayed, "true")
	}
	return c.answer(fiber.StatusAccepted, shapeAccepted(accepted))
}

type eventAnswer struct {
	ID         string         `json:"id" jsonschema:"The event's id."`
	Type       string         `json:"type" jsonschema:"Its event type."`
	Origin     models.Origin  `json:"origin" jsonschema:"Who reported it: the HTTP API, Hookwell itself, a test, or a source whose request was mapped to it or relayed as it."`
	Test       bool           `json:"test" jsonschema:"Whether it is a test event."`
	Timestamp  stamp          `json:"timestamp" jsonschema:"When it happened."`
	CreatedAt  stamp          `json:"createdAt" jsonschema:"When it was accepted."`
	Deliveries int            `json:"deliveries" jsonschema:"How many endpoints it went to."`
	Data       jsontext.Value `json:"data,omitzero" jsonschema:"What was reported, as it was sent. Only there when the event is asked for by its id."`
}

func shapeEvent(e *models.Event) eventAnswer {
	return eventAnswer{ID: e.ID, Type: e.Type, Origin: e.Origin, Test: e.Test, Timestamp: stamp(e.OccurredAt),
		CreatedAt: stamp(e.CreatedAt), Deliveries: e.Deliveries}
}

// verdictAnswer is what became of an event at one endpoint. Verdict is the
// delivery's state, or not_sent.
type verdictAnswer struct {
	EndpointID    string        `json:"endpointId" jsonschema:"The endpoint's id."`
	Endpoint      string        `json:"endpoint" jsonschema:"Its name, else its URL."`
	Verdict       models.State  `json:"verdict" jsonschema:"The delivery's state, or not_sent."`
	Reason        models.Reason `json:"reason" jsonschema:"Why: see verdicts. Empty when delivered."`
	DeliveryID    *string       `json:"deliveryId" jsonschema:"The delivery; null when there is none."`
	NextAttemptAt *stamp        `json:"nextAttemptAt" jsonschema:"When the next attempt is due, as far as it is known."`
}

const notSent models.State = "not_sent"

func shapeVerdict(v *models.Verdict) verdictAnswer {
	shape := verdictAnswer{EndpointID: v.Endpoint.ID, Endpoint: v.Endpoint.Title(), Verdict: notSent, Reason: v.Reason}
	if d := v.Delivery; d != nil {
		shape.Verdict, shape.DeliveryID, shape.NextAttemptAt = d.State, &d.ID, stampOrNull(d.NextAttemptAt)
	}
	return shape
}

// eventAlone is an event that was asked for by its id.
type eventAlone struct {
	eventAnswer
	Verdicts []verdictAnswer `json:"verdicts" jsonschema:"What became of it at every endpoint."`
}

func (a *API) eventList(c *call) error {
	tenant, err := c.tenant()
	if err != nil {
		return err
	}
	q := c.query()
	types, page := q.types(), q.page()
	if err := q.err(); err != nil {
		return err
	}
	// Of the filter's fields, the API offers the types; pages offer all.
	rows, next, err := tenant.Events(c.UserContext(), models.EventFilter{Types: types}, page)
	if err != nil {
		return err
	}
	return answerList(c, rows, next, shapeEvent)
}

func (a *API) eventRead(c *call) error {
	tenant, err := c.tenant()
	if err != nil {
		return err
	}
	id, err := c.id(models.PrefixEvent, "event")
	if err != nil {
		return err
	}
	event, err := tenant.Event(c.UserContext(), id)
	if err != nil {
		return err
	}
	shape := eventAlone{eventAnswer: shapeEvent(event)}
	if shape.Data, err = eventData(event); err != nil {
		return err
	}
	verdicts, err := tenant.Verdicts(c.UserContext(), event)
	if err != nil {
		return err
	}
	shape.Verdicts = make([]verdictAnswer, len(verdicts))
	for i := range verdicts {
		shape.Verdicts[i] = shapeVerdict(&verdicts[i])
	}
	return c.answer(fiber.StatusOK, shape)
}

// eventData returns the data inside the event's envelope, as its bytes are sent. What
// a source relays has no envelope: it is answered whole, and as text if it isn't a
// JSON object.
func eventData(event *models.Event) (jsontext.Value, error) {
	if event.Origin == models.OriginRelayed {
		return relayedData(event.Body)
	}
	var data jsontext.Value
	_, err := readBody(event.Body, func(r *bodyReader, name, _ string) bool {
		if value := r.raw(); name == "data" {
			data = value
		}
		return true
	})
	return data, err
}

// relayedText is a received body that isn't a JSON object.
type relayedText struct {
	Body         string `json:"body"`
	BodyEncoding string `json:"bodyEncoding"` // utf-8 or base64
}

func relayedData(body []byte) (jsontext.Value, error) {
	if value := jsontext.Value(body); value.Kind() == '{' && value.IsValid() {
		return value, nil
	}
	text, encoding := bodyText(body)
	return json.Marshal(relayedText{text, encoding})
}
