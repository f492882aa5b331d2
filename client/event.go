package client

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Event is an event to report.
type Event struct {
	Type string // an event type of the catalog
	Data any    // an object that fits the type's schema: a json.RawMessage, or what encoding/json makes one of
	// Timestamp is when it happened; zero means now.
	Timestamp time.Time
	// Organization is the id or external id of the event's organization; empty
	// means the client's.
	Organization string
	// IdempotencyKey makes a report safe to repeat for 24 hours: the server
	// accepts the same key with the same event once. Derive it from what
	// happened, such as "payment-1042-failed", so that it holds across restarts
	// too. If it is empty, SendEvent makes one, which holds only for its own
	// retries.
	IdempotencyKey string
}

// eventReport is an event as the API takes it.
type eventReport struct {
	Type           string    `json:"type"`
	Data           any       `json:"data"`
	Timestamp      time.Time `json:"timestamp,omitzero"`
	OrganizationID string    `json:"organizationId,omitzero"`
}

func (e *Event) report() eventReport {
	report := eventReport{Type: e.Type, Data: e.Data}
	if !e.Timestamp.IsZero() {
		report.Timestamp = e.Timestamp.UTC()
	}
	return report
}

// AcceptedEvent is an event in the server's database. It reaches every endpoint
// that was subscribed and enabled at that moment, or ends visibly as failed.
type AcceptedEvent struct {
	ID         string `json:"id"` // what receivers get as webhook-id
	Type       string `json:"type"`
	Deliveries int    `json:"deliveries"` // how many endpoints it goes to
	Replayed   bool   `json:"-"`          // it was accepted before, with the same idempotency key
	RequestID  string `json:"-"`          // of the call, in the server's log; not in a batch
}

const idempotencyKey = "Idempotency-Key"

// SendEvent reports an event and returns once the server has accepted it. It
// sends an idempotency key, so that with Retries it is also repeated after lost
// answers and still accepted once. A refusal is an *Error; with the code
// "invalid" it names fields.
func (c *Client) SendEvent(ctx context.Context, e Event) (*AcceptedEvent, error) {
	r := c.newCall(http.MethodPost, "/events", e.Organization)
	r.body, r.repeatable = e.report(), true
	r.header.Set(idempotencyKey, keyOr(e.IdempotencyKey))
	accepted := new(AcceptedEvent)
	header, err := c.do(ctx, r, accepted)
	if err != nil {
		return nil, err
	}
	accepted.Replayed, accepted.RequestID = header.Get("Idempotent-Replayed") == "true", header.Get("X-Request-Id")
	return accepted, nil
}

// EventResult is the result of one event of a batch: accepted, or an error.
type EventResult struct {
	Accepted *AcceptedEvent
	Err      error // an *Error
}

// SendEvents reports up to 1000 events at once, at most 8 MiB. Each is accepted
// or refused independently; the results are in the order of the events.
// SendEvents returns an error if the whole batch was refused, or if its answer
// was lost.
//
// The key makes it safe to repeat the call with the same events; if it is empty,
// SendEvents makes one. The events' own keys are not used.
func (c *Client) SendEvents(ctx context.Context, events []Event, key string) ([]EventResult, error) {
	reports, named := make([]eventReport, len(events)), false
	for i := range events {
		reports[i] = events[i].report()
		reports[i].OrganizationID = events[i].Organization
		named = named || events[i].Organization != ""
	}
	r := c.newCall(http.MethodPost, "/events/batch", "")
	if named { // one organization named for all allows no other
		r.query.Del("organizationId")
		for i := range reports {
			if reports[i].OrganizationID == "" {
				reports[i].OrganizationID = c.Organization
			}
		}
	}
	r.body, r.repeatable = map[string]any{"events": reports}, true
	r.header.Set(idempotencyKey, keyOr(key))
	answers, err := answerOf[Page[struct {
		AcceptedEvent
		Problem *Error `json:"problem"`
	}]](ctx, c, r)
	if err != nil {
		return nil, err
	}
	results := make([]EventResult, len(answers.Data))
	for i := range answers.Data {
		if problem := answers.Data[i].Problem; problem != nil {
			results[i].Err = problem
		} else {
			results[i].Accepted = &answers.Data[i].AcceptedEvent
		}
	}
	return results, nil
}

func keyOr(key string) string {
	if key == "" {
		return rand.Text()
	}
	return key
}

// ReportedEvent is an event as the server stored it.
type ReportedEvent struct {
	ID         string          `json:"id"`
	Type       string          `json:"type"`
	Origin     string          `json:"origin"` // api, app (Hookwell itself) or test
	Test       bool            `json:"test"`
	Timestamp  time.Time       `json:"timestamp"`
	CreatedAt  time.Time       `json:"createdAt"`
	Deliveries int             `json:"deliveries"`
	Data       json.RawMessage `json:"data"`     // from Event alone
	Verdicts   []Verdict       `json:"verdicts"` // from Event alone
}

// Verdict is what became of an event at one endpoint.
type Verdict struct {
	EndpointID    string     `json:"endpointId"`
	Endpoint      string     `json:"endpoint"` // its name, else its URL
	Verdict       string     `json:"verdict"`  // the delivery's state, or not_sent
	Reason        string     `json:"reason"`
	DeliveryID    string     `json:"deliveryId"` // empty when there is none
	NextAttemptAt *time.Time `json:"nextAttemptAt"`
}

// Event returns an event with its data and every endpoint's verdict.
func (c *Client) Event(ctx context.Context, id string) (*ReportedEvent, error) {
	return answerOf[ReportedEvent](ctx, c, c.newCall(http.MethodGet, "/events/"+url.PathEscape(id), ""))
}

// Events lists events of these types or prefixes, such as "payment.*"; without
// any, events of all types.
func (c *Client) Events(ctx context.Context, types []string, paging Paging) (*Page[ReportedEvent], error) {
	r := c.newCall(http.MethodGet, "/events", "")
	if len(types) > 0 {
		r.query.Set("type", strings.Join(types, ","))
	}
	return list[ReportedEvent](ctx, c, r, paging)
}
