package client

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Delivery is an event on its way to an endpoint.
type Delivery struct {
	ID            string     `json:"id"`
	EventID       string     `json:"eventId"`
	EventType     string     `json:"eventType"`
	EndpointID    string     `json:"endpointId"`
	State         string     `json:"state"` // pending, retrying, delivered, failed or cancelled
	Test          bool       `json:"test"`
	AttemptCount  int        `json:"attemptCount"`
	NextAttemptAt *time.Time `json:"nextAttemptAt"`
	CreatedAt     time.Time  `json:"createdAt"`
	DeliveredAt   *time.Time `json:"deliveredAt"`
	Attempts      []Attempt  `json:"attempts"` // from Delivery alone, the first one first
}

// Attempt is one HTTP exchange of a delivery.
type Attempt struct {
	ID            string    `json:"id"`
	DeliveryID    string    `json:"deliveryId"`
	Number        int       `json:"number"`  // from 1
	Trigger       string    `json:"trigger"` // schedule, person or test
	StartedAt     time.Time `json:"startedAt"`
	DurationMs    float64   `json:"durationMs"`
	StatusCode    int       `json:"statusCode"` // 0 when none came back
	Cause         string    `json:"cause"`      // empty after a success
	Error         string    `json:"error"`      // the same in a sentence
	Note          string    `json:"note"`
	Requests      int       `json:"requests"`
	RemoteAddress string    `json:"remoteAddress"`
	Timings       Timings   `json:"timings"`
	Request       Request   `json:"request"`
	Response      *Response `json:"response"` // nil when nothing came back
}

// Timings are the durations of an exchange's parts, in milliseconds; nil if there
// was no such part.
type Timings struct {
	DNSMs       *float64 `json:"dnsMs"`
	ConnectMs   *float64 `json:"connectMs"`
	TLSMs       *float64 `json:"tlsMs"`
	FirstByteMs *float64 `json:"firstByteMs"`
}

// Request is what an attempt sent.
type Request struct {
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"` // secret values masked
	Body    string            `json:"body"`
}

// Response is the receiver's response, with at most 16 KiB of its body.
type Response struct {
	Headers      map[string]string `json:"headers"`
	Body         string            `json:"body"`
	BodyEncoding string            `json:"bodyEncoding"` // utf-8 or base64
	Truncated    bool              `json:"truncated"`
}

// DeliveryFilter selects deliveries. A zero field doesn't filter.
type DeliveryFilter struct {
	States     []string
	Types      []string // types or prefixes such as payment.*
	EndpointID string
	EventID    string
	Since      time.Time // created at this time or later
	Until      time.Time // created before this time
}

func (f DeliveryFilter) add(query url.Values) {
	set := func(name, value string) {
		if value != "" {
			query.Set(name, value)
		}
	}
	set("state", strings.Join(f.States, ","))
	set("type", strings.Join(f.Types, ","))
	set("endpointId", f.EndpointID)
	set("eventId", f.EventID)
	for name, at := range map[string]time.Time{"since": f.Since, "until": f.Until} {
		if !at.IsZero() {
			query.Set(name, at.UTC().Format(time.RFC3339Nano))
		}
	}
}

// Deliveries lists the deliveries that match a filter.
func (c *Client) Deliveries(ctx context.Context, filter DeliveryFilter, paging Paging) (*Page[Delivery], error) {
	r := c.newCall(http.MethodGet, "/deliveries", "")
	filter.add(r.query)
	return list[Delivery](ctx, c, r, paging)
}

// Delivery returns a delivery with its attempts.
func (c *Client) Delivery(ctx context.Context, id string) (*Delivery, error) {
	return answerOf[Delivery](ctx, c, c.newCall(http.MethodGet, deliveryPath(id), ""))
}

// ResendDelivery adds one attempt now and doesn't change the schedule. Its result
// appears in the log.
func (c *Client) ResendDelivery(ctx context.Context, id string) (*Delivery, error) {
	return answerOf[Delivery](ctx, c, c.newCall(http.MethodPost, deliveryPath(id)+"/resend", ""))
}

// CancelDelivery ends a delivery, so that no attempt follows.
func (c *Client) CancelDelivery(ctx context.Context, id string) (*Delivery, error) {
	return answerOf[Delivery](ctx, c, c.newCall(http.MethodPost, deliveryPath(id)+"/cancel", ""))
}

func deliveryPath(id string) string { return "/deliveries/" + url.PathEscape(id) }
