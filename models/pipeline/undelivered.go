package pipeline

import (
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hookwell/models"
	"hookwell/models/database"
)

// AddUndelivered adds a row for each of the deliveries that is failed or
// cancelled. Adding a delivery again changes nothing.
func AddUndelivered(db *gorm.DB, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	var ended []models.Delivery
	err := db.Select("id", "organization_id", "endpoint_id", "event_type", "state").Where("id IN ? AND state IN ?", ids, []models.State{models.Failed, models.Cancelled}).Find(&ended).Error
	if err != nil {
		return fmt.Errorf("reading what ended: %w", err)
	}
	rows := make([]models.Undelivered, len(ended))
	for i, d := range ended {
		rows[i] = models.Undelivered{DeliveryID: d.ID, OrganizationID: d.OrganizationID, EndpointID: d.EndpointID, EventType: d.EventType, State: d.State}
	}
	if err := database.CreateAll(db.Clauses(clause.OnConflict{DoNothing: true}), rows); err != nil {
		return fmt.Errorf("noting what ended: %w", err)
	}
	return nil
}

// forgetUndelivered removes deliveries that arrived after all.
func forgetUndelivered(db *gorm.DB, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	return db.Where("delivery_id IN ?", ids).Delete(&models.Undelivered{}).Error
}

// endings is what results do to the list of the undelivered.
type endings struct {
	failed  []string // ended without having arrived
	arrived []string // that may have ended before
}

func (e *endings) note(r *Result, v decision) {
	switch {
	case v.state == models.Failed || v.state == models.Cancelled:
		e.failed = append(e.failed, r.Job.DeliveryID)
	case v.state == models.Delivered && (r.Job.work.Trigger == models.TriggerPerson || r.Job.work.Cancelled):
		e.arrived = append(e.arrived, r.Job.DeliveryID)
	}
}

// earlier returns how deliveries had ended before they arrived.
func (e *endings) earlier(tx *database.Tx) (map[string]models.Delivery, error) {
	if len(e.arrived) == 0 {
		return nil, nil
	}
	var rows []models.Delivery
	if err := tx.Select("id", "state", "ended_at").Where("id IN ? AND ended_at IS NOT NULL", e.arrived).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("reading how deliveries had ended: %w", err)
	}
	byID := make(map[string]models.Delivery, len(rows))
	for _, d := range rows {
		byID[d.ID] = d
	}
	return byID, nil
}

func (e *endings) save(db *gorm.DB) error {
	if err := forgetUndelivered(db, e.arrived); err != nil {
		return fmt.Errorf("forgetting what arrived: %w", err)
	}
	return AddUndelivered(db, e.failed)
}

// pruneUndelivered removes what is older than a time, some rows in a step.
func (p *Engine) pruneUndelivered(db *gorm.DB, before time.Time) error {
	for {
		var ids []string
		err := db.Model(&models.Undelivered{}).Where("delivery_id < ?", database.LowestID(models.PrefixDelivery, before)).Order("delivery_id").Limit(pruneStep).Pluck("delivery_id", &ids).Error
		if err != nil || len(ids) == 0 {
			return err
		}
		if err := forgetUndelivered(db, ids); err != nil || len(ids) < pruneStep {
			return err
		}
	}
}
