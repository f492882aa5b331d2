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
	raw, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("writing the data of %s: %w", eventType, err)
	}
	d, err := (&Tenant{store: s, org: org}).draft(NewEvent{Type: eventType, Data: raw}, OriginApp)
	if err != nil {
		return fmt.Errorf("reporting %s: %s", eventType, err) // not wrapped: no refusal of what a person sent
	}
	if err := s.fanOut(tx, []*draft{d}); err != nil {
		return fmt.Errorf("reporting %s: %w", eventType, err)
	}
	t := committedOf(tx)
	t.woken = append(t.woken, d.woken...)
	return nil
}
