package models

import (
	"encoding/json"
	"fmt"

	"gorm.io/gorm"
)

// emit reports what happened in the app itself to the organization's
// endpoints, in the transaction of the change, which is one of
// Store.transaction. Data is written as JSON; it has to fit the catalog's
// schema, and data that does not is a fault of ours, not of the person's.
func (s *Store) emit(tx *gorm.DB, org *Organization, eventType string, data any) error {
	return s.emitTo(tx, []Organization{*org}, eventType, data)
}

// emitTo is emit to several organizations, each with an event of its own.
func (s *Store) emitTo(tx *gorm.DB, orgs []Organization, eventType string, data any) error {
	raw, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("writing the data of %s: %w", eventType, err)
	}
	drafts := make([]*draft, len(orgs))
	for i := range orgs {
		drafts[i], err = (&Tenant{store: s, org: &orgs[i]}).draft(NewEvent{Type: eventType, Data: raw}, OriginApp)
		if err != nil {
			return fmt.Errorf("reporting %s: %s", eventType, err) // not wrapped: no refusal of what a person sent
		}
	}
	if len(drafts) == 0 {
		return nil
	}
	if err := s.fanOut(tx, drafts); err != nil {
		return fmt.Errorf("reporting %s: %w", eventType, err)
	}
	t := committedOf(tx)
	for _, d := range drafts {
		t.woken = append(t.woken, d.woken...)
	}
	return nil
}
