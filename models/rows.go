package models

import (
	"time"

	"hookwell/webhook"
)

// Organization is a tenant. ExternalID is the product's own name for it, nil
// when there is none. DeletedAt set means that nothing new is accepted;
// ClosedAt, that its endpoints have stopped too.
type Organization struct {
	ID               string
	ExternalID       *string
	Name             string
	Slug             string
	RequireTwoFactor bool // of every member
	// FormVersion rises with every save of what its form shows.
	FormVersion int64 `gorm:"column:version"`
	CreatedAt   time.Time
	UpdatedAt   time.Time `gorm:"autoUpdateTime:false"`
	DeletedAt   *time.Time
	ClosedAt    *time.Time
}

// PublicID is the id that the product knows the organization by: the external
// one where it is set.
func (o *Organization) PublicID() string {
	if o.ExternalID != nil {
		return *o.ExternalID
	}
	return o.ID
}

// User is a person with an account. Email is lower-case and unique;
// EmailVerifiedAt is nil until the person has shown that it is theirs.
type User struct {
	ID              string
	Email           string
	EmailVerifiedAt *time.Time
	Name            string
	PasswordHash    string
	CreatedAt       time.Time
	UpdatedAt       time.Time `gorm:"autoUpdateTime:false"`
}

// Member is a user's place in one organization.
type Member struct {
	ID             string
	OrganizationID string
	UserID         string
	Role           Role
	Title          string // what the person does there, in free words
	CreatedAt      time.Time
}

// Endpoint is a URL of the organization's with its subscriptions and policy.
// It is enabled while DisabledAt is nil.
type Endpoint struct {
	ID                 string
	OrganizationID     string
	URL                string
	Name               string
	Description        string
	EventTypes         webhook.Subscriptions `gorm:"serializer:json"`
	Schedule           webhook.Schedule      `gorm:"serializer:json"`
	TimeoutSeconds     int
	MaxInFlight        int
	RateLimitPerSecond int // 0 is no limit
	Headers            []byte
	SignatureFormat    webhook.SignatureFormat
	DisabledAt         *time.Time
	DisabledReason     string
	DisabledBy         string // who did it: a person's name, or ours
	FormVersion        int64  `gorm:"column:version"` // rises with every save of its form
	CreatedAt          time.Time
	UpdatedAt          time.Time `gorm:"autoUpdateTime:false"`
	DeletedAt          *time.Time

	// Moved is what a change of the URL took away; UpdateEndpoint fills it.
	Moved Moved `gorm:"-"`
}

// Enabled tells whether new events are sent to the endpoint.
func (e *Endpoint) Enabled() bool { return e.DisabledAt == nil }

// Title is what people call the endpoint: its name, else its URL.
func (e *Endpoint) Title() string {
	if e.Name != "" {
		return e.Name
	}
	return e.URL
}

// EndpointState is what holds an endpoint's deliveries back, and how it fares.
// While HeldUntil lies ahead the due scan passes the endpoint by: one row holds
// back any number of deliveries. Failures counts those in a row that speak
// against the endpoint; RateFreeUs is when its rate limit has nothing left to wait for.
type EndpointState struct {
	EndpointID    string `gorm:"primaryKey"`
	HeldUntil     *time.Time
	HeldBecause   Hold
	Failures      int
	RateFreeUs    int64 // Unix microseconds
	LastSuccessAt *time.Time
	LastFailureAt *time.Time
	Failing
}

// Hold is why an endpoint's deliveries are held back.
type Hold string

// HeldByCircuit is an open circuit.
const HeldByCircuit Hold = "circuit"

// Circuit is the state of an endpoint's circuit breaker.
type Circuit string

// The circuit's states: closed lets everything through, open nothing, half-open
// one request that decides.
const (
	CircuitClosed   Circuit = "closed"
	CircuitOpen     Circuit = "open"
	CircuitHalfOpen Circuit = "half-open"
)

// Circuit answers the circuit's state at a time.
func (s *EndpointState) Circuit(now time.Time) Circuit {
	switch {
	case s.HeldBecause != HeldByCircuit || s.HeldUntil == nil:
		return CircuitClosed
	case now.Before(*s.HeldUntil):
		return CircuitOpen
	default:
		return CircuitHalfOpen
	}
}

// EndpointSetting is one line of an endpoint's history: what it was subscribed
// to and whether it was enabled from Since on.
type EndpointSetting struct {
	EndpointID     string    `gorm:"primaryKey"`
	Since          time.Time `gorm:"primaryKey"`
	OrganizationID string
	EventTypes     webhook.Subscriptions `gorm:"serializer:json"`
	Enabled        bool
	Deleted        bool
}

// EndpointSecret is one signing secret, sealed. It signs until ExpiresAt, which
// the newest alone does not have. Once SwitchedAt is set, x-webhook-signature is
// a newer one's.
type EndpointSecret struct {
	ID             string
	EndpointID     string
	OrganizationID string
	Sealed         []byte
	Imported       bool   // its text was brought along and not made here
	CreatedBy      string // the name of who made it
	CreatedAt      time.Time
	ExpiresAt      *time.Time
	SwitchedAt     *time.Time

	// SignsOlder tells whether it is the one that signs x-webhook-signature; the
	// tenant's queries fill it.
	SignsOlder bool `gorm:"-"`
}

// Origin says who reported an event.
type Origin string

// The origins.
const (
	OriginAPI  Origin = "api"  // the product's back end, through the HTTP API
	OriginApp  Origin = "app"  // Hookwell itself: what people did in the app
	OriginTest Origin = "test" // a person's test event
)

// Event is something that happened once. Body is the envelope's bytes, made
// once and sent as they are in every attempt.
type Event struct {
	ID             string
	OrganizationID string
	Type           string
	Origin         Origin
	Test           bool
	OccurredAt     time.Time
	CreatedAt      time.Time
	Deliveries     int
	Body           []byte
	RequestID      string // of the API call or the test that reported it

	// NotSent is set by a list of what one endpoint missed.
	NotSent Reason `gorm:"-"`

	// Redacted tells that people's addresses were taken out of Body, for a reader
	// who may not see them. It is never stored.
	Redacted bool `gorm:"-"`
}

// State is a delivery's state.
type State string

// The states; docs/delivery.md tells what each means.
const (
	Pending   State = "pending"
	Retrying  State = "retrying"
	Delivered State = "delivered"
	Failed    State = "failed"
	Cancelled State = "cancelled"
)

// States lists every state in the order in which pages show them.
func States() []State { return []State{Failed, Retrying, Pending, Delivered, Cancelled} }

// Delivery is one event on its way to one endpoint, with what its last attempt
// came to. PlannedAttempts is how many its schedule allows.
type Delivery struct {
	ID              string
	OrganizationID  string
	EventID         string
	EventType       string
	EndpointID      string
	State           State
	Test            bool
	AttemptCount    int
	PlannedAttempts int
	CreatedAt       time.Time
	DeliveredAt     *time.Time
	EndedAt         *time.Time
	LastAttemptAt   *time.Time
	LastStatusCode  int
	LastCause       webhook.Cause
	LastDurationUs  int64

	// NextAttemptAt and InFlight come from the unfinished work; EndpointTitle
	// from the endpoint. The tenant's queries fill them. NextAttemptAt is nil where
	// none is due: while the endpoint is disabled, and once it is deleted.
	NextAttemptAt *time.Time `gorm:"-"`
	InFlight      bool       `gorm:"-"`
	EndpointTitle string     `gorm:"-"`
}

// LastDuration is how long the last attempt took.
func (d *Delivery) LastDuration() time.Duration {
	return time.Duration(d.LastDurationUs) * time.Microsecond
}

// Key is an API key. OrganizationID is nil for a platform key, CreatedByUser
// for one that no signed-in person made, ExpiresAt for one that is good until
// it is revoked. The key's text is shown once, when it is made; Hint is its
// last four characters.
type Key struct {
	ID             string
	OrganizationID *string
	Name           string
	Hash           []byte
	Hint           string
	Scopes         []Scope `gorm:"serializer:json"`
	CreatedBy      string
	CreatedByUser  *string
	CreatedAt      time.Time
	ExpiresAt      *time.Time
	LastUsedAt     *time.Time
	RevokedAt      *time.Time
}

// Expired tells whether the key's time was over at that moment.
func (k *Key) Expired(now time.Time) bool { return k.ExpiresAt != nil && !now.Before(*k.ExpiresAt) }

// TableName is the keys' table; "keys" alone says too little in SQL.
func (Key) TableName() string { return "api_keys" }

// AuditEntry says who did what to what, when and from where. Rows are only
// ever added; names are kept as they were.
type AuditEntry struct {
	ID             string
	OrganizationID *string
	ActorKind      ActorKind
	ActorID        string
	ActorName      string
	Action         string
	TargetID       string
	TargetName     string
	Details        string
	RemoteAddress  string
	RequestID      string
	CreatedAt      time.Time
}
