package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/stdlib"
)

// sessionTries is how often a session that two connections share is looked for.
const sessionTries = 8

// errSharedSessions is of a pooler that was said to be none.
var errSharedSessions = errors.New("a pooler gives each transaction another session, but HOOKWELL_DATABASE_POOLER is none; leave it out or set it to transaction, or use the pooler's session mode")

// findPooler reports whether a pooler gives each transaction another session. It
// fails where that is against what was set, and where a pooler gives each
// statement another session: then there are no transactions.
func (p *PostgresPool) findPooler(ctx context.Context, conn *sql.Conn, pooler Pooler) (bool, error) {
	pooled := p.pooled.Load()
	if !pooled && pooler != PoolerNone {
		return false, nil
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err == nil {
		err = tx.Rollback()
	}
	if err != nil {
		return false, withoutTransactions(err)
	}
	if pooled {
		return true, nil
	}
	shared, err := p.sharesSessions(ctx, conn)
	if err != nil {
		return false, Outage(err)
	}
	if shared {
		return false, errSharedSessions
	}
	return false, nil
}

// withoutTransactions says which mode of a pooler it is that ends a connection
// because it began a transaction. Whatever code it says so with, it is one that
// the transaction before it was not refused with.
func withoutTransactions(err error) error {
	if told := Outage(err); told == err {
		return err
	}
	return fmt.Errorf("a pooler ends connections that begin a transaction, as in its statement mode (pool_mode = statement); set it to transaction or session mode: %w", err)
}

// sharesSessions reports whether connections share sessions: the one that this
// connection had a moment ago is another's in its transaction, or this connection
// has several. A pooler in session mode makes process ids up as well, but
// gives each connection one session.
func (p *PostgresPool) sharesSessions(ctx context.Context, conn *sql.Conn) (bool, error) {
	first, err := backend(ctx, conn)
	if err != nil {
		return false, err
	}
	if direct, err := announced(conn); err != nil || direct == first {
		return false, err
	}
	other, err := p.acquire(ctx)
	if err != nil {
		return false, err
	}
	defer other.Close()
	for range sessionTries {
		own, err := backend(ctx, conn)
		if err != nil || own != first {
			return err == nil, err
		}
		tx, err := other.BeginTx(ctx, nil)
		if err != nil {
			return false, err
		}
		theirs, err := backend(ctx, tx)
		if err == nil {
			own, err = backend(ctx, conn)
		}
		if err := errors.Join(err, tx.Rollback()); err != nil || theirs == first || own != first {
			return err == nil, err
		}
	}
	return false, nil
}

// backend is the id of the process that runs a statement.
func backend(ctx context.Context, on interface {
	QueryRowContext(ctx context.Context, query string, arguments ...any) *sql.Row
}) (pid uint32, err error) {
	err = on.QueryRowContext(ctx, "SELECT pg_backend_pid()").Scan(&pid)
	return pid, err
}

// announced returns the id of the process that the connection was told at its start.
func announced(conn *sql.Conn) (pid uint32, err error) {
	err = conn.Raw(func(driver any) error {
		pid = driver.(*stdlib.Conn).Conn().PgConn().PID()
		return nil
	})
	return pid, err
}
