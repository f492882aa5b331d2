package main

import (
	"context"
	"math/rand/v2"
	"strconv"
	"time"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/store"
	"hookwell/webhook"
)

// maker makes the rows of one span.
type maker struct {
	*plan
	draw    *rand.Rand
	clock   database.Clock
	history models.History
	types   []*eventType // one of a hundred or so draws each
	weight  float64
}

func newMaker(p *plan, draw *rand.Rand) *maker {
	m := &maker{plan: p, draw: draw}
	for i := range p.types {
		for range p.types[i].weight {
			m.types = append(m.types, &p.types[i])
		}
	}
	for _, o := range p.orgs {
		m.weight += o.weight
	}
	return m
}

func (m *maker) organization() *organization {
	at := m.draw.Float64() * m.weight
	for _, o := range m.orgs {
		if at -= o.weight; at < 0 {
			return o
		}
	}
	return m.orgs[0]
}

// event makes one event with at most so many deliveries, and answers how many
// it has.
func (m *maker) event(at time.Time, most int) int {
	at = at.Truncate(time.Microsecond)
	o, t := m.organization(), m.types[m.draw.IntN(len(m.types))]
	event := models.Event{ID: m.clock.IDAt(models.PrefixEvent, at), OrganizationID: o.id, Type: t.name, Origin: models.OriginAPI,
		OccurredAt: at.Truncate(time.Millisecond), CreatedAt: at}
	event.Body, _ = webhook.Envelope{EventID: event.ID, Type: t.name, Timestamp: event.OccurredAt, OrganizationID: o.publicID, Data: t.data}.Bytes()
	for _, e := range o.byType[t.name] {
		if event.Deliveries == most {
			break
		}
		if !e.disabled.IsZero() && at.After(e.disabled) {
			continue
		}
		m.deliver(&event, e)
		event.Deliveries++
	}
	m.history.Events = append(m.history.Events, event)
	return event.Deliveries
}

// deliver makes one delivery and what became of it up to now.
func (m *maker) deliver(event *models.Event, e *endpoint) {
	made := event.CreatedAt.Add(200 * time.Microsecond)
	d := models.Delivery{ID: m.clock.IDAt(models.PrefixDelivery, made), OrganizationID: event.OrganizationID, EventID: event.ID, EventType: event.Type,
		EndpointID: e.id, State: models.Pending, PlannedAttempts: e.planned, CreatedAt: made}
	for due := made.Add(3 * time.Millisecond); ; {
		if due.After(m.now) || !e.disabled.IsZero() && due.After(e.disabled) {
			m.wait(&d, due)
			break
		}
		a := m.attempt(event, &d, e, due)
		ended := due.Add(a.Duration())
		d.AttemptCount, d.LastAttemptAt, d.LastStatusCode, d.LastCause, d.LastDurationUs = a.Number, &a.StartedAt, a.StatusCode, a.Cause, a.DurationUs
		if a.Cause == "" {
			d.State, d.DeliveredAt, d.EndedAt = models.Delivered, &ended, &ended
			break
		}
		delay, more := e.schedule.Delay(a.Number, m.draw.Float64())
		if !more {
			d.State, d.EndedAt = models.Failed, &ended
			break
		}
		d.State, due = models.Retrying, ended.Add(delay).Truncate(time.Microsecond)
	}
	m.history.Deliveries = append(m.history.Deliveries, d)
}

// wait notes what is still to be done for a delivery.
func (m *maker) wait(d *models.Delivery, due time.Time) {
	w := models.Work{DeliveryID: d.ID, OrganizationID: d.OrganizationID, EndpointID: d.EndpointID, EventID: d.EventID, Trigger: models.TriggerSchedule,
		Attempt: d.AttemptCount, Position: d.AttemptCount, DueAt: due, WakeAt: due, ExpiresAt: m.now.Add(8 * day)}
	if d.AttemptCount > 0 {
		w.Priority = 1
	}
	m.history.Work = append(m.history.Work, w)
}

// ok is what receivers say; the rows share its bytes.
var ok = []byte("ok")

func (m *maker) attempt(event *models.Event, d *models.Delivery, e *endpoint, at time.Time) *models.Attempt {
	number := d.AttemptCount + 1
	cause, status := e.answer(m.now.Sub(at), at, number, m.draw)
	took := e.takes(cause, m.draw)
	a := models.Attempt{DeliveryID: d.ID, Number: number, OrganizationID: d.OrganizationID, Trigger: models.TriggerSchedule, StartedAt: at,
		DurationUs: took.Microseconds(), StatusCode: status, Cause: cause, Requests: 1, RemoteAddress: "127.0.0.1:9", ConnectUs: 180, RequestURL: e.url,
		RequestHeaders: models.Headers{{Name: "Content-Type", Value: "application/json"}, {Name: "Webhook-Id", Value: event.ID},
			{Name: "Webhook-Timestamp", Value: strconv.FormatInt(at.Unix(), 10)}},
		ResponseBody: []byte{}}
	switch {
	case status == 0:
		a.Error = "no answer"
	case cause == "":
		a.FirstByteUs = took.Microseconds() * 9 / 10
		a.ResponseHeaders, a.ResponseBody = models.Headers{{Name: "Content-Type", Value: "text/plain"}}, ok
	default:
		a.FirstByteUs = took.Microseconds() * 9 / 10
		a.ResponseHeaders = models.Headers{{Name: "Content-Type", Value: "application/json"}}
		a.ResponseBody = []byte(`{"error":"status ` + strconv.Itoa(status) + `"}`)
	}
	m.history.Attempts = append(m.history.Attempts, a)
	m.note(e, &a)
	return &m.history.Attempts[len(m.history.Attempts)-1]
}

// write writes what was made, and counts it.
func (m *maker) write(ctx context.Context, store *store.Store) error {
	if err := store.Engine().LoadHistory(ctx, &m.history); err != nil {
		return err
	}
	t := m.totals
	t.mu.Lock()
	defer t.mu.Unlock()
	t.deliveries += len(m.history.Deliveries)
	for i := range m.history.Deliveries {
		t.byState[m.history.Deliveries[i].State]++
	}
	h := &m.history
	m.history = models.History{Events: h.Events[:0], Deliveries: h.Deliveries[:0], Attempts: h.Attempts[:0], Work: h.Work[:0]}
	return nil
}

// note keeps when an endpoint last took something, and last did not.
func (m *maker) note(e *endpoint, a *models.Attempt) {
	t := m.totals
	t.mu.Lock()
	defer t.mu.Unlock()
	state := t.states[e.id]
	if state == nil {
		state = &models.EndpointState{EndpointID: e.id}
		t.states[e.id] = state
	}
	last := &state.LastFailureAt
	if a.Delivered() {
		last = &state.LastSuccessAt
	}
	ended := a.StartedAt.Add(a.Duration())
	if *last == nil || (*last).Before(ended) {
		*last = &ended
	}
}
