package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"gorm.io/gorm"
)

const (
	// acquireLimit is how long a statement or a transaction waits for a connection.
	acquireLimit = 10 * time.Second
	// statementTries is how often a statement is begun that others' work rolls back.
	statementTries = 5
	// narrowFor is how long a pool that was refused a connection asks for no more
	// than it had.
	narrowFor = 10 * time.Second
)

// PostgresPool is GORM's way to Postgres. It waits for a connection, for a
// bounded time, where the server grants no more of them; begins transactions in
// the isolation that the code is written for; and runs a statement again that
// is a transaction by itself and was rolled back for what others did.
type PostgresPool struct {
	*sql.DB
	log *slog.Logger
	// most is how many connections there may be.
	most int
	// pooled is set once a connection turned out to lead through a pooler that
	// gives each transaction another session.
	pooled atomic.Bool
	// chosen tells that the database's URL names the way in which statements run.
	Chosen bool
	// keepsNames tells that it names a way that needs sessions which last.
	keepsNames bool

	mu     sync.Mutex
	widens *time.Timer // not nil while the pool asks for fewer connections
}

// setMost sets how many connections there may be.
func (p *PostgresPool) setMost(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.most = n
	p.SetMaxOpenConns(n)
	p.SetMaxIdleConns(n)
}

// acquire waits for a connection of the pool, while the server refuses one too:
// then until one is free that it has granted, or until it grants another.
func (p *PostgresPool) acquire(ctx context.Context) (*sql.Conn, error) {
	limited, cancel := context.WithTimeout(ctx, acquireLimit)
	defer cancel()
	var refused error
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, time.Second/2) {
		conn, err := p.Conn(limited)
		switch {
		case err == nil:
			return conn, nil
		case errors.Is(ctx.Err(), context.DeadlineExceeded) && refused != nil:
			return nil, databaseBusy(errors.Join(ctx.Err(), refused))
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case limited.Err() != nil:
			return nil, databaseBusy(errors.Join(err, refused))
		case !notGranted(err):
			return nil, err
		}
		refused = err
		p.narrow(err)
		select {
		case <-time.After(pause):
		case <-limited.Done():
		}
	}
}

// narrow has the pool ask for no more connections than it has at this moment,
// so that who needs one waits for one of those. After a while it asks again.
func (p *PostgresPool) narrow(refused error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.SetMaxOpenConns(min(p.most, max(1, p.Stats().OpenConnections)))
	if p.widens != nil {
		p.widens.Reset(narrowFor)
		return
	}
	p.log.Warn("the database grants no further connection; waiting for those that there are", "most", p.most, "error", refused)
	p.widens = time.AfterFunc(narrowFor, p.widen)
}

func (p *PostgresPool) widen() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.widens = nil
	p.SetMaxOpenConns(p.most)
}

// close ends what the pool has begun beside its connections.
func (p *PostgresPool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.widens != nil {
		p.widens.Stop()
	}
}

// GetDBConn gives GORM the pool itself.
func (p *PostgresPool) GetDBConn() (*sql.DB, error) { return p.DB, nil }

// connections is the pool, or one connection of it.
type connections interface {
	gorm.TxBeginner
	ExecContext(ctx context.Context, query string, arguments ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, arguments ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, arguments ...any) *sql.Row
}

// BeginTx begins a transaction that sees what others commit meanwhile, whatever
// the database's default is: locks, counts and retries are written for that.
func (p *PostgresPool) BeginTx(ctx context.Context, options *sql.TxOptions) (tx *sql.Tx, err error) {
	isolated := sql.TxOptions{Isolation: sql.LevelReadCommitted}
	if options != nil {
		isolated.ReadOnly = options.ReadOnly
	}
	err = p.again(ctx, func(on connections) error {
		if tx, err = on.BeginTx(ctx, &isolated); err != nil || !p.pooled.Load() {
			return err
		}
		if _, err = tx.ExecContext(ctx, "SET LOCAL "+idleLimit); err != nil {
			_ = tx.Rollback() // the first fault says more
		}
		return err
	})
	return tx, err
}

// ExecContext runs a statement that is a transaction by itself.
func (p *PostgresPool) ExecContext(ctx context.Context, query string, arguments ...any) (result sql.Result, err error) {
	err = p.again(ctx, func(on connections) error {
		result, err = on.ExecContext(ctx, query, arguments...)
		return err
	})
	return result, err
}

// QueryContext runs a query that is a transaction by itself.
func (p *PostgresPool) QueryContext(ctx context.Context, query string, arguments ...any) (rows *sql.Rows, err error) {
	err = p.again(ctx, func(on connections) error {
		rows, err = on.QueryContext(ctx, query, arguments...)
		return err
	})
	return rows, err
}

// QueryRowContext runs a query of one row that is a transaction by itself. Its
// row says that it took too long where no connection was to be had.
func (p *PostgresPool) QueryRowContext(ctx context.Context, query string, arguments ...any) (row *sql.Row) {
	_ = p.again(ctx, func(on connections) error {
		row = on.QueryRowContext(ctx, query, arguments...)
		return row.Err()
	}) // which the row has, if there is one
	if row == nil {
		late, cancel := context.WithTimeout(ctx, 0)
		defer cancel()
		row = p.DB.QueryRowContext(late, query, arguments...)
	}
	return row
}

// again does something on a connection, and once more when it was rolled back
// whole for what others did.
func (p *PostgresPool) again(ctx context.Context, do func(connections) error) error {
	for try := 1; ; try++ {
		err := p.once(ctx, do)
		if err == nil || ctx.Err() != nil {
			return err
		}
		if !runsAgain(err) || try == statementTries {
			return Outage(err)
		}
	}
}

// once does something on a connection of the pool. Where that has none free, it
// waits for one by itself, since the pool would wait for as long as ctx lasts.
func (p *PostgresPool) once(ctx context.Context, do func(connections) error) error {
	if now := p.Stats(); now.InUse < now.MaxOpenConnections {
		err := do(p.DB)
		if !notGranted(err) {
			return err
		}
		p.narrow(err)
	}
	for gone := 0; ; gone++ {
		conn, err := p.acquire(ctx)
		if err != nil {
			return err
		}
		err = do(conn)
		go conn.Close() // waits until rows or the transaction that came of it end
		if !errors.Is(err, driver.ErrBadConn) || gone == p.most {
			return err
		}
	}
}
