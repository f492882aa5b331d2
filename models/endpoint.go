package models

import (
	"strconv"
	"time"

	"hookwell/webhook"
)

// Endpoint is a URL of the organization's with its subscriptions and policy.
// It is enabled while DisabledAt is nil.
type Endpoint struct {
	ID             string
	OrganizationID string
	URL            string
	Name           string
	Description    string
	EventTypes     webhook.Subscriptions `gorm:"serializer:json"`
	EndpointPolicy
	Headers        []byte
	DisabledAt     *time.Time
	DisabledReason string
	DisabledBy     string // who did it: a person's name, or ours
	FormVersion    int64  `gorm:"column:version"` // rises with every save of its form
	CreatedAt      time.Time
	UpdatedAt      time.Time `gorm:"autoUpdateTime:false"`
	DeletedAt      *time.Time

	// Moved is what a change of the URL took away; UpdateEndpoint fills it.
	Moved Moved `gorm:"-"`
}

// Input returns the endpoint as it is set now, to be changed and saved.
func (e *Endpoint) Input() EndpointInput {
	return EndpointInput{URL: e.URL, Name: e.Name, Description: e.Description, EventTypes: e.EventTypes, EndpointPolicy: e.EndpointPolicy}
}

// Enabled reports whether new events are sent to the endpoint.
func (e *Endpoint) Enabled() bool { return e.DisabledAt == nil }

// Title is what people call the endpoint: its name, else its URL.
func (e *Endpoint) Title() string {
	if e.Name != "" {
		return e.Name
	}
	return e.URL
}

// Version returns the endpoint as it is. Its form does not show whether it is
// enabled, so that disabling it by itself makes no form outdated.
func (e *Endpoint) Version() Version {
	return Version{ID: e.ID, Form: strconv.FormatInt(e.FormVersion, 10), At: e.UpdatedAt}
}
