package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"hookwell/models"
	"hookwell/models/database"
)

// successes are the last successes of endpoints that wait to be noted. With many
// endpoints, some of them have an old one in nearly every group that is recorded.
type successes struct {
	mu   sync.Mutex
	last map[string]time.Time
}

func (s *successes) add(some map[string]time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == nil {
		s.last = make(map[string]time.Time, len(some))
	}
	for id, at := range some {
		if at.After(s.last[id]) {
			s.last[id] = at
		}
	}
}

func (s *successes) take() map[string]time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := s.last
	s.last = nil
	return last
}

// FlushSuccesses writes last successes that aren't worth a transaction each. If
// the process dies first, or the write fails, the endpoint's next success makes
// up for it.
func (p *Engine) FlushSuccesses(ctx context.Context) error {
	last := p.successes.take()
	if len(last) == 0 {
		return nil
	}
	ids := slices.Sorted(maps.Keys(last))
	rows := make([][]any, len(ids))
	for i, id := range ids {
		rows[i] = []any{id, last[id]}
	}
	err := p.db.Transaction(ctx, func(tx *database.Tx) error {
		condition, parameter := p.db.Dialect.Among("endpoint_id", ids)
		var locked []models.EndpointState
		query := "SELECT endpoint_id" + p.db.Dialect.LightSettings() + " FROM endpoint_states WHERE " + condition + " ORDER BY endpoint_id " + p.db.Dialect.ForUpdate(false)
		if err := tx.Raw(query, parameter).Find(&locked).Error; err != nil {
			return err
		}
		list, parameters := database.Values(p.db.Dialect, []database.ValueKind{database.TextValue, database.TimeValue}, rows)
		return tx.Exec("WITH v(id, at) AS ("+list+") UPDATE endpoint_states SET last_success_at = v.at FROM v"+
			" WHERE endpoint_id = v.id AND (last_success_at IS NULL OR last_success_at < v.at)", parameters...).Error
	})
	if err != nil {
		return fmt.Errorf("noting successes: %w", err)
	}
	return nil
}
