package store

import (
	"context"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/pipeline"
)

// eraseStep is how many rows of a table one transaction erases. Requests have bodies.
const (
	eraseStep         = 1000
	eraseRequestsStep = 200
)

// EraseReceived removes, in one step, what the sources of a closed organization
// received, and what receiving knows of the organization: sources, requests, refused
// ones, keys of repeats, counts, identities, sums of payments, references and replays.
// The events that requests became stay as long as all events do, without their bodies.
// It returns pipeline.FullStep if it is to be called again, and 0 if nothing is left.
// It fails if the database does.
func (s *Store) EraseReceived(ctx context.Context) (int, error) {
	more := false
	err := s.transaction(ctx, func(tx *database.Tx) error {
		more = false
		var closed []erasing
		err := tx.Table("organizations").Select("id", "erased_to").Where("closed_at IS NOT NULL AND erased_at IS NULL").Order("closed_at").Limit(1).
			Clauses(clause.Locking{Strength: "UPDATE", Options: "SKIP LOCKED"}).Scan(&closed).Error
		if err != nil || len(closed) == 0 {
			return err
		}
		more = true
		return s.erase(tx, &closed[0])
	})
	if err != nil {
		return 0, fmt.Errorf("erasing what a closed organization received: %w", err)
	}
	if more {
		return pipeline.FullStep, nil
	}
	return 0, nil
}

// erasing is an organization whose data is being erased.
type erasing struct {
	ID       string
	ErasedTo string // before this id its events hold nothing any more
}

// erase does one step: the first part that has anything left.
func (s *Store) erase(tx *database.Tx, org *erasing) error {
	for _, part := range []func(*database.Tx, *erasing) (bool, error){s.eraseRequests, s.eraseEvents, s.eraseKept} {
		if more, err := part(tx, org); err != nil || more {
			return err
		}
	}
	for _, row := range []any{&models.SourceSecret{}, &models.SourceReference{}, &models.Source{}} {
		if err := tx.Where("organization_id = ?", org.ID).Delete(row).Error; err != nil {
			return err
		}
	}
	return tx.Table("organizations").Where("id = ?", org.ID).UpdateColumn("erased_at", s.clock.Now()).Error
}

// eraseRequests erases some requests with all that hangs on them, and reports whether
// there were any.
func (s *Store) eraseRequests(tx *database.Tx, org *erasing) (bool, error) {
	var ids []string
	err := tx.Model(&models.Request{}).Where("organization_id = ?", org.ID).Order("id").Limit(eraseRequestsStep).Pluck("id", &ids).Error
	if err != nil || len(ids) == 0 {
		return false, err
	}
	condition, parameter := s.db.Dialect.Among("request_id", ids)
	for _, table := range []string{"request_work", "request_duplicates", "request_events", "awaited_references"} {
		if err := tx.Exec("DELETE FROM "+table+" WHERE "+condition, parameter).Error; err != nil {
			return false, err
		}
	}
	condition, parameter = s.db.Dialect.Among("id", ids)
	return true, tx.Where(condition, parameter).Where("id >= ? AND id <= ?", ids[0], ids[len(ids)-1]).Delete(&models.Request{}).Error
}

// eraseEvents empties some events that requests became, those of the installation's
// sources included, and reports whether there were any.
func (s *Store) eraseEvents(tx *database.Tx, org *erasing) (bool, error) {
	var ids []string
	err := tx.Model(&models.Event{}).Where("organization_id = ? AND origin IN ? AND id > ?", org.ID, []models.Origin{models.OriginMapped, models.OriginRelayed}, org.ErasedTo).
		Order("id").Limit(eraseStep).Pluck("id", &ids).Error
	if err != nil || len(ids) == 0 {
		return false, err
	}
	last := ids[len(ids)-1]
	condition, parameter := s.db.Dialect.Among("event_id", ids)
	if err := tx.Exec("DELETE FROM request_events WHERE "+condition, parameter).Error; err != nil {
		return false, err
	}
	condition, parameter = s.db.Dialect.Among("id", ids)
	err = tx.Model(&models.Event{}).Where(condition, parameter).Where("id >= ? AND id <= ?", ids[0], last).
		UpdateColumns(map[string]any{"body": []byte{}, "relayed": gorm.Expr("NULL")}).Error
	if err != nil {
		return false, err
	}
	return true, tx.Table("organizations").Where("id = ?", org.ID).UpdateColumn("erased_to", last).Error
}

// eraseKept erases some rows of what receiving knows beside requests, and reports
// whether there may be more.
func (s *Store) eraseKept(tx *database.Tx, org *erasing) (bool, error) {
	place := "rowid"
	if s.db.Dialect.IsPostgres() {
		place = "ctid"
	}
	const its = "source_id IN (SELECT id FROM sources WHERE organization_id = ?)"
	for table, condition := range map[string]string{
		"request_keys": its, "refused_requests": "organization_id = ?", "refused_rings": its, "refused_counts": its,
		"event_identities": "organization_id = ?", "source_payments": "organization_id = ?", "request_replays": "organization_id = ?",
	} {
		some := fmt.Sprintf("SELECT %s FROM %s WHERE %s LIMIT %d", place, table, condition, eraseStep)
		done := tx.Exec(fmt.Sprintf("DELETE FROM %s WHERE %s %s", table, place, s.db.Dialect.In(some)), org.ID)
		if done.Error != nil || done.RowsAffected == eraseStep {
			return true, done.Error
		}
	}
	return false, nil
}
