package models

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"time"

	"hookwell/webhook"
)

// NewEvent is what somebody reports. Timestamp zero is now. With an
// IdempotencyKey the same report is accepted once in 24 hours.
type NewEvent struct {
	Type           string
	Data           []byte
	Timestamp      time.Time
	IdempotencyKey string
}

// Accepted is the answer to a report: the event is in the database, and so is
// one delivery for each matching endpoint. Replayed means that an earlier
// report with the same key is answered again.
type Accepted struct {
	ID         string
	Type       string
	Deliveries int
	Replayed   bool
}

// idempotencySpan is how long a key is remembered.
const idempotencySpan = 24 * time.Hour

// badTime is what is said of a time that webhook.InRange refuses.
const badTime = "Use a time that is in UTC from 1970 to 9999."

// maxIdempotencyKey is the longest key, in bytes.
const maxIdempotencyKey = 255

// draft is an event that was checked and given its id and bytes, on its way
// into a transaction.
type draft struct {
	event    Event
	report   NewEvent
	publicID string // of the organization, as the body has it
	named    string // how a platform key named the organization
	keyID    string // of the key that reports it
	key      string
	hash     []byte

	// What the transaction found out.
	accepted *Accepted
	refused  error
	twin     *draft // holds the same idempotency key in the same group
	woken    []Woken
	// rest is the endpoints whose deliveries are yet to be written, once the event
	// and the first of them are committed; nil stands for one that is gone. Written
	// is how many of all were.
	rest      []*Endpoint
	written   int
	committed bool

	sub     *submission // nil when nobody waits
	outcome Outcome     // guarded by sub
}

// reporter is who reports an event: the key's id, the name by which a platform key
// named the organization, and the id of the call.
type reporter struct{ keyID, named, requestID string }

// draft checks a report and gives it its id and bytes. It is Invalid or TooLarge.
func (s *Store) draft(org *Organization, n NewEvent, origin Origin, by reporter) (*draft, error) {
	if len(n.Data) > webhook.MaxData {
		return nil, &Error{Kind: TooLarge, Code: "data_too_large", Message: "The event’s data is too large.",
			Fields: webhook.Faults{{Field: "data", Message: fmt.Sprintf("Send at most %d bytes; this has %d.", webhook.MaxData, len(n.Data))}}}
	}
	faults := s.catalog.Validate(n.Type, n.Data)
	if len(n.IdempotencyKey) > maxIdempotencyKey || hasControl(n.IdempotencyKey) {
		faults = append(faults, webhook.Fault{Field: "Idempotency-Key", Message: "Use up to 255 characters without control characters."})
	}
	if !n.Timestamp.IsZero() && !webhook.InRange(n.Timestamp) {
		faults = append(faults, webhook.Fault{Field: "timestamp", Message: badTime})
	}
	if len(faults) > 0 {
		return nil, invalid(faults)
	}
	now := s.clock.Now()
	occurred := now
	if !n.Timestamp.IsZero() {
		occurred = n.Timestamp.UTC().Truncate(time.Millisecond)
	}
	d := &draft{report: n, named: by.named, key: n.IdempotencyKey, keyID: by.keyID, event: Event{ID: s.clock.newID(PrefixEvent, now), OrganizationID: org.ID, Type: n.Type,
		Origin: origin, Test: origin == OriginTest, OccurredAt: occurred, CreatedAt: now, RequestID: by.requestID}}
	if err := d.refit(org); err != nil {
		return nil, err
	}
	if d.key != "" {
		d.hash = requestHash(n)
	}
	return d, nil
}

// fits tells whether the draft was made for the organization as it is now.
func (d *draft) fits(o *Organization) bool {
	return d.publicID == o.PublicID() && (d.named == "" || isNamed(o, d.named))
}

// refit writes the body for the organization as it is. It is NotFound for a
// draft whose organization no longer has the name that it was reported under.
func (d *draft) refit(o *Organization) (err error) {
	if d.named != "" && !isNamed(o, d.named) {
		return notFound("organization")
	}
	d.publicID = o.PublicID()
	d.event.Body, err = webhook.Envelope{EventID: d.event.ID, Type: d.event.Type, Timestamp: d.event.OccurredAt, OrganizationID: d.publicID,
		Test: d.event.Test, Data: d.report.Data}.Bytes()
	if err != nil {
		return fmt.Errorf("writing the envelope: %w", err)
	}
	return nil
}

// reset forgets what an earlier try to commit the draft found out.
func (d *draft) reset() {
	d.accepted, d.refused, d.twin, d.woken, d.rest, d.written = nil, nil, nil, nil, nil, 0
}

// requestHash tells two reports under one key apart.
func requestHash(n NewEvent) []byte {
	stamp := ""
	if !n.Timestamp.IsZero() {
		stamp = n.Timestamp.UTC().Format(time.RFC3339Nano)
	}
	sum := sha256.Sum256(bytes.Join([][]byte{[]byte(n.Type), []byte(stamp), n.Data}, []byte{0}))
	return sum[:]
}

func (s *Store) newDelivery(event *Event, e *Endpoint) *Delivery {
	now := s.clock.Now()
	return &Delivery{ID: s.clock.newID(PrefixDelivery, now), OrganizationID: event.OrganizationID, EventID: event.ID, EventType: event.Type,
		EndpointID: e.ID, State: Pending, Test: event.Test, PlannedAttempts: len(e.Schedule.Delays), CreatedAt: now}
}
