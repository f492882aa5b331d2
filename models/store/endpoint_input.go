package store

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"hookwell/models"
	"hookwell/webhook"
)

const (
	// DefaultMaxEndpoints is how many endpoints an organization may have by
	// default. Every event goes to each that is subscribed.
	DefaultMaxEndpoints = 1000
	// MostEndpoints is the highest limit that can be set.
	MostEndpoints = 10_000
)

// checkEndpoint normalizes the input, or says at each field what is wrong. What
// the endpoint is subscribed to already may stay. It resolves the URL's host, so
// it is not to be called inside a transaction.
func (s *Store) checkEndpoint(ctx context.Context, organizationID string, in *models.EndpointInput, subscribed ...string) error {
	faults := append(slices.Clone(in.Unread), in.CheckPolicy()...)
	in.Name, in.Description = strings.TrimSpace(in.Name), strings.TrimSpace(in.Description)
	faults = append(faults, models.TextFaults("name", webhook.NameFault(in.Name, models.MaxName))...)
	faults = append(faults, models.TextFaults("description", webhook.TextFault(in.Description, models.MaxEndpointDescription))...)
	slugs, err := s.sourceSlugs(ctx, organizationID, in.EventTypes)
	if err != nil {
		return err
	}
	types, typeFaults := s.catalog.ParseSubscriptionsTo(slugs, in.EventTypes, subscribed...)
	in.EventTypes = types
	faults = append(faults, typeFaults...)
	url, err := s.guard.CheckURL(ctx, in.URL)
	switch {
	case err != nil:
		faults = append(webhook.Faults{{Field: "url", Message: err.Error()}}, faults...)
	case s.ownAddress(url):
		faults = append(webhook.Faults{{Field: "url", Message: faultOwnAddress}}, faults...)
	}
	in.URL = url
	if len(faults) > 0 {
		return models.NewInvalid(faults)
	}
	return nil
}

// apply writes the checked input to the row.
func (s *Store) apply(e *models.Endpoint, in models.EndpointInput) error {
	e.URL, e.Name, e.Description, e.EventTypes = in.URL, in.Name, in.Description, in.EventTypes
	e.EndpointPolicy = in.EndpointPolicy
	switch {
	case in.Headers == nil:
	case len(in.Headers) == 0:
		e.Headers = nil
	default:
		plain, err := json.Marshal(in.Headers)
		if err != nil {
			return err
		}
		e.Headers = s.vault.Seal(e.ID, plain)
	}
	return nil
}
