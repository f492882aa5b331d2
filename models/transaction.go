package models

import (
	"context"
	"time"

	"gorm.io/gorm"
)

// transact runs fn in one transaction; an error rolls all of it back. What fn
// notes happens after the commit.
//
// Should a day have no partition, because the clock ran ahead of the job that
// makes them, they are made and fn runs again; and so it does when it was chosen
// to end a deadlock, or could not be told apart in time from what others did. It
// must not add to what lies outside of it.
func (s *Store) transact(ctx context.Context, fn func(tx *Tx) error) (err error) {
	for range transactionTries {
		err = s.withPartitions(ctx, func() error { return s.attempt(ctx, fn) })
		if !runsAgain(err) || ctx.Err() != nil {
			return err
		}
		s.log.Warn("a transaction stood in the way of others and runs again", "error", err)
	}
	return databaseBusy(err)
}

// transactionTries is how often a transaction is begun that others' work ends.
const transactionTries = 5

// withPartitions does something once more with partitions made, if one was missing.
func (s *Store) withPartitions(ctx context.Context, do func() error) error {
	err := do()
	if !noPartition(err) {
		return err
	}
	if err := s.MakePartitions(ctx); err != nil {
		return err
	}
	// Ids keep rising when the clock is set back, so their day may lie ahead of today.
	if newest := s.clock.lastID(); newest.After(s.clock.Now()) {
		if err := s.dialect.makePartitions(ctx, s.db, newest, newest.AddDate(0, 0, 1)); err != nil {
			return begun("making partitions", err)
		}
	}
	return do()
}

func (s *Store) attempt(ctx context.Context, fn func(tx *Tx) error) error {
	var tx *Tx
	do := func() error {
		return s.db.WithContext(ctx).Transaction(func(on *gorm.DB) error {
			tx = &Tx{DB: on, readNow: s.readNow}
			return fn(tx)
		})
	}
	if err := s.inTurn(ctx, do); err != nil {
		return s.noteStorage(err)
	}
	tx.committed()
	return nil
}

func (s *Store) readNow(tx *Tx) (time.Time, error) { return s.dialect.readNow(tx.DB, s.clock) }

// inTurn does something once all that came before it is done, on SQLite.
func (s *Store) inTurn(ctx context.Context, do func() error) error {
	if s.writing == nil {
		return do()
	}
	select {
	case s.writing <- struct{}{}:
		defer func() { <-s.writing }()
		return do()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// wake hands due deliveries on, once their rows are committed.
func (s *Store) wake(woken []Woken) {
	if s.waker != nil && len(woken) > 0 {
		s.waker.Wake(woken)
	}
}
