package client

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// ReceivedRequest is a request that came to a source. Lists leave out everything
// from Method on.
type ReceivedRequest struct {
	ID             string     `json:"id"`
	SourceID       string     `json:"sourceId"`
	OrganizationID string     `json:"organizationId"` // empty for a source of the installation
	State          string     `json:"state"`          // verified, authenticated, unverified or refused
	Cause          string     `json:"cause"`          // why it was refused
	Diagnosis      string     `json:"diagnosis"`      // what most likely happened to a refused one, as a word
	DiagnosisText  string     `json:"diagnosisText"`  // the same for people
	ExternalID     string     `json:"externalId"`
	ExternalType   string     `json:"externalType"`
	ExternalTime   *time.Time `json:"externalTime"`
	Test           bool       `json:"test"`
	Duplicates     int        `json:"duplicates"`
	Processing     string     `json:"processing"`     // waiting, processed, ignored or failed; empty for a refused one
	Reason         string     `json:"reason"`         // why it became no event of the catalog, or not all
	ReasonMappings []string   `json:"reasonMappings"` // the mappings that Reason is about
	Error          string     `json:"error"`
	EventIDs       []string   `json:"eventIds"`
	ReceivedAt     time.Time  `json:"receivedAt"`
	AcceptedAt     *time.Time `json:"acceptedAt"`
	UnchangedAt    *time.Time `json:"unchangedAt"` // when a replay last made nothing new of it; nil otherwise
	RemoteAddress  string     `json:"remoteAddress"`
	StatusCode     int        `json:"statusCode"`

	Method       string           `json:"method"`
	Query        string           `json:"query"`
	Checked      string           `json:"checked"`
	Headers      []ReceivedHeader `json:"headers"`
	Body         string           `json:"body"`
	BodyEncoding string           `json:"bodyEncoding"` // utf-8 or base64
	BodyBytes    int              `json:"bodyBytes"`
	// BodyDroppedAt is when Body, Headers and Query were dropped; nil if they weren't.
	BodyDroppedAt *time.Time `json:"bodyDroppedAt"`
}

// ReceivedHeader is one header of a request.
type ReceivedHeader struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// RequestFilter narrows a list of requests. Zero fields let everything pass.
type RequestFilter struct {
	SourceID      string
	States        []string
	Causes        []string
	Processing    []string
	ExternalID    string
	ExternalTypes []string
	Since, Until  time.Time
}

// Requests lists what came to sources, refused requests included as far as they are
// kept.
func (c *Client) Requests(ctx context.Context, filter RequestFilter, paging Paging) (*Page[ReceivedRequest], error) {
	r := c.newCall(http.MethodGet, "/requests", "")
	for name, value := range map[string]string{"sourceId": filter.SourceID, "state": strings.Join(filter.States, ","), "cause": strings.Join(filter.Causes, ","),
		"processing": strings.Join(filter.Processing, ","), "externalId": filter.ExternalID, "externalType": strings.Join(filter.ExternalTypes, ",")} {
		if value != "" {
			r.query.Set(name, value)
		}
	}
	for name, at := range map[string]time.Time{"since": filter.Since, "until": filter.Until} {
		if !at.IsZero() {
			r.query.Set(name, at.Format(time.RFC3339Nano))
		}
	}
	return list[ReceivedRequest](ctx, c, r, paging)
}

func requestPath(id string) string { return "/requests/" + url.PathEscape(id) }

// Request returns one request with its headers and body.
func (c *Client) Request(ctx context.Context, id string) (*ReceivedRequest, error) {
	return answerOf[ReceivedRequest](ctx, c, c.newCall(http.MethodGet, requestPath(id), ""))
}

// ReplayRequest has a request turned into events again. What it became before is
// made again only by force.
func (c *Client) ReplayRequest(ctx context.Context, id string, force bool) (*ReceivedRequest, error) {
	r := c.newCall(http.MethodPost, requestPath(id)+"/replay", "")
	r.body = map[string]bool{"force": force}
	return answerOf[ReceivedRequest](ctx, c, r)
}

// AcceptRequest takes in a request that was refused for its signature, after its
// source's secret was corrected.
func (c *Client) AcceptRequest(ctx context.Context, id string) (*ReceivedRequest, error) {
	return answerOf[ReceivedRequest](ctx, c, c.newCall(http.MethodPost, requestPath(id)+"/accept", ""))
}

// NewReplay chooses requests to process again. Zero fields let everything pass;
// PerSecond 0 is 50.
type NewReplay struct {
	SourceID      string    `json:"sourceId,omitzero"`
	Processing    []string  `json:"processing,omitzero"`
	ExternalTypes []string  `json:"externalTypes,omitzero"`
	Since         time.Time `json:"since,omitzero"`
	Until         time.Time `json:"until,omitzero"`
	PerSecond     int       `json:"perSecond,omitzero"`
	Force         bool      `json:"force,omitzero"`
}

// Replay is requests that are processed again.
type Replay struct {
	ID        string     `json:"id"`
	State     string     `json:"state"` // running, done or cancelled
	Count     int        `json:"count"`
	Queued    int        `json:"queued"`
	PerSecond int        `json:"perSecond"`
	Force     bool       `json:"force"`
	CreatedAt time.Time  `json:"createdAt"`
	EndedAt   *time.Time `json:"endedAt"`
}

// ReplayRequests has all requests that match turned into events again.
func (c *Client) ReplayRequests(ctx context.Context, n NewReplay) (*Replay, error) {
	r := c.newCall(http.MethodPost, "/requests/replay", "")
	r.body = n
	return answerOf[Replay](ctx, c, r)
}

// Replay returns a replay.
func (c *Client) Replay(ctx context.Context, id string) (*Replay, error) {
	return answerOf[Replay](ctx, c, c.newCall(http.MethodGet, "/replays/"+url.PathEscape(id), ""))
}

// CancelReplay stops a replay. What it queued is still processed.
func (c *Client) CancelReplay(ctx context.Context, id string) (*Replay, error) {
	return answerOf[Replay](ctx, c, c.newCall(http.MethodPost, "/replays/"+url.PathEscape(id)+"/cancel", ""))
}
