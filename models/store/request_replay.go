package store

import (
	"context"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hookwell/models"
	"hookwell/models/database"
)

// DefaultReplayRate is how many requests a replay queues a second by default, and
// MaxReplayRate the most.
const (
	DefaultReplayRate = 50
	MaxReplayRate     = 500
	maxReplays        = 5 // running, of one owner
)

// CountReplay returns how many requests a replay of the filter would process again.
func (r *Receiving) CountReplay(ctx context.Context, filter models.RequestFilter) (int, error) {
	var n int64
	err := r.replayed(r.rows(ctx), filter).Count(&n).Error
	return int(n), err
}

// replayed are the requests that a replay of a filter is about. Those whose bodies were
// dropped can't be processed any more.
func (r *Receiving) replayed(scoped *gorm.DB, filter models.RequestFilter) *gorm.DB {
	return filterRequests(filter, scoped.Model(&models.Request{}).Where("reason <> ? AND body_dropped_at IS NULL", models.ReasonHandshake))
}

// queueable reads requests as Engine.QueueRequests takes them, and locks them: their
// bodies can't be dropped before they wait.
func queueable(db *gorm.DB) *gorm.DB {
	return db.Model(&models.Request{}).Clauses(clause.Locking{Strength: "UPDATE"}).Select("id", "organization_id", "source_id", "reason", "body_dropped_at").Where("body_dropped_at IS NULL")
}

// ReplayRequests has all requests of a filter turned into events again, in small
// steps; perSecond 0 is DefaultReplayRate. It starts one replay for each form. It is
// a Conflict while five others run.
func (r *Receiving) ReplayRequests(ctx context.Context, filter models.RequestFilter, perSecond int, forced bool) (*models.RequestReplay, error) {
	if perSecond == 0 {
		perSecond = DefaultReplayRate
	}
	switch {
	case perSecond < 1 || perSecond > MaxReplayRate:
		return nil, models.InvalidField("perSecond", fmt.Sprintf("Choose 1 to %d a second.", MaxReplayRate))
	case !filter.Kept():
		return nil, models.InvalidField("state", "Refused requests can’t be replayed. Accept them first.")
	}
	now := r.store.clock.Now()
	replay := &models.RequestReplay{ID: r.store.clock.NewID(models.PrefixReplay, now), OrganizationID: r.owner, Filter: filter, Forced: forced, PerSecond: perSecond,
		State: models.RecoveryRunning, Last: database.LowestID(models.PrefixRequest, now), CreatedBy: r.actor.Name, CreatedAt: now}
	return r.begin(ctx, replay, func(tx *database.Tx) error {
		var total int64
		if err := r.replayed(r.within(tx.DB), filter).Where("id < ?", replay.Last).Count(&total).Error; err != nil {
			return fmt.Errorf("counting requests: %w", err)
		}
		replay.Total = int(total)
		return r.audit(tx, "replay.started", replay.ID, replayName(filter), fmt.Sprintf("%d requests %s", replay.Total, forcedWords(forced)))
	})
}

// begin saves a replay, once for each form. Total counts what it is about and notes in
// the audit log that it began. It is a Conflict while five others run.
func (r *Receiving) begin(ctx context.Context, replay *models.RequestReplay, total func(*database.Tx) error) (*models.RequestReplay, error) {
	err := r.store.transaction(once(ctx), func(tx *database.Tx) (err error) {
		var running int64
		if err := r.within(tx.DB).Model(&models.RequestReplay{}).Where("state = ?", models.RecoveryRunning).Count(&running).Error; err != nil {
			return err
		}
		if running >= maxReplays {
			return models.NewConflict("replays_running", fmt.Sprintf("%d replays are under way. Wait until one is done, or cancel it.", running))
		}
		if replay.NextAt, err = tx.Now(); err != nil {
			return err
		}
		if err := total(tx); err != nil {
			return err
		}
		makes(tx, replay.ID, "")
		if err := tx.Create(replay).Error; err != nil {
			return fmt.Errorf("beginning the replay: %w", err)
		}
		return nil
	})
	if before := earlier(err); before != nil {
		return r.Replay(ctx, before.made)
	}
	if err != nil {
		return nil, err
	}
	return replay, nil
}

// replayName is what the audit log calls a replay.
func replayName(f models.RequestFilter) string {
	if f.SourceID != "" {
		return "of " + f.SourceID
	}
	return "of all sources"
}

// Replay reads one replay.
func (r *Receiving) Replay(ctx context.Context, id string) (*models.RequestReplay, error) {
	return database.Find[models.RequestReplay](r.rows(ctx).Where("id = ?", id), "replay")
}

// Replays lists the latest replays, newest first.
func (r *Receiving) Replays(ctx context.Context) ([]models.RequestReplay, error) {
	var list []models.RequestReplay
	err := r.rows(ctx).Order("id DESC").Limit(models.DefaultLimit).Find(&list).Error
	return list, err
}

// CancelReplay stops a replay. What it queued is still processed. It is a Conflict
// if the replay has ended.
func (r *Receiving) CancelReplay(ctx context.Context, id string) (*models.RequestReplay, error) {
	err := r.store.transaction(once(ctx), func(tx *database.Tx) error {
		replay, err := database.Find[models.RequestReplay](r.within(tx.DB).Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ?", id), "replay")
		if err != nil {
			return err
		}
		if replay.State != models.RecoveryRunning {
			return models.NewConflict("ended", "This replay has ended already.")
		}
		now := r.store.clock.Now()
		replay.State, replay.EndedAt = models.RecoveryCancelled, &now
		if err := tx.Save(replay).Error; err != nil {
			return fmt.Errorf("cancelling the replay: %w", err)
		}
		if replay.Accepts {
			return r.audit(tx, "acceptance.cancelled", replay.ID, replayName(replay.Filter), fmt.Sprintf("%d of %d accepted", replay.Queued, replay.Total))
		}
		return r.audit(tx, "replay.cancelled", replay.ID, replayName(replay.Filter), fmt.Sprintf("%d of %d queued", replay.Queued, replay.Total))
	})
	if err := unlessTaken(err); err != nil {
		return nil, err
	}
	return r.Replay(ctx, id)
}

// StepReplay does one step of a replay that is due and returns the replay after it, or
// nil if none is due. A step is one transaction: it queues at most a second's worth of
// requests and moves the cursor. No two calls do the same step. It fails if the database
// does.
func (s *Store) StepReplay(ctx context.Context) (*models.RequestReplay, error) {
	var stepped *models.RequestReplay
	err := s.transaction(ctx, func(tx *database.Tx) error {
		stepped = nil
		var due []models.RequestReplay
		err := tx.Where("state = ? AND next_at <= "+s.db.Dialect.Now(s.clock), models.RecoveryRunning).Order("next_at").Limit(1).
			Clauses(clause.Locking{Strength: "UPDATE", Options: "SKIP LOCKED"}).Find(&due).Error
		if err != nil || len(due) == 0 {
			return err
		}
		stepped = &due[0]
		if err := s.stepReplay(tx, stepped); err != nil {
			return err
		}
		return tx.Save(stepped).Error
	})
	if err != nil {
		return nil, fmt.Errorf("replaying requests: %w", err)
	}
	return stepped, nil
}

func (s *Store) stepReplay(tx *database.Tx, replay *models.RequestReplay) error {
	now, err := tx.Now()
	if err != nil {
		return err
	}
	if replay.Accepts {
		return s.stepAcceptance(tx, replay, now)
	}
	r := &Receiving{store: s, owner: replay.OrganizationID}
	var rows []models.Request
	err = r.replayed(queueable(r.within(tx.DB)), replay.Filter).Where("id > ? AND id < ?", replay.Cursor, replay.Last).
		Order("id").Limit(replay.PerSecond).Find(&rows).Error
	if err != nil {
		return fmt.Errorf("looking for requests: %w", err)
	}
	queued, err := s.engine.QueueRequests(tx, rows, replay.Forced, replay.ID)
	if err != nil {
		return err
	}
	replay.Queued, replay.NextAt = replay.Queued+queued, now.Add(recoveryPause)
	if len(rows) < replay.PerSecond {
		replay.State, replay.EndedAt = models.RecoveryDone, &now
		return nil
	}
	replay.Cursor = rows[len(rows)-1].ID
	return nil
}
