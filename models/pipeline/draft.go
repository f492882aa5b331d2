package pipeline

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"hookwell/models"
	"hookwell/webhook"
)

// idempotencySpan is how long a key is remembered.
const idempotencySpan = 24 * time.Hour

// BadTime is the error text for a time that webhook.InRange refuses.
const BadTime = "Use a time that is in UTC from 1970 to 9999."

// maxIdempotencyKey is the longest key, in bytes.
const maxIdempotencyKey = 255

// Draft is a checked event with its id and bytes, ready to be committed.
type Draft struct {
	Event    models.Event
	report   models.NewEvent
	publicID string // of the organization, as the body has it
	named    string // how a platform key named the organization
	keyID    string // of the key that reports it
	key      string
	hash     []byte

	// What the transaction found out.
	accepted *models.Accepted
	refused  error
	twin     *Draft // holds the same idempotency key in the same group
	inGroup  string // the token of an accepted group that names its deliveries, though its key kept the event out
	woken    []models.Woken
	// rest is the endpoints whose deliveries are yet to be written, once the event
	// and the first of them are committed; nil stands for one that is gone. Written
	// is how many of all were.
	rest      []*models.Endpoint
	written   int
	committed bool
	owes      int64 // of the rest, once its reporter was answered: see mostOwed

	sub      *submission // nil when nobody waits
	outcome  Outcome     // guarded by sub
	answered bool        // likewise
}

// Reporter identifies who reports an event: the key's id, the name by which a
// platform key named the organization, and the id of the call.
type Reporter struct{ KeyID, Named, RequestID string }

// Draft checks a report and gives it its id and bytes. It fails with Invalid or
// TooLarge.
func (p *Engine) Draft(org *models.Organization, n models.NewEvent, origin models.Origin, by Reporter) (*Draft, error) {
	if len(n.Data) > webhook.MaxData {
		return nil, &models.Error{Kind: models.TooLarge, Code: "data_too_large", Message: "The event’s data is too large.",
			Fields: webhook.Faults{{Field: "data", Message: fmt.Sprintf("Send at most %d bytes; this has %d.", webhook.MaxData, len(n.Data))}}}
	}
	faults := p.catalog.Validate(n.Type, n.Data)
	if len(n.IdempotencyKey) > maxIdempotencyKey || models.HasControl(n.IdempotencyKey) {
		faults = append(faults, webhook.Fault{Field: "Idempotency-Key", Message: "Use up to 255 characters without control characters."})
	}
	if !n.Timestamp.IsZero() && !webhook.InRange(n.Timestamp) {
		faults = append(faults, webhook.Fault{Field: "timestamp", Message: BadTime})
	}
	if len(faults) > 0 {
		return nil, models.NewInvalid(faults)
	}
	now := p.clock.Now()
	occurred := now
	if !n.Timestamp.IsZero() {
		occurred = n.Timestamp.UTC().Truncate(time.Millisecond)
	}
	d := &Draft{report: n, named: by.Named, key: n.IdempotencyKey, keyID: by.KeyID, Event: models.Event{ID: p.clock.NewID(models.PrefixEvent, now), OrganizationID: org.ID, Type: n.Type,
		Origin: origin, Test: origin == models.OriginTest, OccurredAt: occurred, CreatedAt: now, RequestID: by.RequestID}}
	if err := d.refit(org); err != nil {
		return nil, err
	}
	if d.key != "" {
		d.hash = requestHash(n)
	}
	return d, nil
}

// fits reports whether the draft was made for the organization as it is now.
func (d *Draft) fits(o *models.Organization) bool {
	return d.publicID == o.PublicID() && (d.named == "" || o.IsNamed(d.named))
}

// refit writes the body for the organization as it is. It is NotFound for a
// draft whose organization no longer has the name that it was reported under.
func (d *Draft) refit(o *models.Organization) (err error) {
	if d.named != "" && !o.IsNamed(d.named) {
		return models.NewNotFound("organization")
	}
	d.publicID = o.PublicID()
	d.Event.Body, err = webhook.Envelope{EventID: d.Event.ID, Type: d.Event.Type, Timestamp: d.Event.OccurredAt, OrganizationID: d.publicID,
		Test: d.Event.Test, Data: d.report.Data}.Bytes()
	if err != nil {
		return fmt.Errorf("writing the envelope: %w", err)
	}
	return nil
}

// reset forgets what an earlier try to commit the draft found out.
func (d *Draft) reset() {
	d.accepted, d.refused, d.twin, d.woken, d.rest, d.written = nil, nil, nil, nil, nil, 0
}

// begun leaves deliveries that are being sent out of those that are woken.
func (d *Draft) begun(deliveryIDs map[string]bool) {
	d.woken = slices.DeleteFunc(d.woken, func(w models.Woken) bool { return deliveryIDs[w.DeliveryID] })
}

// requestHash tells two reports under one key apart.
func requestHash(n models.NewEvent) []byte {
	stamp := ""
	if !n.Timestamp.IsZero() {
		stamp = n.Timestamp.UTC().Format(time.RFC3339Nano)
	}
	sum := sha256.Sum256(bytes.Join([][]byte{[]byte(n.Type), []byte(stamp), n.Data}, []byte{0}))
	return sum[:]
}

// NewDelivery returns a pending delivery of an event to an endpoint, with a new
// id. It writes nothing.
func (p *Engine) NewDelivery(event *models.Event, e *models.Endpoint) *models.Delivery {
	now := p.clock.Now()
	return &models.Delivery{ID: p.clock.NewID(models.PrefixDelivery, now), OrganizationID: event.OrganizationID, EventID: event.ID, EventType: event.Type,
		EndpointID: e.ID, State: models.Pending, Test: event.Test, PlannedAttempts: len(e.Schedule.Delays), CreatedAt: now}
}
