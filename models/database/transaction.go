package database

import (
	"context"
	"time"

	"gorm.io/gorm"
)

// Transaction runs fn in one transaction; an error rolls all of it back. What fn
// notes happens after the commit.
//
// Should a day have no partition, because the clock ran ahead of the job that
// makes them, they are made and fn runs again; and so it does when it was chosen
// to end a deadlock, or could not be told apart in time from what others did. It
// must not add to what lies outside of it.
func (db *DB) Transaction(ctx context.Context, fn func(tx *Tx) error) (err error) {
	for range transactionTries {
		err = db.WithPartitions(ctx, func() error { return db.attempt(ctx, fn) })
		if !runsAgain(err) || ctx.Err() != nil {
			return err
		}
		db.log.Warn("a transaction stood in the way of others and runs again", "error", err)
	}
	return databaseBusy(err)
}

// transactionTries is how often a transaction is begun that others' work ends.
const transactionTries = 5

// WithPartitions does something once more with partitions made, if one was missing.
func (db *DB) WithPartitions(ctx context.Context, do func() error) error {
	err := do()
	if !noPartition(err) {
		return err
	}
	if err := db.MakePartitions(ctx); err != nil {
		return err
	}
	// Ids keep rising when the clock is set back, so their day may lie ahead of today.
	if newest := db.clock.lastID(); newest.After(db.clock.Now()) {
		if err := db.Dialect.makePartitions(ctx, db.DB, newest, newest.AddDate(0, 0, 1)); err != nil {
			return begun("making partitions", err)
		}
	}
	return do()
}

func (db *DB) attempt(ctx context.Context, fn func(tx *Tx) error) error {
	var tx *Tx
	do := func() error {
		return db.DB.WithContext(ctx).Transaction(func(on *gorm.DB) error {
			tx = &Tx{DB: on, readNow: db.readNow}
			return fn(tx)
		})
	}
	if err := db.inTurn(ctx, do); err != nil {
		return db.NoteStorage(err)
	}
	tx.committed()
	return nil
}

func (db *DB) readNow(tx *Tx) (time.Time, error) { return db.Dialect.readNow(tx.DB, db.clock) }

// inTurn does something once all that came before it is done, on SQLite.
func (db *DB) inTurn(ctx context.Context, do func() error) error {
	if db.writing == nil {
		return do()
	}
	select {
	case db.writing <- struct{}{}:
		defer func() { <-db.writing }()
		return do()
	case <-ctx.Done():
		return ctx.Err()
	}
}
