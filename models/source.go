package models

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"hookwell/inbound"
)

// Source is a provider whose webhooks are taken in, at a URL of its own. It
// belongs to an organization, or to the installation while OrganizationID is
// empty. It is enabled while DisabledAt is nil.
type Source struct {
	ID             string
	OrganizationID string
	Name           string
	Slug           string // the first word of the types that it relays; never changes
	Provider       string // the id of an inbound template
	Scheme         string // its own scheme as JSON; empty is the template's
	Mappings       string // its own mappings as JSON; empty is the template's
	TokenHash      []byte
	Token          []byte // sealed
	EarlierHash    []byte // of the token before, which stands until EarlierUntil
	EarlierToken   []byte
	EarlierUntil   *time.Time
	AllowNetworks  []string `gorm:"serializer:json"` // prefixes; empty allows every address
	MaxBodyBytes   int
	// RateLimitPerSecond is how many requests one process takes a second.
	RateLimitPerSecond int
	Response           SourceResponse `gorm:"serializer:json"`
	Dedupe             inbound.Dedupe // "" is the provider's
	RelayUnverified    bool           // pass on what was not verified; it says what it risks
	ToleranceSeconds   int            // how far a signature's time may be off; 0 is the scheme's
	OrganizationRule   string         // JSON: where items name their organization; empty is the provider's
	BodyRetentionDays  int            // how long bodies, headers and queries are kept; 0 is as long as requests
	Revision           int64          // rises with every change that receiving reads
	FormVersion        int64          `gorm:"column:version"` // rises with every save of its form
	FirstVerifiedAt    *time.Time
	DisabledAt         *time.Time
	DisabledBy         string
	CreatedAt          time.Time
	UpdatedAt          time.Time `gorm:"autoUpdateTime:false"`
	DeletedAt          *time.Time

	// Secrets is how many secrets verify now; the store's queries fill it.
	Secrets int `gorm:"-"`
	// Path is the path of its URL, which the store opens for who may see it.
	Path string `gorm:"-"`
}

// Limits of a source.
const (
	MaxSourceSlug     = 40
	MaxSourceSecrets  = 8
	MaxSources        = 200 // of one organization, and of the installation
	MaxAllowNetworks  = 200
	DefaultSourceBody = 1 << 20
	MaxSourceBody     = 25 << 20
	DefaultSourceRate = 500
	MaxSourceRate     = 10_000
	MaxResponseBody   = 1000     // characters
	MaxSourceSecret   = 4096     // bytes
	MaxSourceRule     = 16 << 10 // bytes of OrganizationRule
	TokenOverlapHours = 48
	MaxTokenOverlap   = 7 * 24
	EndedSecretsKept  = 30 * Day
	ReceivePath       = "/in/"
	MaxReferenceValue = 255
	MaxReferenceNames = 20
	// MaxBodyRetention is the most days of BodyRetentionDays. Bodies never outlive
	// their requests.
	MaxBodyRetention = 36_500
)

// Enabled reports whether the source takes requests.
func (s *Source) Enabled() bool { return s.DisabledAt == nil }

// Installation reports whether the source is the installation's.
func (s *Source) Installation() bool { return s.OrganizationID == "" }

// Version returns the source as it is, for conditional edits.
func (s *Source) Version() Version {
	return Version{ID: s.ID, Form: strconv.FormatInt(s.FormVersion, 10), At: s.UpdatedAt}
}

// Input returns the source as it is set now, to be changed and saved.
func (s *Source) Input() SourceInput {
	return SourceInput{Name: s.Name, Slug: s.Slug, Provider: s.Provider, Scheme: s.Scheme, Mappings: s.Mappings, AllowNetworks: s.AllowNetworks,
		MaxBodyBytes: s.MaxBodyBytes, RateLimitPerSecond: s.RateLimitPerSecond, Response: s.Response, Dedupe: s.Dedupe, RelayUnverified: s.RelayUnverified,
		ToleranceSeconds: s.ToleranceSeconds, OrganizationRule: s.OrganizationRule, BodyRetentionDays: s.BodyRetentionDays}
}

// OwnRule reads OrganizationRule. It returns nil if that is empty: the provider's
// rule holds. It fails if that is no rule.
func (s *Source) OwnRule() (*inbound.OrganizationRule, error) {
	if s.OrganizationRule == "" {
		return nil, nil
	}
	rule := &inbound.OrganizationRule{}
	decoder := json.NewDecoder(strings.NewReader(s.OrganizationRule))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(rule); err != nil {
		return nil, fmt.Errorf("reading the organization rule: %w", err)
	}
	if len(rule.IDs)+len(rule.References) == 0 {
		return nil, nil
	}
	return rule, nil
}

// SourceResponse is what a source answers to what it accepts, in place of the
// template's. Status 0 is the template's.
type SourceResponse struct {
	Status    int    `json:"status,omitempty"`
	MediaType string `json:"mediaType,omitempty"`
	Body      string `json:"body,omitempty"`
}

// ResponseTypes are the media types that a response may have.
func ResponseTypes() []string {
	return []string{"text/plain", "application/json", "application/xml", "text/xml"}
}

// SourceInput is what a person chooses. Slug and Provider can't be changed later.
type SourceInput struct {
	Name               string
	Slug               string
	Provider           string
	Scheme             string
	Secrets            []string // of a new source alone
	Mappings           string
	AllowNetworks      []string
	MaxBodyBytes       int
	RateLimitPerSecond int
	Response           SourceResponse
	Dedupe             inbound.Dedupe // "" is the provider's
	RelayUnverified    bool
	ToleranceSeconds   int    // 0 is the scheme's
	OrganizationRule   string // JSON, of a source of the installation; "" and an empty object are the provider's
	BodyRetentionDays  int    // 0 is as long as requests
	Enabled            *bool  // nil leaves it
}

// NewSourceInput returns the input that a form begins with.
func NewSourceInput() SourceInput {
	return SourceInput{MaxBodyBytes: DefaultSourceBody, RateLimitPerSecond: DefaultSourceRate}
}

// SourceSecret is one secret that a provider signs with, sealed. Once EndedAt has
// passed it verifies nothing, and only names itself where a request was refused.
type SourceSecret struct {
	ID             string
	SourceID       string
	OrganizationID string
	Sealed         []byte
	Hint           string // its last characters
	CreatedBy      string
	CreatedAt      time.Time
	EndedAt        *time.Time
}

// InForce reports whether the secret verifies at a time.
func (s *SourceSecret) InForce(now time.Time) bool {
	return s.EndedAt == nil || now.Before(*s.EndedAt)
}

// SourceReference is a name by which sources of the installation find an
// organization, such as Stripe's customer id.
type SourceReference struct {
	Name           string `gorm:"primaryKey"`
	Value          string `gorm:"primaryKey"`
	OrganizationID string
	CreatedAt      time.Time
}

// SourceHealth is how a source fares, as pages and metrics name it.
type SourceHealth string

// The states of a source.
const (
	SourceHealthy  SourceHealth = "healthy"
	SourceDegraded SourceHealth = "degraded" // some requests were refused or became nothing
	SourceRefusing SourceHealth = "refusing" // all since the last accepted one were refused, or no secret is in force
	SourceFailing  SourceHealth = "failing"  // none could be mapped
	SourceWaiting  SourceHealth = "waiting"  // for the first request
	SourcePaused   SourceHealth = "paused"
)

// SourceSummary is a source with what it took in within the last 24 hours.
type SourceSummary struct {
	Source
	Accepted      int
	Refused       int
	Failed        int            // of the accepted ones, those that could not be processed
	Refusals      *RefusedInARow // nil if the latest requests weren't all refused
	LastRequestAt *time.Time
}

// RefusedInARow is what a source refused since it accepted a request last.
type RefusedInARow struct {
	Count  int
	Since  time.Time     // when the first of them came
	Cause  inbound.Cause // of most of them
	AllDay bool          // nothing was accepted for 24 hours, so that there may be earlier ones
}

// RefusedBefore is how many requests in a row a source refuses before it counts as
// refusing: anybody who knows its URL can send it one.
const RefusedBefore = 3

// LacksSecret reports whether the source verifies by secrets and has none in force.
func (s *Source) LacksSecret() bool {
	p := inbound.Named(s.Provider)
	return p != nil && p.Setup.SecretMade != "" && s.Secrets == 0
}

// Health returns how the source fares. A source that is yet to be set up is waiting.
func (s *SourceSummary) Health() SourceHealth {
	switch begun := s.LastRequestAt != nil || s.FirstVerifiedAt != nil; {
	case !s.Enabled():
		return SourcePaused
	case !begun:
		return SourceWaiting
	case s.Refusals != nil || s.LacksSecret():
		return SourceRefusing
	case s.Accepted > 0 && s.Failed == s.Accepted:
		return SourceFailing
	case s.Failed > 0 || s.Refused > 0:
		return SourceDegraded
	}
	return SourceHealthy
}
