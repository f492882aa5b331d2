package models

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"hookwell/inbound"
)

// Processing is how far a request is on its way to its events.
type Processing string

// The states of processing; a refused request has none.
const (
	ProcessingNone      Processing = ""
	ProcessingWaiting   Processing = "waiting"
	ProcessingProcessed Processing = "processed"
	ProcessingIgnored   Processing = "ignored"
	ProcessingFailed    Processing = "failed"
)

// Processings lists every state of processing.
func Processings() []Processing {
	return []Processing{ProcessingWaiting, ProcessingProcessed, ProcessingIgnored, ProcessingFailed}
}

// The reasons of requests that were ignored, or that failed and are parked, and of
// those that were processed without becoming all that they might have: what is relayed
// and not mapped has the reason for that.
const (
	ReasonFiltered       = "filtered"        // the conditions of its mappings are false; of a batch, for some of its items
	ReasonUnmapped       = "unmapped"        // its source has no mapping of its type
	ReasonNotJSON        = "not_json"        // it has no type, since its body isn't JSON
	ReasonUnverified     = "unverified"      // its source checks nothing, so it is never mapped
	ReasonRepeated       = "repeated"        // another request became its events before
	ReasonNoOrganization = "no_organization" // no organization of the installation is named
	ReasonMappingFailed  = "mapping_failed"
	ReasonMail           = "mail"      // it reported on Hookwell's own mail
	ReasonHandshake      = "handshake" // the provider asked whether the URL is ours
)

// Request is one HTTP request that came to a source. Credentials in Headers and
// Query are masked. Body is what was received, byte by byte; of a refused one it
// may be the beginning.
type Request struct {
	ID             string
	OrganizationID string // of its source; empty for one of the installation
	SourceID       string
	State          inbound.State
	Cause          inbound.Cause  // of a refused one
	Diagnosis      inbound.Reason // what most likely happened to a refused one
	DiagnosisText  string         // the same for people, with what to do
	Checked        string         // how the check went, in words
	Method         string
	Query          string
	RemoteAddress  string // empty for a sample of Hookwell's own
	Headers        Headers
	Body           []byte
	BodyBytes      int // as received; of one that was too large as announced, or one more than its source takes
	ExternalID     string
	ExternalType   string
	ExternalTime   *time.Time
	Test           bool
	StatusCode     int // that we answered
	Duplicates     int
	Processing     Processing
	Reason         string
	ReasonMappings string // the mappings that Reason is about, separated by ", "
	Error          string
	ReceivedAt     time.Time
	AcceptedAt     *time.Time // by hand, after it had been refused
	ProcessedAt    *time.Time
	UnchangedAt    *time.Time // when it was last processed, if that was a replay of which nothing new came
	BodyDroppedAt  *time.Time // since then Headers, Query and Body are empty, as its source keeps them for a shorter time

	// The store's queries fill these, of one request or a page.
	Secrets    *SecretsTried   `gorm:"-"` // of a refused one that is kept whole, read alone
	SourceName string          `gorm:"-"`
	SourceSlug string          `gorm:"-"`
	Events     []RequestEvent  `gorm:"-"`
	Repeats    []DuplicateSeen `gorm:"-"`
}

// SecretsTried is how a request that was refused for its signature stands to the
// secrets that its source has now.
type SecretsTried struct {
	InForce, Ended int           // how many there are
	Passes         bool          // one in force fits, and so does all else: the request can be accepted
	Fits           *SourceSecret // the ended one that fits, if none in force does
}

// Installation reports whether the request came to a source of the installation.
func (r *Request) Installation() bool { return r.OrganizationID == "" }

// Mappings returns the names of the mappings that Reason is about.
func (r *Request) Mappings() []string {
	if r.ReasonMappings == "" {
		return []string{}
	}
	return strings.Split(r.ReasonMappings, MappingSeparator)
}

// MappingSeparator stands between the names in Request.ReasonMappings.
const MappingSeparator = ", "

// Cut reports whether less than all of the body is kept.
func (r *Request) Cut() bool { return len(r.Body) < r.BodyBytes }

// RefusedRequest is a request that a source refused and kept, within bounds. Whole
// ones can be accepted once the secret is right. Share is the network that it
// came from, and Size how much of the bound it uses.
type RefusedRequest struct {
	Request
	Whole bool
	Share string
	Size  int
}

// TableName names the table of the rows for GORM.
func (RefusedRequest) TableName() string { return "refused_requests" }

// RequestEvent links a request to an event that it became. Mapping is empty for
// the event that relays it.
type RequestEvent struct {
	RequestID             string `gorm:"primaryKey"`
	EventID               string `gorm:"primaryKey"`
	RequestOrganizationID string
	OrganizationID        string
	SourceID              string
	EventType             string
	Mapping               string
	CreatedAt             time.Time
}

// DuplicateSeen is a repeat of a request: it was answered, and became nothing.
type DuplicateSeen struct {
	RequestID      string `gorm:"primaryKey"`
	Number         int    `gorm:"primaryKey"` // from 1
	OrganizationID string
	Reason         string // "id" or "body"
	RemoteAddress  string
	ReceivedAt     time.Time
}

// TableName names the table of the rows for GORM.
func (DuplicateSeen) TableName() string { return "request_duplicates" }

// MaxDuplicatesSeen is how many duplicates of one request are listed.
const MaxDuplicatesSeen = 20

// RequestFilter narrows the log of requests. Zero fields let everything pass.
// ExternalTypes may be exact or prefixes such as "invoice.*".
type RequestFilter struct {
	SourceID      string
	States        []inbound.State
	Causes        []inbound.Cause
	Processing    []Processing
	Reasons       []string
	ExternalID    string
	ExternalTypes []string
	Since         time.Time
	Until         time.Time
}

// Kept reports whether the filter lets accepted requests pass.
func (f RequestFilter) Kept() bool {
	return len(f.Causes) == 0 && (len(f.States) == 0 || slices.ContainsFunc(f.States, func(s inbound.State) bool { return s != inbound.Refused }))
}

// Refused reports whether the filter lets refused requests pass.
func (f RequestFilter) Refused() bool {
	return len(f.Processing) == 0 && len(f.Reasons) == 0 && (len(f.States) == 0 || slices.Contains(f.States, inbound.Refused))
}

// RequestReplay is requests that a person asked to be processed again, all of a
// filter at a pace; or refused ones of the filter's source that are to be accepted
// where they pass by now.
type RequestReplay struct {
	ID             string
	OrganizationID string
	Filter         RequestFilter `gorm:"serializer:json"`
	Forced         bool          // make the events again that were made before
	Accepts        bool          // refused requests, in place of processing accepted ones again
	PerSecond      int
	State          RecoveryState
	Total          int
	Queued         int
	Cursor         string
	Last           string // no request after it
	NextAt         time.Time
	CreatedBy      string
	CreatedAt      time.Time
	EndedAt        *time.Time
}

// AwaitedReference is a reference that a parked request waits for.
type AwaitedReference struct {
	Name      string `gorm:"primaryKey"`
	Value     string `gorm:"primaryKey"`
	RequestID string `gorm:"primaryKey"`
}

// Relayed is what goes along with a received body: its media type, headers of
// Hookwell's own, and those by which the provider signed it. What nobody has shown to
// come from the provider is Unverified.
type Relayed struct {
	MediaType  string  `json:"mediaType,omitempty"`
	Own        Headers `json:"own,omitempty"`
	Provider   Headers `json:"provider,omitempty"`
	Unverified bool    `json:"unverified,omitempty"`
}

// ParseRelayed reads Event.Relayed. It fails if that isn't what Bytes wrote.
func ParseRelayed(stored []byte) (r Relayed, err error) { return r, json.Unmarshal(stored, &r) }

// Bytes returns what Event.Relayed holds.
func (r Relayed) Bytes() []byte {
	b, err := json.Marshal(r)
	if err != nil {
		panic(err) // of strings alone
	}
	return b
}

// SourcePayment is what a source has told of one payment of an organization:
// amounts in minor units. Paid is nil if nothing told it.
type SourcePayment struct {
	OrganizationID string `gorm:"primaryKey"`
	SourceID       string `gorm:"primaryKey"`
	PaymentID      string `gorm:"primaryKey"`
	Paid           *int64
	Refunded       int64
	UpdatedAt      time.Time `gorm:"autoUpdateTime:false"`
}

// RequestStates lists every state of a request in the order in which pages show
// them.
func RequestStates() []inbound.State {
	return []inbound.State{inbound.Verified, inbound.Authenticated, inbound.Unverified, inbound.Refused}
}

// What metrics count beside the states of requests.
const (
	ReceivedDuplicate = "duplicate"
	ReceivedHandshake = "handshake"
	ReceivedFailed    = "failed" // it could not be taken in, and the provider was asked to repeat it
)

// ReceivedOutcomes lists what may become of a request as metrics count it: pairs of
// state and cause.
func ReceivedOutcomes() (list [][2]string) {
	for _, state := range []string{string(inbound.Verified), string(inbound.Authenticated), string(inbound.Unverified), ReceivedDuplicate, ReceivedHandshake, ReceivedFailed} {
		list = append(list, [2]string{state, ""})
	}
	for _, cause := range inbound.Causes() {
		list = append(list, [2]string{string(inbound.Refused), string(cause)})
	}
	return list
}

// BodyDropped returns the refusal of what needs the body of a request whose body was
// dropped: a Conflict, "body_dropped", that says when and why. What is a participle, such
// as "replayed".
func BodyDropped(at time.Time, what string) error {
	return NewConflict("body_dropped", "Its body was dropped on "+at.UTC().Format("2 January 2006")+", because its source keeps bodies for a shorter time than requests. So it can’t be "+what+".")
}
