package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"
)

// Endpoint is a URL that events are delivered to.
type Endpoint struct {
	ID                 string            `json:"id"`
	URL                string            `json:"url"`
	Name               string            `json:"name"`
	Description        string            `json:"description"`
	EventTypes         []string          `json:"eventTypes"`
	Enabled            bool              `json:"enabled"`
	DisabledReason     string            `json:"disabledReason"` // person, gone or failing; empty while enabled
	Schedule           Schedule          `json:"schedule"`
	TimeoutSeconds     int               `json:"timeoutSeconds"`
	MaxInFlight        int               `json:"maxInFlight"`
	RateLimitPerSecond int               `json:"rateLimitPerSecond"` // 0 is no limit
	RetryStatuses      string            `json:"retryStatuses"`      // "" is all of them
	Headers            map[string]string `json:"headers"`            // with their values masked
	SignatureFormat    string            `json:"signatureFormat"`
	SourceSignature    string            `json:"sourceSignature"` // hookwell or provider
	CreatedAt          time.Time         `json:"createdAt"`
	UpdatedAt          time.Time         `json:"updatedAt"`

	// RemovedHeaders are the headers that a URL of another origin removed; only
	// UpdateEndpoint sets it.
	RemovedHeaders []string `json:"removedHeaders"`
	// Secret is the signing secret. Only the call that makes the secret returns
	// it: keep it.
	Secret string `json:"secret"`
	// StandardSecret is an imported secret in the form that the Standard Webhooks
	// libraries accept.
	StandardSecret string `json:"standardSecret"`
	// ETag identifies this state of the endpoint, for IfMatch. Lists and
	// RotateSecret don't set it.
	ETag string `json:"-"`
}

// EndpointSettings are an endpoint's settings. A nil field stays as it is, or has
// its default in a new endpoint; `new("Billing")` sets a name.
type EndpointSettings struct {
	URL                *string           `json:"url,omitzero"`
	EventTypes         []string          `json:"eventTypes,omitzero"` // *, prefixes such as payment.*, or types
	Name               *string           `json:"name,omitzero"`
	Description        *string           `json:"description,omitzero"`
	Enabled            *bool             `json:"enabled,omitzero"`
	Schedule           *Schedule         `json:"schedule,omitzero"`
	TimeoutSeconds     *int              `json:"timeoutSeconds,omitzero"`
	MaxInFlight        *int              `json:"maxInFlight,omitzero"`
	RateLimitPerSecond *int              `json:"rateLimitPerSecond,omitzero"`
	RetryStatuses      *string           `json:"retryStatuses,omitzero"`
	Headers            map[string]string `json:"headers,omitzero"` // replaces all of them; an empty map removes them
	SignatureFormat    *string           `json:"signatureFormat,omitzero"`
	SourceSignature    *string           `json:"sourceSignature,omitzero"` // hookwell or provider
	Secret             *string           `json:"secret,omitzero"`          // one that the receiver has already
}

// Schedule says when attempts are made: by name (standard, patient or brisk), or
// by a delay in seconds before each.
type Schedule struct {
	Name    string
	Seconds []int
}

// MarshalJSON writes the name, or the list of seconds.
func (s Schedule) MarshalJSON() ([]byte, error) {
	if s.Seconds != nil {
		return json.Marshal(s.Seconds)
	}
	return json.Marshal(s.Name)
}

// UnmarshalJSON reads a name or a list of seconds.
func (s *Schedule) UnmarshalJSON(text []byte) error {
	*s = Schedule{}
	if len(text) > 0 && text[0] == '[' {
		return json.Unmarshal(text, &s.Seconds)
	}
	return json.Unmarshal(text, &s.Name)
}

func endpointPath(id string) string { return "/endpoints/" + url.PathEscape(id) }

// endpoint makes a call that is answered with an endpoint.
func (c *Client) endpoint(ctx context.Context, r *call, options []Option) (*Endpoint, error) {
	e := new(Endpoint)
	header, err := c.do(ctx, r.with(options), e)
	if err != nil {
		return nil, err
	}
	e.ETag = header.Get("ETag")
	return e, nil
}

// CreateEndpoint registers an endpoint, which requires URL and EventTypes. Only
// the returned endpoint has the signing secret; it is not shown again.
func (c *Client) CreateEndpoint(ctx context.Context, settings EndpointSettings) (*Endpoint, error) {
	r := c.newCall(http.MethodPost, "/endpoints", "")
	r.body = settings
	return c.endpoint(ctx, r, nil)
}

// Endpoint returns an endpoint.
func (c *Client) Endpoint(ctx context.Context, id string) (*Endpoint, error) {
	return c.endpoint(ctx, c.newCall(http.MethodGet, endpointPath(id), ""), nil)
}

// Endpoints lists endpoints.
func (c *Client) Endpoints(ctx context.Context, paging Paging) (*Page[Endpoint], error) {
	return list[Endpoint](ctx, c, c.newCall(http.MethodGet, "/endpoints", ""), paging)
}

// UpdateEndpoint changes the settings that are not nil, from the next attempt on:
// all of them, or none.
func (c *Client) UpdateEndpoint(ctx context.Context, id string, settings EndpointSettings, options ...Option) (*Endpoint, error) {
	r := c.newCall(http.MethodPatch, endpointPath(id), "")
	r.body = settings
	return c.endpoint(ctx, r, options)
}

// DeleteEndpoint deletes an endpoint and cancels deliveries that wait for it.
func (c *Client) DeleteEndpoint(ctx context.Context, id string, options ...Option) error {
	_, err := c.do(ctx, c.newCall(http.MethodDelete, endpointPath(id), "").with(options), nil)
	return err
}

// EnableEndpoint enables an endpoint; deliveries that wait for it continue. It
// doesn't send events that the endpoint missed while it was disabled.
func (c *Client) EnableEndpoint(ctx context.Context, id string, options ...Option) (*Endpoint, error) {
	r := c.newCall(http.MethodPost, endpointPath(id)+"/enable", "")
	r.repeatable = true
	return c.endpoint(ctx, r, options)
}

// DisableEndpoint disables an endpoint and holds back deliveries that wait for
// it.
func (c *Client) DisableEndpoint(ctx context.Context, id string, options ...Option) (*Endpoint, error) {
	r := c.newCall(http.MethodPost, endpointPath(id)+"/disable", "")
	r.repeatable = true
	return c.endpoint(ctx, r, options)
}

// Rotation says how to rotate a secret. The zero value makes a new secret; the
// present one also signs for 24 hours.
type Rotation struct {
	OverlapHours *int   `json:"overlapHours,omitzero"` // 0 to 168; 0 ends every earlier secret at once
	Secret       string `json:"secret,omitzero"`       // one to import
}

// RotateSecret gives an endpoint another secret, which only this call returns.
func (c *Client) RotateSecret(ctx context.Context, id string, rotation Rotation) (*Endpoint, error) {
	r := c.newCall(http.MethodPost, endpointPath(id)+"/rotate-secret", "")
	r.body = rotation
	return c.endpoint(ctx, r, nil)
}

// TestEndpoint sends one test event now and returns its attempt, whether it
// succeeded or not. Nil data means the catalog's example.
func (c *Client) TestEndpoint(ctx context.Context, id, eventType string, data any) (*Attempt, error) {
	r := c.newCall(http.MethodPost, endpointPath(id)+"/test", "")
	body := map[string]any{"type": eventType}
	if data != nil {
		body["data"] = data
	}
	r.body = body
	return answerOf[Attempt](ctx, c, r)
}
