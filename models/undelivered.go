package models

import (
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Undelivered is a delivery that failed or was cancelled, and is not delivered
// since. It is what the log finds such deliveries by: an index of deliveries on
// a state that changes would make every update of every delivery write to all
// of its indexes.
type Undelivered struct {
	DeliveryID     string `gorm:"primaryKey"`
	OrganizationID string
	EndpointID     string
	EventType      string
	State          State
}

// TableName is no plural: each row is one thing that is not.
func (Undelivered) TableName() string { return "undelivered" }

// noteUndelivered adds those of the deliveries that stand as failed or
// cancelled. Noting one again changes nothing.
func noteUndelivered(db *gorm.DB, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	var ended []Delivery
	err := db.Select("id", "organization_id", "endpoint_id", "event_type", "state").Where("id IN ? AND state IN ?", ids, []State{Failed, Cancelled}).Find(&ended).Error
	if err != nil {
		return fmt.Errorf("reading what ended: %w", err)
	}
	rows := make([]Undelivered, len(ended))
	for i, d := range ended {
		rows[i] = Undelivered{DeliveryID: d.ID, OrganizationID: d.OrganizationID, EndpointID: d.EndpointID, EventType: d.EventType, State: d.State}
	}
	if err := createAll(db.Clauses(clause.OnConflict{DoNothing: true}), rows); err != nil {
		return fmt.Errorf("noting what ended: %w", err)
	}
	return nil
}

// forgetUndelivered removes deliveries that arrived after all.
func forgetUndelivered(db *gorm.DB, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	return db.Where("delivery_id IN ?", ids).Delete(&Undelivered{}).Error
}

// endings is what results do to the list of the undelivered.
type endings struct {
	failed  []string // ended without having arrived
	arrived []string // that may have ended before
}

func (e *endings) note(r *Result, v verdict) {
	switch {
	case v.state == Failed || v.state == Cancelled:
		e.failed = append(e.failed, r.Job.DeliveryID)
	case v.state == Delivered && (r.Job.work.Trigger == TriggerPerson || r.Job.work.Cancelled):
		e.arrived = append(e.arrived, r.Job.DeliveryID)
	}
}

// earlier is how deliveries had ended before they arrived.
func (e *endings) earlier(tx *Tx) (map[string]Delivery, error) {
	if len(e.arrived) == 0 {
		return nil, nil
	}
	var rows []Delivery
	if err := tx.Select("id", "state", "ended_at").Where("id IN ? AND ended_at IS NOT NULL", e.arrived).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("reading how deliveries had ended: %w", err)
	}
	byID := make(map[string]Delivery, len(rows))
	for _, d := range rows {
		byID[d.ID] = d
	}
	return byID, nil
}

func (e *endings) save(db *gorm.DB) error {
	if err := forgetUndelivered(db, e.arrived); err != nil {
		return fmt.Errorf("forgetting what arrived: %w", err)
	}
	return noteUndelivered(db, e.failed)
}

// pruneUndelivered removes what is older than a time, some rows in a step.
func (s *Store) pruneUndelivered(db *gorm.DB, before time.Time) error {
	for {
		var ids []string
		err := db.Model(&Undelivered{}).Where("delivery_id < ?", lowestID(PrefixDelivery, before)).Order("delivery_id").Limit(pruneStep).Pluck("delivery_id", &ids).Error
		if err != nil || len(ids) == 0 {
			return err
		}
		if err := forgetUndelivered(db, ids); err != nil || len(ids) < pruneStep {
			return err
		}
	}
}

// endedStates are those of the states that are listed as undelivered, openStates
// those that have work.
func endedStates(states []State) []State {
	return slices.DeleteFunc(slices.Clone(states), func(s State) bool { return s != Failed && s != Cancelled })
}

func openStates(states []State) []State {
	return slices.DeleteFunc(slices.Clone(states), func(s State) bool { return s != Pending && s != Retrying })
}
