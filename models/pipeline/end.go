package pipeline

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/webhook"
)

// clockMargin is by how much the clock that ids are made by may differ from the
// database's until what expires is found late.
const clockMargin = time.Hour

// EndWaiting ends, in one step, deliveries that can't continue: it cancels those
// to deleted endpoints and fails, as expired, those that have waited too long. It
// returns how many it ended; if that is FullStep, call it again.
func (p *Engine) EndWaiting(ctx context.Context) (int, error) {
	var ended int
	err := p.db.Transaction(ctx, func(tx *database.Tx) error {
		var cancelled, expired []string
		gone := visitedQuery + `lanes AS (SELECT e.id AS endpoint_id FROM visited v JOIN endpoints e ON e.id = v.endpoint_id WHERE e.deleted_at IS NOT NULL)
			SELECT w.delivery_id FROM ` + p.db.Dialect.PerLane("w.lease_until IS NULL", strconv.Itoa(FullStep)) + " LIMIT ?"
		if err := tx.Raw(gone, FullStep).Scan(&cancelled).Error; err != nil {
			return err
		}
		// Nothing expires that is younger than a delivery may wait, and ids rise with
		// time: so no index by expires_at is needed, which every claim would pay for.
		oldest := database.LowestID(models.PrefixDelivery, p.clock.Now().Add(-WaitLimit+clockMargin))
		late := "SELECT delivery_id FROM delivery_work WHERE delivery_id < ? AND lease_until IS NULL AND expires_at <= " + p.db.Dialect.Now(p.clock) + " LIMIT ?"
		if err := tx.Raw(late, oldest, FullStep).Scan(&expired).Error; err != nil {
			return err
		}
		ended = len(cancelled) + len(expired)
		if err := p.EndDeliveries(tx, cancelled, models.Cancelled, ""); err != nil {
			return err
		}
		return p.EndDeliveries(tx, expired, models.Failed, webhook.CauseExpired)
	})
	if err != nil {
		return 0, fmt.Errorf("ending what waited: %w", err)
	}
	return ended, nil
}

// EndDeliveriesTo ends up to FullStep deliveries that wait for some endpoints, in
// the transaction of the change. It leaves deliveries in flight to their
// attempts. It fails if the database does.
func (p *Engine) EndDeliveriesTo(tx *database.Tx, endpointIDs []string, state models.State, cause webhook.Cause) error {
	var ids []string
	err := tx.Model(&models.Work{}).Where("endpoint_id IN ? AND lease_until IS NULL", endpointIDs).Limit(FullStep).Pluck("delivery_id", &ids).Error
	if err != nil {
		return err
	}
	return p.EndDeliveries(tx, ids, state, cause)
}

// EndDeliveries ends deliveries that are not in flight. A delivery that had ended
// before, and waited for a resend, keeps its state.
func (p *Engine) EndDeliveries(tx *database.Tx, ids []string, state models.State, cause webhook.Cause) error {
	ids, err := p.lockWaiting(tx, ids)
	if err != nil || len(ids) == 0 {
		return err
	}
	if err := tx.Where("delivery_id IN ?", ids).Delete(&models.Work{}).Error; err != nil {
		return err
	}
	if err := p.countEnded(tx, ids, state); err != nil {
		return err
	}
	change := map[string]any{"state": state, "ended_at": p.clock.Now()}
	if cause != "" {
		change["last_cause"] = cause
	}
	done := tx.Model(&models.Delivery{}).Where("id IN ? AND ended_at IS NULL", ids).Updates(change)
	if done.Error != nil {
		return done.Error
	}
	p.Noted(tx).CountEnded(state, cause, int(done.RowsAffected))
	return AddUndelivered(tx.DB, ids)
}

// countEnded counts deliveries that are about to fail without another attempt.
func (p *Engine) countEnded(tx *database.Tx, ids []string, state models.State) error {
	if state != models.Failed {
		return nil
	}
	var open []models.Delivery
	if err := tx.Select("organization_id", "endpoint_id").Where("id IN ? AND ended_at IS NULL", ids).Find(&open).Error; err != nil {
		return err
	}
	counted := traffic{}
	for _, d := range open {
		counted.at(d.OrganizationID, d.EndpointID, p.clock.Now()).Failed++
	}
	return counted.save(tx.DB, p.clock)
}
