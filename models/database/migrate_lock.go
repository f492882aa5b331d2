package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

const (
	// lockLook is how often a process looks whether another one has migrated.
	lockLook = time.Second
	// lockLooks is how often it looks before it gives up.
	lockLooks = 300
)

// migrationLock lets one process migrate at a time. The lock is held by a
// transaction of its own, on a connection beside that of the migrations: a lock
// of the session would be left on whichever session a pooler gave it. It is
// asked for again and again and not waited for, since an index that is built
// beside running work waits for whoever waits.
type migrationLock struct {
	pool *sql.DB
	held *sql.Tx
}

// SessionLock returns once the lock is held. It fails when ctx ends and, after
// five minutes, when another process still has it.
func (l *migrationLock) SessionLock(ctx context.Context, _ *sql.Conn) error {
	for range lockLooks {
		tx, err := l.try(ctx)
		if err != nil {
			return fmt.Errorf("locking the migrations: %w", err)
		}
		if tx != nil {
			l.held = tx
			return nil
		}
		select {
		case <-time.After(lockLook):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return errors.New("locking the migrations: another process has migrated for five minutes; wait for it, or end it")
}

// try returns the transaction that holds the lock, or nil where another one does.
func (l *migrationLock) try(ctx context.Context) (*sql.Tx, error) {
	tx, err := l.pool.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return nil, err
	}
	var free bool
	err = tx.QueryRowContext(ctx, "SELECT pg_try_advisory_xact_lock("+lockKey("$1")+")", migrateLock).Scan(&free)
	if err == nil && free {
		_, err = tx.ExecContext(ctx, "SET LOCAL idle_in_transaction_session_timeout = 0") // however long they take
	}
	if err != nil || !free {
		return nil, errors.Join(err, tx.Rollback())
	}
	return tx, nil
}

// SessionUnlock lets the next process migrate.
func (l *migrationLock) SessionUnlock(context.Context, *sql.Conn) error {
	if err := l.held.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) {
		return fmt.Errorf("unlocking the migrations: %w", err)
	}
	return nil
}
