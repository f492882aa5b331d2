package store

import (
	"context"
	"fmt"

	"hookwell/models/database"
	"hookwell/models/pipeline"
)

// spend spends at once, before what is paid for is done. Whoever finds that it
// could not be done takes it back by refund.
func (s *Store) spend(ctx context.Context, all ...pipeline.Spending) error {
	return s.db.Transaction(ctx, func(tx *database.Tx) error { return s.engine.SpendIn(tx, all...) })
}

// refund takes the newest spending of each back, even though the request may
// have ended.
func (s *Store) refund(ctx context.Context, all ...pipeline.Spending) error {
	return s.db.Transaction(context.WithoutCancel(ctx), func(tx *database.Tx) error {
		now := s.clock.Now()
		rows, err := pipeline.LockBudgets(tx, all, now)
		if err != nil {
			return err
		}
		for i, each := range all {
			if err := rows[i].Refund(tx, each.Budget.Span, now); err != nil {
				return fmt.Errorf("refunding: %w", err)
			}
		}
		return nil
	})
}
