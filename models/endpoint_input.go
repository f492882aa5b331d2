package models

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"hookwell/webhook"
)

// EndpointInput is what people set of an endpoint. NewEndpointInput gives the
// defaults. Headers are the endpoint's own, with their values; nil keeps those
// that it has, and HeaderEdit changes some of them. Secret is an existing one to import with a new endpoint; zero
// makes one, and an endpoint that is there refuses it.
type EndpointInput struct {
	URL                string
	Name               string
	Description        string
	EventTypes         []string
	Schedule           webhook.Schedule
	TimeoutSeconds     int
	MaxInFlight        int
	RateLimitPerSecond int
	SignatureFormat    webhook.SignatureFormat
	Headers            []webhook.Header
	HeaderEdit         *HeaderEdit // nil changes none
	Secret             webhook.Secret
	Disabled           bool  // from the start; enabling later is EnableEndpoint
	Enabled            *bool // of an endpoint that is there, to be saved with the rest; nil leaves it
}

// Bounds and defaults of an endpoint's policy; docs/api.md lists them.
const (
	DefaultTimeoutSeconds = 15
	MaxTimeoutSeconds     = 30
	DefaultMaxInFlight    = 20
	MaxMaxInFlight        = 100
	MaxRateLimit          = 1000
	maxOwnHeaders         = 20

	// How many endpoints an organization may have, if nothing else is set, and
	// the most that can be set: every event goes to each that is subscribed.
	DefaultMaxEndpoints = 1000
	MostEndpoints       = 10_000
)

// NewEndpointInput is an endpoint's default policy.
func NewEndpointInput() EndpointInput {
	return EndpointInput{Schedule: webhook.Schedules()[0], TimeoutSeconds: DefaultTimeoutSeconds,
		MaxInFlight: DefaultMaxInFlight, SignatureFormat: webhook.SignatureFormats()[0]}
}

// Input is the endpoint as it is set now, to be changed and saved.
func (e *Endpoint) Input() EndpointInput {
	return EndpointInput{URL: e.URL, Name: e.Name, Description: e.Description, EventTypes: e.EventTypes,
		Schedule: e.Schedule, TimeoutSeconds: e.TimeoutSeconds, MaxInFlight: e.MaxInFlight,
		RateLimitPerSecond: e.RateLimitPerSecond, SignatureFormat: e.SignatureFormat}
}

// checkEndpoint normalizes the input, or says at each field what is wrong. What
// the endpoint is subscribed to already may stay. It resolves the URL's host, so
// it is not to be called inside a transaction.
func (s *Store) checkEndpoint(ctx context.Context, in *EndpointInput, subscribed ...string) error {
	faults := in.checkPolicy()
	in.Name, in.Description = strings.TrimSpace(in.Name), strings.TrimSpace(in.Description)
	faults = append(faults, textFaults("name", webhook.NameFault(in.Name, maxName))...)
	faults = append(faults, textFaults("description", webhook.TextFault(in.Description, 500))...)
	types, typeFaults := s.catalog.ParseSubscriptions(in.EventTypes, subscribed...)
	in.EventTypes = types
	faults = append(faults, typeFaults...)
	url, err := s.guard.CheckURL(ctx, in.URL)
	if err != nil {
		faults = append(webhook.Faults{{Field: "url", Message: err.Error()}}, faults...)
	}
	in.URL = url
	if len(faults) > 0 {
		return invalid(faults)
	}
	return nil
}

func (in *EndpointInput) checkPolicy() webhook.Faults {
	var faults webhook.Faults
	if in.TimeoutSeconds < 1 || in.TimeoutSeconds > MaxTimeoutSeconds {
		faults = append(faults, webhook.Fault{Field: "timeoutSeconds", Message: fmt.Sprintf("Choose 1 to %d seconds.", MaxTimeoutSeconds)})
	}
	if in.MaxInFlight < 1 || in.MaxInFlight > MaxMaxInFlight {
		faults = append(faults, webhook.Fault{Field: "maxInFlight", Message: fmt.Sprintf("Choose 1 to %d.", MaxMaxInFlight)})
	}
	if in.RateLimitPerSecond < 0 || in.RateLimitPerSecond > MaxRateLimit {
		faults = append(faults, webhook.Fault{Field: "rateLimitPerSecond", Message: fmt.Sprintf("Choose 1 to %d requests a second, or 0 for no limit.", MaxRateLimit)})
	}
	if _, err := webhook.ParseSignatureFormat(string(in.SignatureFormat)); err != nil {
		faults = append(faults, webhook.Fault{Field: "signatureFormat", Message: err.Error()})
	}
	if len(in.Headers) > maxOwnHeaders {
		faults = append(faults, webhook.Fault{Field: "headers", Message: fmt.Sprintf("Set at most %d headers.", maxOwnHeaders)})
	}
	seen := map[string]bool{}
	for _, h := range in.Headers {
		field, name := "headers."+h.Name, strings.ToLower(h.Name)
		if err := webhook.CheckOwnHeader(h.Name, h.Value); err != nil {
			faults = append(faults, webhook.Fault{Field: field, Message: err.Error()})
		} else if seen[name] {
			faults = append(faults, webhook.Fault{Field: field, Message: "This header stands twice."})
		}
		seen[name] = true
	}
	return faults
}

// apply writes the checked input to the row.
func (s *Store) apply(e *Endpoint, in EndpointInput) error {
	e.URL, e.Name, e.Description, e.EventTypes = in.URL, in.Name, in.Description, in.EventTypes
	e.Schedule, e.TimeoutSeconds, e.MaxInFlight = in.Schedule, in.TimeoutSeconds, in.MaxInFlight
	e.RateLimitPerSecond = in.RateLimitPerSecond
	format, err := webhook.ParseSignatureFormat(string(in.SignatureFormat)) // none is the default
	if err != nil {
		return err
	}
	e.SignatureFormat = format
	switch {
	case in.Headers == nil:
	case len(in.Headers) == 0:
		e.Headers = nil
	default:
		plain, err := json.Marshal(in.Headers)
		if err != nil {
			return err
		}
		e.Headers = s.vault.seal(e.ID, plain)
	}
	return nil
}

// ownHeaders opens the endpoint's own headers.
func (s *Store) ownHeaders(e *Endpoint) ([]webhook.Header, error) {
	if len(e.Headers) == 0 {
		return nil, nil
	}
	plain, err := s.vault.open(e.ID, e.Headers)
	if err != nil {
		return nil, fmt.Errorf("opening the headers of %s: %w", e.ID, err)
	}
	var headers []webhook.Header
	if err := json.Unmarshal(plain, &headers); err != nil {
		return nil, errors.New("the headers of " + e.ID + " are not readable")
	}
	return headers, nil
}
