package database

import (
	"context"
	"database/sql"
	value "database/sql/driver"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	driver "github.com/glebarez/go-sqlite"
	"github.com/glebarez/sqlite"
	"gorm.io/gorm"
)

type sqliteDialect struct{}

func (sqliteDialect) open(o Options) gorm.Dialector {
	// Immediate transactions: a writer waits for its turn at the start instead
	// of failing in the middle. Synchronous FULL: a commit is on the disk.
	return sqliteDialector{sqlite.Open((&url.URL{Scheme: "file", Opaque: url.PathEscape(o.SQLitePath), RawQuery: url.Values{
		"_txlock": {"immediate"},
		"_pragma": {"busy_timeout(30000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)", fmt.Sprintf("cache_size(-%d)", sqliteCache)},
	}.Encode()}).String()).(*sqlite.Dialector)}
}

// sqliteDialector is GORM's.
type sqliteDialector struct{ *sqlite.Dialector }

// Translate sees every error of a query.
func (d sqliteDialector) Translate(err error) error {
	if told := Outage(err); told != err {
		return told
	}
	return d.Dialector.Translate(err)
}

const (
	// sqliteConnections is how many connections to the file there may be.
	sqliteConnections = 8
	// sqliteCache is how much of the file each of them keeps in memory, in KiB. It
	// is SQLite's own default.
	sqliteCache = 2000
	// SQLiteMemory is how many bytes SQLite takes past the Go runtime: the allocator
	// rounds a page of 4 KiB and what is known of it up to 8 KiB.
	SQLiteMemory = sqliteConnections * sqliteCache << 10 * 2
)

func (sqliteDialect) configure(_ context.Context, _ *gorm.DB, pool *sql.DB, _ Options) (Access, error) {
	pool.SetMaxOpenConns(sqliteConnections)
	pool.SetMaxIdleConns(sqliteConnections)
	return Access{Connections: sqliteConnections}, nil
}

// sqliteTime is how the driver writes a time; it sorts as text.
const sqliteTime = "2006-01-02 15:04:05.999999999-07:00"

// Now is our own clock: SQLite's is that of the process.
func (sqliteDialect) Now(c *Clock) string { return "'" + c.Now().Format(sqliteTime) + "'" }

// NowMicros implements Dialect.
func (sqliteDialect) NowMicros(c *Clock) string { return strconv.FormatInt(c.Now().UnixMicro(), 10) }

// Micros implements Dialect.
func (sqliteDialect) Micros(at, before string) string {
	return fmt.Sprintf("CAST((julianday(%s) - julianday(%s)) * 86400000000 AS integer)", at, before)
}

func (sqliteDialect) readNow(_ *gorm.DB, c *Clock) (time.Time, error) { return c.Now(), nil }

// SecondsAfter implements Dialect.
func (sqliteDialect) SecondsAfter(at, seconds string) string {
	return fmt.Sprintf("strftime('%%Y-%%m-%%d %%H:%%M:%%f+00:00', %s, '+' || (%s) || ' seconds')", at, seconds)
}

// foldFunction is lower() of every letter: SQLite's knows those of ASCII.
const foldFunction = "hookwell_fold"

// The driver has one list of functions for all its connections.
func init() {
	driver.MustRegisterDeterministicScalarFunction(foldFunction, 1, func(_ *driver.FunctionContext, args []value.Value) (value.Value, error) {
		if text, ok := args[0].(string); ok {
			return strings.ToLower(text), nil
		}
		return args[0], nil
	})
}

// Fold implements Dialect.
func (sqliteDialect) Fold(text string) string { return foldFunction + "(" + text + ")" }

// Contains implements Dialect.
func (d sqliteDialect) Contains(text, part string) string {
	return fmt.Sprintf("instr(%s, %s) > 0", d.Fold(text), d.Fold(part))
}

// In implements Dialect.
func (sqliteDialect) In(query string) string { return "IN (" + query + ")" }

// Least implements Dialect.
func (sqliteDialect) Least(a, b string) string { return fmt.Sprintf("min(%s, %s)", a, b) }

// ForUpdate is empty: an immediate transaction already holds the only lock.
func (sqliteDialect) ForUpdate(bool) string { return "" }

// ForShare is empty, as ForUpdate.
func (sqliteDialect) ForShare() string { return "" }

// IsPostgres implements Dialect.
func (sqliteDialect) IsPostgres() bool { return false }

// GroupWeight is small, since all others wait for the one writer.
func (sqliteDialect) GroupWeight() int { return 50 }

// LightSettings implements Dialect.
func (sqliteDialect) LightSettings() string { return "" }

// LockOnly implements Dialect.
func (sqliteDialect) LockOnly(string) string { return "" }

// Share has nothing to do, as Serialize.
func (sqliteDialect) Share(int64) string { return "" }

// Serialize has nothing to do: immediate transactions already take turns.
func (sqliteDialect) Serialize(*gorm.DB, int64) error { return nil }

// TrySerialize implements Dialect.
func (sqliteDialect) TrySerialize(*gorm.DB, int64) (bool, error) { return true, nil }

// PerLane implements Dialect.
func (sqliteDialect) PerLane(condition, most string) string {
	return fmt.Sprintf(`lanes JOIN delivery_work w ON w.delivery_id IN (
		SELECT w.delivery_id FROM delivery_work w WHERE w.endpoint_id = lanes.endpoint_id AND %s
		ORDER BY w.priority, w.wake_at LIMIT %s)`, condition, most)
}

func (sqliteDialect) makePartitions(context.Context, *gorm.DB, time.Time, time.Time) error {
	return nil
}
