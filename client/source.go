package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"
)

// Source is a provider whose webhooks are taken in. A platform key whose client
// names no organization acts for the installation's own sources.
type Source struct {
	ID                 string          `json:"id"`
	OrganizationID     string          `json:"organizationId"` // empty for a source of the installation
	Name               string          `json:"name"`
	Slug               string          `json:"slug"`
	Provider           string          `json:"provider"`
	URL                string          `json:"url"` // where the provider sends; treat it like a password
	EarlierURLUntil    *time.Time      `json:"earlierUrlUntil"`
	Enabled            bool            `json:"enabled"`
	Scheme             json.RawMessage `json:"scheme"`
	SecretCount        int             `json:"secretCount"`
	AllowNetworks      []string        `json:"allowNetworks"`
	MaxBodyBytes       int             `json:"maxBodyBytes"`
	RateLimitPerSecond int             `json:"rateLimitPerSecond"`
	Response           *SourceResponse `json:"response"` // nil is the provider's usual answer
	Dedupe             string          `json:"dedupe"`
	RelayUnverified    bool            `json:"relayUnverified"`
	ToleranceSeconds   int             `json:"toleranceSeconds"`  // 0 is the scheme's
	BodyRetentionDays  int             `json:"bodyRetentionDays"` // 0 is as long as requests
	OrganizationRule   json.RawMessage `json:"organizationRule"`  // null is the provider's
	Mappings           json.RawMessage `json:"mappings"`
	FirstVerifiedAt    *time.Time      `json:"firstVerifiedAt"`
	CreatedAt          time.Time       `json:"createdAt"`
	UpdatedAt          time.Time       `json:"updatedAt"`
	// ETag identifies this state of the source, for IfMatch. Lists don't set it.
	ETag string `json:"-"`
}

// SourceResponse is what a source answers to what it accepts.
type SourceResponse struct {
	Status    int    `json:"status"` // 200 to 204
	MediaType string `json:"mediaType,omitzero"`
	Body      string `json:"body,omitzero"`
}

// SourceSettings are settings of a source; a nil field is the default, or doesn't
// change. Secrets, Slug and Provider are of a new source alone.
type SourceSettings struct {
	Name               *string         `json:"name,omitzero"`
	Slug               *string         `json:"slug,omitzero"`
	Provider           *string         `json:"provider,omitzero"`
	Secrets            []string        `json:"secrets,omitzero"`
	Scheme             json.RawMessage `json:"scheme,omitzero"`
	Mappings           json.RawMessage `json:"mappings,omitzero"`
	AllowNetworks      []string        `json:"allowNetworks,omitzero"`
	MaxBodyBytes       *int            `json:"maxBodyBytes,omitzero"`
	RateLimitPerSecond *int            `json:"rateLimitPerSecond,omitzero"`
	Response           *SourceResponse `json:"response,omitzero"`
	Dedupe             *string         `json:"dedupe,omitzero"`
	RelayUnverified    *bool           `json:"relayUnverified,omitzero"`
	ToleranceSeconds   *int            `json:"toleranceSeconds,omitzero"`  // 0 is the scheme's
	BodyRetentionDays  *int            `json:"bodyRetentionDays,omitzero"` // 0 is as long as requests
	OrganizationRule   json.RawMessage `json:"organizationRule,omitzero"`  // of a source of the installation; {} is the provider's
	Enabled            *bool           `json:"enabled,omitzero"`
}

func sourcePath(id string) string { return "/sources/" + url.PathEscape(id) }

// source makes a call that is answered with a source.
func (c *Client) source(ctx context.Context, r *call, options []Option) (*Source, error) {
	s := new(Source)
	header, err := c.do(ctx, r.with(options), s)
	if err != nil {
		return nil, err
	}
	s.ETag = header.Get("ETag")
	return s, nil
}

// CreateSource makes a source, which requires Name and Provider.
func (c *Client) CreateSource(ctx context.Context, settings SourceSettings) (*Source, error) {
	r := c.newCall(http.MethodPost, "/sources", "")
	r.body = settings
	return c.source(ctx, r, nil)
}

// Source returns a source.
func (c *Client) Source(ctx context.Context, id string) (*Source, error) {
	return c.source(ctx, c.newCall(http.MethodGet, sourcePath(id), ""), nil)
}

// Sources lists all sources. They come on one page.
func (c *Client) Sources(ctx context.Context) (*Page[Source], error) {
	return list[Source](ctx, c, c.newCall(http.MethodGet, "/sources", ""), Paging{})
}

// UpdateSource changes the settings that are not nil: all of them, or none.
func (c *Client) UpdateSource(ctx context.Context, id string, settings SourceSettings, options ...Option) (*Source, error) {
	r := c.newCall(http.MethodPatch, sourcePath(id), "")
	r.body = settings
	return c.source(ctx, r, options)
}

// DeleteSource deletes a source. What it took in stays in the log.
func (c *Client) DeleteSource(ctx context.Context, id string, options ...Option) error {
	_, err := c.do(ctx, c.newCall(http.MethodDelete, sourcePath(id), "").with(options), nil)
	return err
}

// NewSourceSecret is a secret to add. Unless OverlapHours is nil, the earlier ones
// end after so many hours.
type NewSourceSecret struct {
	Secret       string `json:"secret"`
	OverlapHours *int   `json:"overlapHours,omitzero"`
}

// AddSourceSecret adds a secret, which is never answered again.
func (c *Client) AddSourceSecret(ctx context.Context, id string, secret NewSourceSecret) (*Source, error) {
	r := c.newCall(http.MethodPost, sourcePath(id)+"/secrets", "")
	r.body = secret
	return c.source(ctx, r, nil)
}

// RotateSourceURL gives a source a new URL. The present one works for so many hours
// more; 0 ends it now.
func (c *Client) RotateSourceURL(ctx context.Context, id string, overlapHours int) (*Source, error) {
	r := c.newCall(http.MethodPost, sourcePath(id)+"/rotate-url", "")
	r.body = map[string]int{"overlapHours": overlapHours}
	return c.source(ctx, r, nil)
}

// TestSource sends a signed sample through a source, as a test. An empty type is the
// provider's first sample.
func (c *Client) TestSource(ctx context.Context, id, sampleType string) (*ReceivedRequest, error) {
	r := c.newCall(http.MethodPost, sourcePath(id)+"/test", "")
	r.body = struct {
		Type string `json:"type,omitzero"`
	}{sampleType}
	return answerOf[ReceivedRequest](ctx, c, r)
}

// PreviewedRequest is what one request would become by mappings that are not saved.
type PreviewedRequest struct {
	RequestID    string    `json:"requestId"`
	ReceivedAt   time.Time `json:"receivedAt"`
	ExternalID   string    `json:"externalId"`
	ExternalType string    `json:"externalType"`
	Processing   string    `json:"processing"` // how it would end: processed, ignored or failed
	Reason       string    `json:"reason"`
	// ReasonMappings are the mappings that Reason is about.
	ReasonMappings []string         `json:"reasonMappings"`
	Error          string           `json:"error"`     // what would fail first, for people
	RelayedAs      string           `json:"relayedAs"` // empty if it isn't passed on
	Events         []PreviewedEvent `json:"events"`    // of the catalog, 10 at most
	MoreEvents     int              `json:"moreEvents"`
	Faults         []PreviewFault   `json:"faults"` // where mappings fail, 10 at most
}

// PreviewedEvent is an event that a request would become, or that can't be made
// because of its faults.
type PreviewedEvent struct {
	Mapping        string          `json:"mapping"`
	Type           string          `json:"type"`
	OrganizationID string          `json:"organizationId"`
	OccurredAt     time.Time       `json:"occurredAt"`
	Test           bool            `json:"test"`
	Repeated       bool            `json:"repeated"` // it was made before
	Data           json.RawMessage `json:"data"`     // null if there is too much of it
	Faults         []FieldError    `json:"faults"`   // why it doesn't fit its type
}

// PreviewFault is where a mapping fails.
type PreviewFault struct {
	Item    int    `json:"item"` // of a batch, from 0
	Mapping string `json:"mapping"`
	Field   string `json:"field"`  // mappings[0].data.amount
	Source  string `json:"source"` // the path or the expression that stands there
	Message string `json:"message"`
}

// PreviewMappings returns what the source's last 20 requests would become by these
// mappings, newest first. Nil is the provider's. Nothing is saved.
func (c *Client) PreviewMappings(ctx context.Context, id string, mappings json.RawMessage) ([]PreviewedRequest, error) {
	r := c.newCall(http.MethodPost, sourcePath(id)+"/preview", "")
	r.body = map[string]json.RawMessage{"mappings": mappings}
	answer, err := answerOf[struct {
		Requests []PreviewedRequest `json:"requests"`
	}](ctx, c, r)
	if err != nil {
		return nil, err
	}
	return answer.Requests, nil
}

// References returns by what the installation's sources find an organization, such
// as {"stripe": "cus_9"}. It takes a platform key.
func (c *Client) References(ctx context.Context, organization string) (map[string]string, error) {
	found, err := answerOf[map[string]string](ctx, c, platformCall(http.MethodGet, organizationPath(organization)+"/references"))
	if err != nil {
		return nil, err
	}
	return *found, nil
}

// SetReferences replaces an organization's references. Requests that waited for one
// are processed again.
func (c *Client) SetReferences(ctx context.Context, organization string, references map[string]string) error {
	r := platformCall(http.MethodPut, organizationPath(organization)+"/references")
	r.body = references
	_, err := c.do(ctx, r, nil)
	return err
}
