package models

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm/clause"
)

const (
	// recoveryAhead is how many seconds' worth of attempts a recovery may have
	// waiting: a receiver that is slower than the throttle sets the pace.
	recoveryAhead = 2
	// recoveryPause is how long a recovery waits for what it queued.
	recoveryPause = time.Second
)

// StepRecovery does one step of a recovery whose turn has come and answers it
// as it is then; nil when none's has. A step is one transaction: it queues at
// most a second's worth, spread over that second, and moves the cursor on, so
// that whoever comes next, in whatever process, goes on behind it. Two never do
// the same step.
func (s *Store) StepRecovery(ctx context.Context) (*Recovery, error) {
	var stepped *Recovery
	err := s.transaction(ctx, func(tx *Tx) error {
		stepped = nil
		var due []Recovery
		err := tx.Where("state = ? AND next_at <= "+s.dialect.now(s.clock), RecoveryRunning).Order("next_at").Limit(1).
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

func (s *Store) stepRecovery(tx *Tx, r *Recovery) error {
	now, err := tx.Now()
	if err != nil {
		return err
	}
	e, err := find[Endpoint](tx.Where("id = ? AND deleted_at IS NULL", r.EndpointID), "endpoint")
	if IsKind(err, NotFound) {
		r.end(RecoveryCancelled, now)
		return nil
	}
	if err != nil {
		return err
	}
	var waiting int64
	if err := tx.Model(&Work{}).Where("recovery_id = ?", r.ID).Count(&waiting).Error; err != nil {
		return err
	}
	room := min(r.PerSecond, recoveryAhead*r.PerSecond-int(waiting))
	if room <= 0 {
		r.NextAt = now.Add(recoveryPause)
		return nil
	}
	queue := s.queueFailed
	if r.Kind == RecoverMissing {
		queue = s.queueMissing
	}
	seen, queued, err := queue(tx, r, e, room, now)
	if err != nil {
		return err
	}
	r.Queued, r.Skipped, r.NextAt = r.Queued+queued, r.Skipped+seen-queued, r.slot(now, queued)
	if seen == room {
		return nil
	}
	r.NextAt = now.Add(recoveryPause) // all was looked at: wait for what is queued
	if int(waiting)+queued == 0 {
		// What matched at first and is not there any more needed nothing.
		r.Total = max(r.Total, r.Queued+r.Skipped)
		r.Skipped = r.Total - r.Queued
		r.end(RecoveryDone, now)
	}
	return nil
}

// slot is when the n-th attempt from now on may be made.
func (r *Recovery) slot(now time.Time, n int) time.Time {
	return now.Add(time.Duration(n) * time.Second / time.Duration(r.PerSecond)).Truncate(time.Microsecond)
}

// next answers the ids behind the cursor and moves the cursor to the last.
func (r *Recovery) next(tx *Tx, e *Endpoint, most int) (ids []string, err error) {
	err = r.matching(tx.DB, e).Where(r.key()+" > ?", r.Cursor).Order(r.key()).Limit(most).Pluck(r.key(), &ids).Error
	if len(ids) > 0 {
		r.Cursor = ids[len(ids)-1]
	}
	return ids, err
}

// queueFailed gives failed deliveries one attempt each. What is under way, or
// is no failure any more, is passed over.
func (s *Store) queueFailed(tx *Tx, r *Recovery, e *Endpoint, most int, now time.Time) (seen, queued int, err error) {
	ids, err := r.next(tx, e, most)
	if err != nil || len(ids) == 0 {
		return 0, 0, err
	}
	subjects, err := lockSubjects(tx, r.OrganizationID, ids)
	if err != nil {
		return 0, 0, err
	}
	var work []*Work
	for i := range subjects {
		d := &subjects[i]
		if d.State != Failed || d.work != nil || d.busy {
			continue
		}
		due := r.slot(now, len(work))
		w := personsWork(&d.Delivery, e, due, due)
		w.Priority, w.RecoveryID = priorityRecovery, r.ID
		work = append(work, w)
	}
	return len(ids), len(work), insertAll(s.dialect, tx.DB, work, refuseTaken)
}

// queueMissing makes deliveries of events that the endpoint never got.
func (s *Store) queueMissing(tx *Tx, r *Recovery, e *Endpoint, most int, now time.Time) (seen, queued int, err error) {
	ids, err := r.next(tx, e, most)
	if err != nil || len(ids) == 0 {
		return 0, 0, err
	}
	var events []Event
	if err := tx.Select("id", "organization_id", "type", "test").Where("id IN ?", ids).Order("id").Find(&events).Error; err != nil {
		return 0, 0, err
	}
	var deliveries []*Delivery
	var work []*Work
	for i := range events {
		d := s.newDelivery(&events[i], e)
		w := newWork(d, e, TriggerSchedule, r.slot(now, i))
		w.WakeAt, w.Priority, w.RecoveryID = w.DueAt, priorityRecovery, r.ID
		deliveries, work = append(deliveries, d), append(work, w)
	}
	if err := insertAll(s.dialect, tx.DB, deliveries, refuseTaken); err != nil {
		return 0, 0, err
	}
	return len(ids), len(work), insertAll(s.dialect, tx.DB, work, refuseTaken)
}
