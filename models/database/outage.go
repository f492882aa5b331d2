package database

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/glebarez/go-sqlite"
	"github.com/jackc/pgx/v5/pgconn"

	"hookwell/models"
)

// How long whoever was refused for want of the database is asked to wait.
const (
	awayRetry = 5 * time.Second
	busyRetry = 2 * time.Second
)

func databaseAway(cause error) error {
	return &models.Error{Kind: models.Unavailable, Code: "database_away", Message: "The database can’t be reached right now. Try again in a moment.", RetryAfter: awayRetry, Cause: cause}
}

func databaseBusy(cause error) error {
	return &models.Error{Kind: models.Unavailable, Code: models.CodeDatabaseBusy, Message: "The database has no connection free. Try again in a moment.", RetryAfter: busyRetry, Cause: cause}
}

// Outage makes an error that speaks against the database, and not against what
// was asked of it, one of kind Unavailable. It returns any other as it is.
func Outage(err error) error {
	var known *models.Error
	switch {
	case err == nil, errors.As(err, &known):
		return err
	case crowded(err), locked(err):
		return databaseBusy(err)
	}
	if refused := refusalOf(err); refused != nil {
		return databaseAway(refused)
	}
	if away(err) {
		return databaseAway(err)
	}
	return err
}

// Refused reports whether the database was reached and refuses connections until
// somebody changes a setting.
func Refused(err error) bool {
	var refused *refusal
	return errors.As(err, &refused)
}

// What Postgres refuses with while it takes no connection, or no further one.
const (
	tooManyConnections = "53300"
	limitExceeded      = "53400"
	cannotConnectNow   = "57P03"
)

// crowded reports whether the database was reached and granted no connection.
func crowded(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && ends(pg) && (pg.Code == tooManyConnections || pg.Code == limitExceeded || fromPooler(pg))
}

// poolerCrowded are what PgBouncer says when it has no connection free: of its
// own limits (max_client_conn, query_wait_timeout), of a server that it tries
// again later, or in Postgres's words.
var poolerCrowded = []string{"max_client_conn", "no more connections allowed", "client connections exceeded", "query_wait_timeout", "server_login_retry",
	"too many clients already", "too many connections for", "remaining connection slots"}

// fromPooler reports whether PgBouncer ended a connection because none is free.
// With server_login_retry newer versions repeat what the server refused, which
// may be for another reason.
func fromPooler(pg *pgconn.PgError) bool {
	return pg.Code == protocolViolation && !strings.Contains(pg.Message, "authentication failed") && !strings.Contains(pg.Message, "does not exist") &&
		slices.ContainsFunc(poolerCrowded, func(text string) bool { return strings.Contains(pg.Message, text) })
}

// ends reports whether a fault ended the connection. PgBouncer says so in one field
// alone, which Postgres translates.
func ends(pg *pgconn.PgError) bool {
	return pg.SeverityUnlocalized == "FATAL" || pg.Severity == "FATAL"
}

// away reports whether the connection to the database failed, or was ended by a
// server that stops, starts or crashed.
func away(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		// Class 57P: stopping, crashed, starting, dropped. Class 08: the connection failed.
		return strings.HasPrefix(pg.Code, "57P") || strings.HasPrefix(pg.Code, "08") && ends(pg)
	}
	var connecting *pgconn.ConnectError
	var network *net.OpError
	return errors.As(err, &connecting) || errors.As(err, &network) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
}

// sqliteBusy and sqliteLocked are SQLite's primary result codes for a file that
// somebody else writes to for too long.
const (
	sqliteBusy   = 5
	sqliteLocked = 6
)

// locked reports whether SQLite waited for its file in vain.
func locked(err error) bool {
	var lite *sqlite.Error
	if !errors.As(err, &lite) {
		return false
	}
	primary := lite.Code() & 0xff
	return primary == sqliteBusy || primary == sqliteLocked
}

// unprepared is a connection that ended before anything was asked of it.
type unprepared struct{ cause error }

// Error returns what was done, and the cause.
func (u *unprepared) Error() string { return "preparing a connection: " + u.cause.Error() }

// Unwrap returns the cause.
func (u *unprepared) Unwrap() error { return u.cause }

// notGranted reports whether no connection came about, so that nothing was run,
// for a reason that passes.
func notGranted(err error) bool {
	var connecting *pgconn.ConnectError
	var prepared *unprepared
	var pg *pgconn.PgError
	return (errors.As(err, &connecting) || errors.As(err, &prepared)) && errors.As(err, &pg) && (crowded(err) || pg.Code == cannotConnectNow)
}

// runsAgain reports whether a transaction, or a statement that is one by itself,
// was rolled back whole for what others did at the same moment, and may succeed
// when it is begun anew: a serialization failure, a deadlock, or a plan from
// before a migration.
func runsAgain(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01" || pg.Code == "0A000" && strings.HasPrefix(pg.Message, "cached plan"))
}

// LockNotAvailable reports whether a lock was waited for as long as lock_timeout allows.
func LockNotAvailable(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "55P03"
}

// KeyTaken reports whether Postgres refused a row because another one has its key.
// Queries by GORM fail with gorm.ErrDuplicatedKey instead.
func KeyTaken(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23505"
}
