package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm/clause"

	"hookwell/models"
	"hookwell/models/database"
)

// idempotencyKey remembers which event was accepted under a key.
type idempotencyKey struct {
	OrganizationID string `gorm:"primaryKey"`
	Key            string `gorm:"primaryKey"`
	RequestHash    []byte
	EventID        string
	CreatedAt      time.Time
}

// claimKeys saves the drafts' idempotency keys and returns the drafts that are
// to be written. A key that another transaction holds is waited for; one that
// was used before answers or refuses its draft.
func (p *Engine) claimKeys(tx *database.Tx, drafts []*Draft) ([]*Draft, error) {
	var fresh, keyed []*Draft
	for _, d := range drafts {
		if d.key == "" {
			fresh = append(fresh, d)
		} else {
			keyed = append(keyed, d)
		}
	}
	if len(keyed) == 0 {
		return fresh, nil
	}
	held, err := p.holdKeys(tx, keyed)
	if err != nil {
		return nil, err
	}
	mine := make(map[string]*Draft, len(keyed))
	for _, d := range keyed {
		mine[d.Event.ID] = d
	}
	earlier, err := earlierEvents(tx, held, mine)
	if err != nil {
		return nil, err
	}
	for _, d := range keyed {
		holder := held[keyName{d.Event.OrganizationID, d.key}]
		switch {
		case holder.EventID == d.Event.ID:
			fresh = append(fresh, d)
		case !slices.Equal(holder.RequestHash, d.hash):
			d.refused = models.NewConflict("idempotency_conflict", "This Idempotency-Key was used with another body in the last 24 hours. Use a new key for a new event.")
		case mine[holder.EventID] != nil:
			d.twin = mine[holder.EventID]
		default:
			d.accepted = earlier[holder.EventID]
		}
	}
	return fresh, nil
}

type keyName struct{ organizationID, key string }

func (k *idempotencyKey) name() keyName { return keyName{k.OrganizationID, k.Key} }

// keysOf returns the idempotency keys that drafts ask for, as rows to insert. They
// are in one order everywhere, so that two groups can't wait for each other.
func (p *Engine) keysOf(drafts []*Draft) []*idempotencyKey {
	now := p.clock.Now()
	var rows []*idempotencyKey
	for _, d := range drafts {
		if d.key != "" {
			rows = append(rows, &idempotencyKey{d.Event.OrganizationID, d.key, d.hash, d.Event.ID, now})
		}
	}
	slices.SortStableFunc(rows, func(a, b *idempotencyKey) int {
		return cmp.Or(strings.Compare(a.OrganizationID, b.OrganizationID), strings.Compare(a.Key, b.Key))
	})
	return rows
}

// holdKeys inserts the keys that are free or expired and reads who holds each.
func (p *Engine) holdKeys(tx *database.Tx, drafts []*Draft) (map[keyName]idempotencyKey, error) {
	// Of twins in the same group the first holds the key.
	rows := slices.CompactFunc(p.keysOf(drafts), func(a, b *idempotencyKey) bool { return a.name() == b.name() })
	names := make([][]any, len(rows))
	for i, row := range rows {
		names[i] = []any{row.OrganizationID, row.Key}
	}
	expired := clause.Where{Exprs: []clause.Expression{clause.Lte{Column: clause.Column{Table: "idempotency_keys", Name: "created_at"}, Value: p.clock.Now().Add(-idempotencySpan)}}}
	err := tx.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "organization_id"}, {Name: "key"}},
		DoUpdates: clause.AssignmentColumns([]string{"request_hash", "event_id", "created_at"}), Where: expired}).Create(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("holding idempotency keys: %w", err)
	}
	var saved []idempotencyKey
	if err := tx.Where("(organization_id, key) IN ?", names).Find(&saved).Error; err != nil {
		return nil, fmt.Errorf("reading idempotency keys: %w", err)
	}
	held := make(map[keyName]idempotencyKey, len(saved))
	for _, row := range saved {
		held[row.name()] = row
	}
	return held, nil
}

// earlierEvents returns what was accepted under the keys that others hold.
func earlierEvents(tx *database.Tx, held map[keyName]idempotencyKey, mine map[string]*Draft) (map[string]*models.Accepted, error) {
	var ids []string
	for _, holder := range held {
		if mine[holder.EventID] == nil {
			ids = append(ids, holder.EventID)
		}
	}
	var events []models.Event
	if len(ids) > 0 {
		if err := tx.Select("id", "type", "deliveries").Where("id IN ?", ids).Find(&events).Error; err != nil {
			return nil, fmt.Errorf("reading earlier events: %w", err)
		}
	}
	earlier := make(map[string]*models.Accepted, len(events))
	for _, e := range events {
		earlier[e.ID] = &models.Accepted{ID: e.ID, Type: e.Type, Deliveries: e.Deliveries, Replayed: true}
	}
	if len(earlier) < len(ids) {
		return nil, errors.New("an event under an idempotency key is missing")
	}
	return earlier, nil
}

// PruneIdempotencyKeys deletes expired keys.
func (p *Engine) PruneIdempotencyKeys(ctx context.Context) error {
	return p.db.WithContext(ctx).Where("created_at <= ?", p.clock.Now().Add(-idempotencySpan)).Delete(&idempotencyKey{}).Error
}
