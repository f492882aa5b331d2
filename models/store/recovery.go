package store

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/webhook"
)

// recoverable reads the endpoint: a deleted one is a Conflict.
func (t *Tenant) recoverable(scoped *gorm.DB, id string) (*models.Endpoint, error) {
	e, err := database.Find[models.Endpoint](scoped.Where("id = ?", id), "endpoint")
	if err == nil && e.DeletedAt != nil {
		return nil, models.NewConflict("endpoint_deleted", "The endpoint was deleted, so there is nowhere to send to.")
	}
	return e, err
}

// CountRecovery returns how many deliveries a recovery with that input would send
// now. An unknown endpoint is NotFound and a deleted one a Conflict; wrong input is
// Invalid at its fields.
func (t *Tenant) CountRecovery(ctx context.Context, endpointID string, in models.RecoveryInput) (int, error) {
	e, err := t.recoverable(t.rows(ctx), endpointID)
	if err != nil {
		return 0, err
	}
	r, err := t.newRecovery(e.ID, in)
	if err != nil {
		return 0, err
	}
	return countRecovery(r, t.store.db.WithContext(ctx), e)
}

func countRecovery(r *models.Recovery, db *gorm.DB, e *models.Endpoint) (int, error) {
	var n int64
	if err := recoveryCandidates(r, db, e).Count(&n).Error; err != nil {
		return 0, fmt.Errorf("counting what is to be recovered: %w", err)
	}
	return int(n), nil
}

// recoveryCandidates returns the rows that the recovery is about: deliveries or events.
func recoveryCandidates(r *models.Recovery, db *gorm.DB, e *models.Endpoint) *gorm.DB {
	if r.Kind == models.RecoverMissing {
		query := database.CreatedBetween(db.Model(&models.Event{}), "id", models.PrefixEvent, r.Since, r.Until).
			Where("organization_id = ? AND test = ?", r.OrganizationID, false)
		return matchTypes(matchWanted(neverSent(query, r.EndpointID), e.EventTypes), "type", r.Types)
	}
	query := db.Table("undelivered AS u").Joins("JOIN deliveries d ON d.id = u.delivery_id").
		Where("u.organization_id = ? AND u.endpoint_id = ? AND u.state = ? AND d.test = ?", r.OrganizationID, r.EndpointID, models.Failed, false)
	query = database.CreatedBetween(query, "u.delivery_id", models.PrefixDelivery, r.Since, r.Until)
	return matchCauses(matchTypes(query, "u.event_type", r.Types), r.Causes)
}

// recoveryKey returns the column by which the matching rows are told apart and ordered.
func recoveryKey(r *models.Recovery) string {
	if r.Kind == models.RecoverMissing {
		return "id"
	}
	return "u.delivery_id"
}

// matchCauses narrows deliveries to what their last attempt failed by.
func matchCauses(query *gorm.DB, causes []string) *gorm.DB {
	if len(causes) == 0 {
		return query
	}
	var conditions []clause.Expression
	for _, cause := range causes {
		if !slices.Contains(models.StatusClasses, cause) {
			conditions = append(conditions, clause.Eq{Column: "last_cause", Value: cause})
			continue
		}
		first := int(cause[0]-'0') * 100
		conditions = append(conditions, clause.Expr{SQL: "(last_cause IN ? AND last_status_code BETWEEN ? AND ?)",
			Vars: []any{webhook.StatusCauses(), first, first + 99}})
	}
	return query.Where(clause.Or(conditions...))
}

// Recover starts a recovery, which the workers carry out in small steps. It
// starts one for each form. It is a Conflict while another recovery of the
// endpoint runs, and if the endpoint is deleted.
func (t *Tenant) Recover(ctx context.Context, endpointID string, in models.RecoveryInput) (*models.Recovery, error) {
	r, err := t.begunRecovery(ctx, endpointID, in)
	if before := earlier(err); before != nil {
		return t.Recovery(ctx, before.made)
	}
	return r, err
}

func (t *Tenant) begunRecovery(ctx context.Context, endpointID string, in models.RecoveryInput) (*models.Recovery, error) {
	if err := t.store.sentBefore(ctx); err != nil {
		return nil, err
	}
	if _, err := t.recoverable(t.rows(ctx), endpointID); err != nil {
		return nil, err
	}
	r, err := t.newRecovery(endpointID, in)
	if err != nil {
		return nil, err
	}
	err = t.store.transaction(once(ctx), func(tx *database.Tx) error {
		// The endpoint's row is locked: of two that begin at once, one waits.
		e, err := t.recoverable(t.within(tx.DB).Clauses(clause.Locking{Strength: "UPDATE"}), endpointID)
		if err != nil {
			return err
		}
		return t.beginRecovery(tx, e, r)
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// beginRecovery counts what the recovery is about and lets the workers begin.
// The endpoint's row is locked.
func (t *Tenant) beginRecovery(tx *database.Tx, e *models.Endpoint, r *models.Recovery) (err error) {
	r.ID = t.store.clock.NewID(models.PrefixRecovery, r.CreatedAt)
	var running int64
	if err := tx.Model(&models.Recovery{}).Where("endpoint_id = ? AND state = ?", e.ID, models.RecoveryRunning).Count(&running).Error; err != nil {
		return err
	}
	if running > 0 {
		return models.NewConflict("recovery_running", "A recovery of this endpoint is under way. Wait until it is done, or cancel it.")
	}
	if r.NextAt, err = tx.Now(); err != nil {
		return err
	}
	if r.Total, err = countRecovery(r, tx.DB, e); err != nil {
		return err
	}
	if err := tx.Create(r).Error; err != nil {
		return fmt.Errorf("beginning the recovery: %w", err)
	}
	makes(tx, r.ID, "")
	return t.audit(tx, "recovery.started", r.ID, e.Title(), fmt.Sprintf("%s, %d", r.Kind, r.Total))
}

// Recovery reads one recovery. An unknown one is NotFound.
func (t *Tenant) Recovery(ctx context.Context, id string) (*models.Recovery, error) {
	r, err := database.Find[models.Recovery](t.rows(ctx).Where("id = ?", id), "recovery")
	if err != nil {
		return nil, err
	}
	list := []models.Recovery{*r}
	return &list[0], t.countWaiting(ctx, list)
}

// Recoveries lists an endpoint's latest recoveries, newest first. It fails if the
// database does.
func (t *Tenant) Recoveries(ctx context.Context, endpointID string) ([]models.Recovery, error) {
	var list []models.Recovery
	if err := t.rows(ctx).Where("endpoint_id = ?", endpointID).Order("id DESC").Limit(models.DefaultLimit).Find(&list).Error; err != nil {
		return nil, err
	}
	return list, t.countWaiting(ctx, list)
}

func (t *Tenant) countWaiting(ctx context.Context, list []models.Recovery) error {
	ids := make([]string, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	var counts []struct {
		RecoveryID string
		Waiting    int
	}
	err := t.rows(ctx).Model(&models.Work{}).Select("recovery_id, count(*) AS waiting").Where("recovery_id IN ?", ids).Group("recovery_id").Scan(&counts).Error
	if err != nil {
		return err
	}
	for _, c := range counts {
		if i := slices.Index(ids, c.RecoveryID); i >= 0 {
			list[i].Waiting = c.Waiting
		}
	}
	return nil
}

// CancelRecovery stops a recovery and cancels the deliveries that it queued and
// that are not in flight. It is a Conflict if the recovery has ended.
func (t *Tenant) CancelRecovery(ctx context.Context, id string) (*models.Recovery, error) {
	err := t.store.transaction(once(ctx), func(tx *database.Tx) error {
		r, err := database.Find[models.Recovery](t.within(tx.DB).Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ?", id), "recovery")
		if err != nil {
			return err
		}
		if !r.Running() {
			return models.NewConflict("ended", "This recovery has ended already.")
		}
		if err := t.store.takeBack(tx, r); err != nil {
			return err
		}
		r.End(models.RecoveryCancelled, t.store.clock.Now())
		if err := tx.Save(r).Error; err != nil {
			return fmt.Errorf("cancelling the recovery: %w", err)
		}
		return t.audit(tx, "recovery.cancelled", r.ID, r.EndpointID, fmt.Sprintf("%d of %d sent", r.Queued, r.Total))
	})
	if err := unlessTaken(err); err != nil {
		return nil, err
	}
	return t.Recovery(ctx, id)
}

// takeBack ends what a recovery queued and nobody claimed yet.
func (s *Store) takeBack(tx *database.Tx, r *models.Recovery) error {
	queued := func() *gorm.DB { return tx.Model(&models.Work{}).Where("recovery_id = ?", r.ID) }
	var waiting []string
	if err := queued().Where("lease_until IS NULL").Pluck("delivery_id", &waiting).Error; err != nil {
		return err
	}
	var before, after int64
	if err := queued().Count(&before).Error; err != nil {
		return err
	}
	if err := s.engine.EndDeliveries(tx, waiting, models.Cancelled, ""); err != nil {
		return err
	}
	if err := queued().Count(&after).Error; err != nil {
		return err
	}
	r.Queued -= int(before - after)
	return nil
}

// endRecovery stops what runs for a deleted endpoint.
func (s *Store) endRecovery(tx *database.Tx, endpointID string) error {
	err := tx.Model(&models.Recovery{}).Where("endpoint_id = ? AND state = ?", endpointID, models.RecoveryRunning).
		Updates(map[string]any{"state": models.RecoveryCancelled, "ended_at": s.clock.Now()}).Error
	if err != nil {
		return fmt.Errorf("stopping the recovery: %w", err)
	}
	return nil
}
