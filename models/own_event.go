package models

import (
	"encoding/json"
	"fmt"
)

// ownEvent is what happened in the app itself, to an organization. Its data is
// written as JSON.
type ownEvent struct {
	org       *Organization
	eventType string
	data      any
}

// emitAll reports what happened in the app itself to the organizations'
// endpoints, in the transaction of the change, which is one of
// Store.transaction. Data has to fit the catalog's schema, and data that does
// not is a fault of ours, not of the person's.
func (s *Store) emitAll(tx *Tx, events ...ownEvent) error {
	if len(events) == 0 {
		return nil
	}
	drafts := make([]*draft, len(events))
	for i, e := range events {
		raw, err := json.Marshal(e.data)
		if err != nil {
			return fmt.Errorf("writing the data of %s: %w", e.eventType, err)
		}
		d, err := s.draft(e.org, NewEvent{Type: e.eventType, Data: raw}, OriginApp, reporter{})
		if err != nil {
			return fmt.Errorf("reporting %s: %s", e.eventType, err) // not wrapped: no refusal of what a person sent
		}
		drafts[i] = d
	}
	if err := s.fanOut(tx, drafts); err != nil {
		return fmt.Errorf("reporting %s: %w", events[0].eventType, err)
	}
	t := s.noted(tx)
	for _, d := range drafts {
		t.woken = append(t.woken, d.woken...)
		if len(d.rest) > 0 {
			d.committed = true // as it will be when this is used
			t.unfinished = append(t.unfinished, d)
		}
	}
	return nil
}

// emitTo reports the same to several organizations, each with an event of its
// own.
func (s *Store) emitTo(tx *Tx, orgs []Organization, eventType string, data any) error {
	events := make([]ownEvent, len(orgs))
	for i := range orgs {
		events[i] = ownEvent{org: &orgs[i], eventType: eventType, data: data}
	}
	return s.emitAll(tx, events...)
}
