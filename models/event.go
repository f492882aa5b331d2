package models

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"gorm.io/gorm"

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

// maxIdempotencyKey is the longest key, in bytes.
const maxIdempotencyKey = 255

// Publish accepts an event. When it returns without an error the event is
// committed. Faults are Invalid or TooLarge; a key that was used with another
// body is a Conflict.
func (t *Tenant) Publish(ctx context.Context, n NewEvent) (*Accepted, error) {
	d, err := t.draft(n, OriginAPI)
	if err != nil {
		return nil, err
	}
	return t.store.publish.do(ctx, d)
}

// draft is an event that was checked and given its id and bytes, on its way
// into a transaction.
type draft struct {
	event Event
	key   string
	hash  []byte

	// What the transaction found out.
	accepted *Accepted
	refused  error
	twin     *draft // holds the same idempotency key in the same group
	woken    []Woken
}

func (t *Tenant) draft(n NewEvent, origin Origin) (*draft, error) {
	if len(n.Data) > webhook.MaxData {
		return nil, &Error{Kind: TooLarge, Code: "data_too_large", Message: "The event’s data is too large.",
			Fields: webhook.Faults{{Field: "data", Message: fmt.Sprintf("Send at most %d bytes; this has %d.", webhook.MaxData, len(n.Data))}}}
	}
	faults := t.store.catalog.Validate(n.Type, n.Data)
	if len(n.IdempotencyKey) > maxIdempotencyKey || hasControl(n.IdempotencyKey) {
		faults = append(faults, webhook.Fault{Field: "Idempotency-Key", Message: "Use up to 255 characters without control characters."})
	}
	if !n.Timestamp.IsZero() && (n.Timestamp.Year() < 1970 || n.Timestamp.Year() > 9999) {
		faults = append(faults, webhook.Fault{Field: "timestamp", Message: "Use a time from 1970 on."})
	}
	if len(faults) > 0 {
		return nil, invalid(faults)
	}
	now := t.store.clock.Now()
	occurred := now
	if !n.Timestamp.IsZero() {
		occurred = n.Timestamp.UTC().Truncate(time.Millisecond)
	}
	d := &draft{key: n.IdempotencyKey, event: Event{ID: t.store.clock.newID(PrefixEvent, now), OrganizationID: t.org.ID, Type: n.Type,
		Origin: origin, Test: origin == OriginTest, OccurredAt: occurred, CreatedAt: now,
		RequestID: t.actor.RequestID}}
	body, err := webhook.Envelope{EventID: d.event.ID, Type: n.Type, Timestamp: occurred, OrganizationID: t.org.PublicID(),
		Test: d.event.Test, Data: n.Data}.Bytes()
	if err != nil {
		return nil, fmt.Errorf("writing the envelope: %w", err)
	}
	d.event.Body = body
	if d.key != "" {
		d.hash = requestHash(n)
	}
	return d, nil
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

// Event reads one event.
func (t *Tenant) Event(ctx context.Context, id string) (*Event, error) {
	return find[Event](t.rows(ctx).Where("id = ?", id), "event")
}

// fanOut writes events and one delivery for each endpoint that is subscribed
// and enabled at this moment, in the given transaction. It is the one way into
// the log: for the API and for what happens in the app.
func (s *Store) fanOut(tx *gorm.DB, drafts []*draft) error {
	endpoints, err := s.subscribers(tx, drafts)
	if err != nil {
		return err
	}
	now, err := s.dialect.readNow(tx, s.clock)
	if err != nil {
		return fmt.Errorf("reading the database's clock: %w", err)
	}
	events := make([]*Event, 0, len(drafts))
	var deliveries []*Delivery
	var work []*Work
	for _, d := range drafts {
		d.woken, d.event.Deliveries = nil, 0 // a group that failed is run again, one by one
		for i := range endpoints[d.event.OrganizationID] {
			e := &endpoints[d.event.OrganizationID][i]
			if !e.EventTypes.Matches(d.event.Type) {
				continue
			}
			delivery := s.newDelivery(&d.event, e)
			deliveries = append(deliveries, delivery)
			work = append(work, newWork(delivery, e, TriggerSchedule, now))
			d.woken = append(d.woken, Woken{OrganizationID: e.OrganizationID, EndpointID: e.ID, DeliveryID: delivery.ID})
			d.event.Deliveries++
		}
		d.accepted = &Accepted{ID: d.event.ID, Type: d.event.Type, Deliveries: d.event.Deliveries}
		events = append(events, &d.event)
	}
	if err := tx.CreateInBatches(events, 500).Error; err != nil {
		return fmt.Errorf("inserting events: %w", err)
	}
	if err := insertAll(tx, deliveries); err != nil {
		return fmt.Errorf("inserting deliveries: %w", err)
	}
	if err := insertAll(tx, work); err != nil {
		return fmt.Errorf("inserting work: %w", err)
	}
	t := committedOf(tx)
	for _, event := range events {
		t.accept(event)
	}
	return nil
}

func insertAll[T any](tx *gorm.DB, rows []T) error {
	if len(rows) == 0 {
		return nil
	}
	return tx.CreateInBatches(rows, 500).Error
}

// subscribers reads the enabled endpoints of all the drafts' organizations.
func (s *Store) subscribers(tx *gorm.DB, drafts []*draft) (map[string][]Endpoint, error) {
	seen := map[string][]Endpoint{}
	var ids []string
	for _, d := range drafts {
		if _, ok := seen[d.event.OrganizationID]; !ok {
			seen[d.event.OrganizationID] = nil
			ids = append(ids, d.event.OrganizationID)
		}
	}
	var endpoints []Endpoint
	err := tx.Select("id", "organization_id", "event_types", "schedule").
		Where("organization_id IN ? AND disabled_at IS NULL AND deleted_at IS NULL", ids).Find(&endpoints).Error
	if err != nil {
		return nil, fmt.Errorf("reading subscriptions: %w", err)
	}
	for _, e := range endpoints {
		seen[e.OrganizationID] = append(seen[e.OrganizationID], e)
	}
	return seen, nil
}

func (s *Store) newDelivery(event *Event, e *Endpoint) *Delivery {
	now := s.clock.Now()
	return &Delivery{ID: s.clock.newID(PrefixDelivery, now), OrganizationID: event.OrganizationID, EventID: event.ID, EventType: event.Type,
		EndpointID: e.ID, State: Pending, Test: event.Test, PlannedAttempts: len(e.Schedule.Delays), CreatedAt: now}
}
