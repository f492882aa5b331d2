package store

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm/clause"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/pipeline"
)

const (
	// recoveryAhead is how many seconds' worth of attempts a recovery may have
	// waiting: a receiver that is slower than the throttle sets the pace.
	recoveryAhead = 2
	// recoveryPause is how long a recovery waits for what it queued.
	recoveryPause = time.Second
)

// StepRecovery does one step of a recovery that is due and returns the recovery
// after it, or nil if none is due. A step is one transaction. It queues at most a
// second's worth of deliveries, spread over that second, and moves the cursor, so
// that any process can continue from there. No two calls do the same step. It fails
// if the database does.
func (s *Store) StepRecovery(ctx context.Context) (*models.Recovery, error) {
	var stepped *models.Recovery
	err := s.transaction(ctx, func(tx *database.Tx) error {
		stepped = nil
		var due []models.Recovery
		err := tx.Where("state = ? AND next_at <= "+s.db.Dialect.Now(s.clock), models.RecoveryRunning).Order("next_at").Limit(1).
			Clauses(clause.Locking{Strength: "UPDATE", Options: "SKIP LOCKED"}).Find(&due).Error
		if err != nil || len(due) == 0 {
			return err
		}
		if err := s.stepRecovery(tx, &due[0]); err != nil {
			return err
		}
		stepped = &due[0]
		return tx.Save(stepped).Error
	})
	if err != nil {
		return nil, fmt.Errorf("recovering: %w", err)
	}
	return stepped, nil
}

func (s *Store) stepRecovery(tx *database.Tx, r *models.Recovery) error {
	now, err := tx.Now()
	if err != nil {
		return err
	}
	if err := s.engine.ExpandIn(tx, r.OrganizationID); err != nil {
		return err
	}
	e, err := database.Find[models.Endpoint](tx.Where("id = ? AND deleted_at IS NULL", r.EndpointID), "endpoint")
	if models.IsKind(err, models.NotFound) {
		r.End(models.RecoveryCancelled, now)
		return nil
	}
	if err != nil {
		return err
	}
	var waiting int64
	if err := tx.Model(&models.Work{}).Where("recovery_id = ?", r.ID).Count(&waiting).Error; err != nil {
		return err
	}
	room := min(r.PerSecond, recoveryAhead*r.PerSecond-int(waiting))
	if room <= 0 {
		r.NextAt = now.Add(recoveryPause)
		return nil
	}
	queue := s.queueFailed
	if r.Kind == models.RecoverMissing {
		queue = s.queueMissing
	}
	seen, queued, err := queue(tx, r, e, room, now)
	if err != nil {
		return err
	}
	r.Queued, r.Skipped, r.NextAt = r.Queued+queued, r.Skipped+seen-queued, r.Slot(now, queued)
	if seen == room {
		return nil
	}
	r.NextAt = now.Add(recoveryPause) // all was looked at: wait for what is queued
	if int(waiting)+queued == 0 {
		// What matched at first and is not there any more needed nothing.
		r.Total = max(r.Total, r.Queued+r.Skipped)
		r.Skipped = r.Total - r.Queued
		r.End(models.RecoveryDone, now)
	}
	return nil
}

// nextToRecover returns the ids behind the cursor and moves the cursor to the last.
func nextToRecover(r *models.Recovery, tx *database.Tx, e *models.Endpoint, most int) (ids []string, err error) {
	err = recoveryCandidates(r, tx.DB, e).Where(recoveryKey(r)+" > ?", r.Cursor).Order(recoveryKey(r)).Limit(most).Pluck(recoveryKey(r), &ids).Error
	if len(ids) > 0 {
		r.Cursor = ids[len(ids)-1]
	}
	return ids, err
}

// queueFailed gives failed deliveries one attempt each. What is under way, or
// is no failure any more, is passed over.
func (s *Store) queueFailed(tx *database.Tx, r *models.Recovery, e *models.Endpoint, most int, now time.Time) (seen, queued int, err error) {
	ids, err := nextToRecover(r, tx, e, most)
	if err != nil || len(ids) == 0 {
		return 0, 0, err
	}
	subjects, err := lockSubjects(tx, r.OrganizationID, ids)
	if err != nil {
		return 0, 0, err
	}
	var work []*models.Work
	for i := range subjects {
		d := &subjects[i]
		if d.State != models.Failed || d.work != nil || d.busy {
			continue
		}
		due := r.Slot(now, len(work))
		w := personsWork(&d.Delivery, e, due, due)
		w.Priority, w.RecoveryID = pipeline.PriorityRecovery, r.ID
		work = append(work, w)
	}
	return len(ids), len(work), database.InsertAll(s.db.Dialect, tx.DB, work, database.RefuseTaken)
}

// queueMissing makes deliveries of events that the endpoint never got.
func (s *Store) queueMissing(tx *database.Tx, r *models.Recovery, e *models.Endpoint, most int, now time.Time) (seen, queued int, err error) {
	ids, err := nextToRecover(r, tx, e, most)
	if err != nil || len(ids) == 0 {
		return 0, 0, err
	}
	var events []models.Event
	if err := tx.Select("id", "organization_id", "type", "test").Where("id IN ?", ids).Order("id").Find(&events).Error; err != nil {
		return 0, 0, err
	}
	var deliveries []*models.Delivery
	var work []*models.Work
	for i := range events {
		d := s.engine.NewDelivery(&events[i], e)
		w := pipeline.NewWork(d, e, models.TriggerSchedule, r.Slot(now, i))
		w.WakeAt, w.Priority, w.RecoveryID = w.DueAt, pipeline.PriorityRecovery, r.ID
		deliveries, work = append(deliveries, d), append(work, w)
	}
	if err := database.InsertAll(s.db.Dialect, tx.DB, deliveries, database.RefuseTaken); err != nil {
		return 0, 0, err
	}
	return len(ids), len(work), database.InsertAll(s.db.Dialect, tx.DB, work, database.RefuseTaken)
}
