package database

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
)

// Pooler is what stands between this program and Postgres.
type Pooler string

// The kinds of pooler. PoolerAuto asks each connection. PoolerNone is none, or
// one that gives a connection one session for as long as it lasts.
// PoolerTransaction is one that gives each transaction another session.
const (
	PoolerAuto        Pooler = "auto"
	PoolerNone        Pooler = "none"
	PoolerTransaction Pooler = "transaction"
)

const (
	// idleInTransaction is how long a process that stands still keeps its locks.
	idleInTransaction = 30 * time.Second
	// usualConnections is how many connections a process opens where the server
	// grants enough of them.
	usualConnections = 20
	// LeastConnections is how few a process works well with, so that what waits for
	// the disk doesn't hold up everything else. With fewer it works slowly.
	LeastConnections = 3
	// commandConnections are left to commands before processes share the rest.
	commandConnections = 3
	// migrateConnections is how many migrations take at once.
	migrateConnections = 2
	// idleFor is how long a connection that nobody uses is kept, so that commands
	// and other processes find room while this one has little to do.
	idleFor = 10 * time.Second
	// execMode names, in a database's URL, the way in which statements run.
	execMode = "default_query_exec_mode"
)

var idleLimit = "idle_in_transaction_session_timeout = " + strconv.FormatInt(idleInTransaction.Milliseconds(), 10)

// postgresDialector is GORM's, on a pool of ours.
type postgresDialector struct{ *postgres.Dialector }

// Translate sees every error of a query.
func (d postgresDialector) Translate(err error) error {
	if told := Outage(err); told != err {
		return told
	}
	return d.Dialector.Translate(err)
}

func (postgresDialect) open(o Options) gorm.Dialector {
	config, err := pgx.ParseConfig(o.DatabaseURL)
	if err != nil {
		return postgres.Open(o.DatabaseURL) // which says what is wrong with it
	}
	pool := &PostgresPool{log: o.Log, most: usualConnections, Chosen: choosesExecMode(o.DatabaseURL)}
	pool.keepsNames = pool.Chosen && config.DefaultQueryExecMode == pgx.QueryExecModeCacheStatement
	if !pool.Chosen {
		// Statements are planned each time: a plan that was kept from when the
		// queue was empty reads all of it once it is long. They have no names, so
		// that a pooler may send each to another session.
		config.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	}
	pool.DB = stdlib.OpenDB(*config, stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		return pool.prepare(ctx, conn, o.Pooler)
	}))
	return postgresDialector{postgres.New(postgres.Config{Conn: pool}).(*postgres.Dialector)}
}

func choosesExecMode(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Query().Has(execMode)
}

// prepare gives a session the settings that the code is written for, if it is
// one that this connection alone has and keeps: behind a pooler they would stay
// with whoever gets it next. A pooler shows by the process id, which it makes up
// for its clients. What is set here holds for statements that are transactions
// by themselves; BeginTx says the same of all others.
func (p *PostgresPool) prepare(ctx context.Context, conn *pgx.Conn, pooler Pooler) error {
	if pooler == PoolerTransaction {
		p.pooled.Store(true)
		return nil
	}
	statement := fmt.Sprintf("SELECT set_config('idle_in_transaction_session_timeout', '%d', false), set_config('default_transaction_isolation', 'read committed', false)",
		idleInTransaction.Milliseconds())
	if pooler != PoolerNone {
		statement += fmt.Sprintf(" WHERE pg_backend_pid() = %d", conn.PgConn().PID())
	}
	results, err := conn.PgConn().Exec(ctx, statement).ReadAll()
	if err != nil {
		_ = conn.Close(ctx) // nobody else does
		return &unprepared{err}
	}
	if len(results[0].Rows) == 0 {
		p.pooled.Store(true)
	}
	return nil
}

// Named returns the way in which a statement runs that is the same each time and has
// one plan however full its tables are: prepared once for each session, where
// sessions last.
func (p *PostgresPool) Named() pgx.QueryExecMode {
	if p.pooled.Load() {
		return pgx.QueryExecModeCacheDescribe
	}
	return pgx.QueryExecModeCacheStatement
}

// Access is how a process reaches its database.
type Access struct {
	Connections int    // it opens at most, once WithinGranted was called
	Granted     int    // the server grants this role, to all of its processes; 0 is not known
	Pooled      bool   // a pooler gives each transaction another session
	Isolation   string // that the database would give to statements by themselves
}

// grantedQuery is how many connections the server grants this role, and what
// isolation a session begins with.
const grantedQuery = `SELECT least(
		CASE WHEN r.rolsuper THEN m.most ELSE m.most - current_setting('superuser_reserved_connections')::int - coalesce(current_setting('reserved_connections', true)::int, 0) END,
		CASE WHEN r.rolsuper OR r.rolconnlimit < 0 THEN m.most ELSE r.rolconnlimit END,
		CASE WHEN r.rolsuper OR d.datconnlimit < 0 THEN m.most ELSE d.datconnlimit END), s.reset_val
	FROM (SELECT current_setting('max_connections')::int AS most) m, pg_roles r, pg_database d, pg_settings s
	WHERE r.rolname = current_user AND d.datname = current_database() AND s.name = 'default_transaction_isolation'`

// negotiate finds out how many connections there may be: as many as was asked for,
// else the usual number, but no more than half of what the server grants without
// what commands need, so that a second process and commands find room. Until
// WithinGranted there may be as many as migrations take. A pooler has limits of
// its own, of which the server knows nothing, and lets wait who goes beyond them.
func (p *PostgresPool) negotiate(ctx context.Context, asked int, pooler Pooler) (Access, error) {
	conn, err := p.acquire(ctx)
	if err != nil {
		return Access{}, Outage(err)
	}
	defer conn.Close()
	var a Access
	if err := conn.QueryRowContext(ctx, grantedQuery).Scan(&a.Granted, &a.Isolation); err != nil {
		return Access{}, Outage(err)
	}
	if a.Pooled, err = p.findPooler(ctx, conn, pooler); err != nil {
		return Access{}, err
	}
	if a.Pooled && p.keepsNames {
		return Access{}, fmt.Errorf("%s=cache_statement needs sessions that last, and a pooler gives each transaction another; leave it out, or choose exec", execMode)
	}
	switch {
	case asked > 0:
		a.Connections = asked
	case a.Pooled:
		a.Connections = usualConnections
	default:
		a.Connections = min(usualConnections, max(1, (a.Granted-commandConnections)/2))
	}
	p.setMost(max(a.Connections, migrateConnections))
	return a, nil
}

func (postgresDialect) configure(ctx context.Context, db *gorm.DB, pool *sql.DB, o Options) (Access, error) {
	pool.SetConnMaxIdleTime(idleFor)
	if err := db.Callback().Query().After("gorm:query").Register("hookwell:unwritable", findNothing); err != nil {
		return Access{}, err
	}
	return db.ConnPool.(*PostgresPool).negotiate(ctx, o.Connections, o.Pooler)
}
