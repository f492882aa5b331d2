package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/pipeline"
)

// changeSpread is for how long after a source's change another process may still refuse
// by what it was before.
const changeSpread = 2 * time.Second

// counted is how many of a source's refused requests pass its checks, as counted for one
// revision and for those that were kept then.
type counted struct {
	revision int64
	kept     int
	last     string
	passing  int
}

// acceptable are the refused requests of a source that can be checked again.
func acceptable(scoped *gorm.DB, sourceID string) *gorm.DB {
	return scoped.Model(&models.RefusedRequest{}).Where("source_id = ? AND whole AND body_dropped_at IS NULL", sourceID)
}

// Acceptable returns how many of the requests that a source refused before it was changed
// last would be accepted now. Each is checked once after a change, not each time that a
// page asks.
func (r *Receiving) Acceptable(ctx context.Context, id string) (int, error) {
	s, err := r.source(r.rows(ctx), id)
	if err != nil {
		return 0, err
	}
	before := database.LowestID(models.PrefixRequest, s.UpdatedAt.Add(changeSpread))
	var kept struct {
		N    int
		Last string
	}
	err = acceptable(r.rows(ctx), id).Where("id < ?", before).Select("count(*) AS n, coalesce(max(id), '') AS last").Scan(&kept).Error
	if err != nil {
		return 0, fmt.Errorf("looking for refused requests: %w", err)
	}
	if kept.N == 0 || !s.Enabled() {
		return 0, nil
	}
	now := counted{revision: s.Revision, kept: kept.N, last: kept.Last}
	if known, ok := r.store.passing.Get(id); ok && known.revision == now.revision && known.kept == now.kept && known.last == now.last {
		return known.passing, nil
	}
	if now.passing, err = r.countPassing(r.store.db.WithContext(ctx), s, before); err != nil {
		return 0, err
	}
	r.store.passing.Put(id, now)
	return now.passing, nil
}

// countPassing checks the refused requests that came before an id.
func (r *Receiving) countPassing(db *gorm.DB, s *models.Source, before string) (int, error) {
	var rows []models.RefusedRequest
	if err := acceptable(r.within(db), s.ID).Where("id < ?", before).Find(&rows).Error; err != nil {
		return 0, fmt.Errorf("reading refused requests: %w", err)
	}
	open, err := r.store.engine.OpenSource(db, s)
	if err != nil {
		return 0, err
	}
	return r.store.engine.CountPassing(open, rows, r.store.sourceURL(s)), nil
}

// AcceptRequests takes in all that a source refused and that passes its checks now, in
// small steps; perSecond 0 is DefaultReplayRate. Each request is checked again in its
// step, its age as of its receipt, and what doesn't pass stays refused. It starts once for
// each form. It is a Conflict if the source is paused, if nothing passes, and while five
// others run.
func (r *Receiving) AcceptRequests(ctx context.Context, id string, perSecond int) (*models.RequestReplay, error) {
	if perSecond == 0 {
		perSecond = DefaultReplayRate
	}
	if perSecond < 1 || perSecond > MaxReplayRate {
		return nil, models.InvalidField("perSecond", fmt.Sprintf("Choose 1 to %d a second.", MaxReplayRate))
	}
	now := r.store.clock.Now()
	replay := &models.RequestReplay{ID: r.store.clock.NewID(models.PrefixReplay, now), OrganizationID: r.owner, Filter: models.RequestFilter{SourceID: id}, Accepts: true, PerSecond: perSecond,
		State: models.RecoveryRunning, Last: database.LowestID(models.PrefixRequest, now), CreatedBy: r.actor.Name, CreatedAt: now}
	return r.begin(ctx, replay, func(tx *database.Tx) error {
		source, err := r.source(r.within(tx.DB), id)
		if err != nil {
			return err
		}
		if !source.Enabled() {
			return models.NewConflict("source_disabled", "The source is paused. Resume it first.")
		}
		if replay.Total, err = r.countPassing(tx.DB, source, replay.Last); err != nil {
			return err
		}
		if replay.Total == 0 {
			return models.NewConflict("none_passes", "None of the refused requests that are kept passes. Correct the source’s secret first.")
		}
		return r.audit(tx, "acceptance.started", replay.ID, source.Name, fmt.Sprintf("%d requests", replay.Total))
	})
}

// stepAcceptance checks a second's worth of refused requests and takes in those that pass.
// While the source is paused it waits, and ends with a source that is deleted.
func (s *Store) stepAcceptance(tx *database.Tx, replay *models.RequestReplay, now time.Time) error {
	r := &Receiving{store: s, owner: replay.OrganizationID}
	source, err := r.source(r.within(tx.DB), replay.Filter.SourceID)
	if models.IsKind(err, models.NotFound) {
		replay.State, replay.EndedAt = models.RecoveryDone, &now
		return nil
	}
	if err != nil {
		return err
	}
	if replay.NextAt = now.Add(recoveryPause); !source.Enabled() {
		return nil
	}
	var rows []models.RefusedRequest
	err = acceptable(r.within(tx.DB), source.ID).Clauses(clause.Locking{Strength: "UPDATE"}).Where("id > ? AND id < ?", replay.Cursor, replay.Last).
		Order("id").Limit(replay.PerSecond).Find(&rows).Error
	if err != nil {
		return fmt.Errorf("looking for refused requests: %w", err)
	}
	open, err := s.engine.OpenSource(tx.DB, source)
	if err != nil {
		return err
	}
	accepted, err := s.engine.AcceptAllRefused(tx, open, rows, s.sourceURL(source))
	if errors.Is(err, pipeline.ErrSourceChanged) {
		return nil // the next step checks by what it is by then
	}
	if err != nil {
		return err
	}
	replay.Queued += accepted
	if len(rows) < replay.PerSecond {
		replay.State, replay.EndedAt = models.RecoveryDone, &now
		return nil
	}
	replay.Cursor = rows[len(rows)-1].ID
	return nil
}
