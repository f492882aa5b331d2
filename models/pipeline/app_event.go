package pipeline

import (
	"encoding/json"
	"fmt"

	"hookwell/models"
	"hookwell/models/database"
)

// AppEvent is an event about the app itself, for the endpoints of one
// organization. Its data is encoded as JSON.
type AppEvent struct {
	Organization *models.Organization
	Type         string
	Data         any
}

// EmitAll publishes events about the app to their organizations' endpoints, in
// the transaction of the change. It fails with an internal error if data doesn't
// fit the catalog's schema, since that is our fault and not the person's.
func (p *Engine) EmitAll(tx *database.Tx, events ...AppEvent) error {
	if len(events) == 0 {
		return nil
	}
	drafts := make([]*Draft, len(events))
	for i, e := range events {
		raw, err := json.Marshal(e.Data)
		if err != nil {
			return fmt.Errorf("writing the data of %s: %w", e.Type, err)
		}
		d, err := p.Draft(e.Organization, models.NewEvent{Type: e.Type, Data: raw}, models.OriginApp, Reporter{})
		if err != nil {
			return fmt.Errorf("reporting %s: %s", e.Type, err) // not wrapped: no refusal of what a person sent
		}
		drafts[i] = d
	}
	if err := p.fanOutNoted(tx, drafts); err != nil {
		return fmt.Errorf("reporting %s: %w", events[0].Type, err)
	}
	return nil
}

// fanOutNoted is fanOut, and notes what is woken and what is yet to be written
// after the commit.
func (p *Engine) fanOutNoted(tx *database.Tx, drafts []*Draft) error {
	if err := p.fanOut(tx, drafts); err != nil {
		return err
	}
	p.noteFanOut(tx, drafts)
	return nil
}

// noteFanOut notes what is woken and what is yet to be written after the commit.
func (p *Engine) noteFanOut(tx *database.Tx, drafts []*Draft) {
	t := p.Noted(tx)
	for _, d := range drafts {
		t.woken = append(t.woken, d.woken...)
		if len(d.rest) > 0 {
			d.committed = true // as it will be when this is used
			t.unfinished = append(t.unfinished, d)
		}
	}
}

// EmitTo publishes the same event to several organizations, as a separate event
// for each.
func (p *Engine) EmitTo(tx *database.Tx, orgs []models.Organization, eventType string, data any) error {
	events := make([]AppEvent, len(orgs))
	for i := range orgs {
		events[i] = AppEvent{Organization: &orgs[i], Type: eventType, Data: data}
	}
	return p.EmitAll(tx, events...)
}
