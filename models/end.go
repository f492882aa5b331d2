package models

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"hookwell/webhook"
)

// clockMargin is by how much the clock that ids are made by may differ from the
// database's until what expires is found late.
const clockMargin = time.Hour

// EndWaiting ends, in one step, deliveries that can't go on: those of deleted
// endpoints are cancelled, and what has waited too long fails as expired. It
// answers how many; call it again when the step was full.
func (s *Store) EndWaiting(ctx context.Context) (int, error) {
	var ended int
	err := s.transact(ctx, func(tx *Tx) error {
		var cancelled, expired []string
		gone := visitedQuery + `lanes AS (SELECT e.id AS endpoint_id FROM visited v JOIN endpoints e ON e.id = v.endpoint_id WHERE e.deleted_at IS NOT NULL)
			SELECT w.delivery_id FROM ` + s.dialect.perLane("w.lease_until IS NULL", strconv.Itoa(FullStep)) + " LIMIT ?"
		if err := tx.Raw(gone, FullStep).Scan(&cancelled).Error; err != nil {
			return err
		}
		// Nothing expires that is younger than a delivery may wait, and ids rise with
		// time: so no index by expires_at is needed, which every claim would pay for.
		oldest := lowestID(PrefixDelivery, s.clock.Now().Add(-waitLimit+clockMargin))
		late := "SELECT delivery_id FROM delivery_work WHERE delivery_id < ? AND lease_until IS NULL AND expires_at <= " + s.dialect.now(s.clock) + " LIMIT ?"
		if err := tx.Raw(late, oldest, FullStep).Scan(&expired).Error; err != nil {
			return err
		}
		ended = len(cancelled) + len(expired)
		if err := s.endRows(tx, cancelled, Cancelled, ""); err != nil {
			return err
		}
		return s.endRows(tx, expired, Failed, webhook.CauseExpired)
	})
	if err != nil {
		return 0, fmt.Errorf("ending what waited: %w", err)
	}
	return ended, nil
}

// endWaiting ends what waits for some endpoints, as far as one step goes.
func (s *Store) endWaiting(tx *Tx, endpointIDs []string, state State, cause webhook.Cause) error {
	var ids []string
	err := tx.Model(&Work{}).Where("endpoint_id IN ? AND lease_until IS NULL", endpointIDs).Limit(FullStep).Pluck("delivery_id", &ids).Error
	if err != nil {
		return err
	}
	return s.endRows(tx, ids, state, cause)
}

// endRows ends deliveries that are not in flight. One that had ended before,
// and waited for a resend, keeps its state.
func (s *Store) endRows(tx *Tx, ids []string, state State, cause webhook.Cause) error {
	ids, err := s.lockWaiting(tx, ids)
	if err != nil || len(ids) == 0 {
		return err
	}
	if err := tx.Where("delivery_id IN ?", ids).Delete(&Work{}).Error; err != nil {
		return err
	}
	if err := s.countEnded(tx, ids, state); err != nil {
		return err
	}
	change := map[string]any{"state": state, "ended_at": s.clock.Now()}
	if cause != "" {
		change["last_cause"] = cause
	}
	done := tx.Model(&Delivery{}).Where("id IN ? AND ended_at IS NULL", ids).Updates(change)
	if done.Error != nil {
		return done.Error
	}
	s.noted(tx).end(state, cause, int(done.RowsAffected))
	return noteUndelivered(tx.DB, ids)
}

// countEnded counts deliveries that are about to fail without another attempt.
func (s *Store) countEnded(tx *Tx, ids []string, state State) error {
	if state != Failed {
		return nil
	}
	var open []Delivery
	if err := tx.Select("organization_id", "endpoint_id").Where("id IN ? AND ended_at IS NULL", ids).Find(&open).Error; err != nil {
		return err
	}
	counted := traffic{}
	for _, d := range open {
		counted.at(d.OrganizationID, d.EndpointID, s.clock.Now()).Failed++
	}
	return counted.save(tx.DB, s.clock)
}
