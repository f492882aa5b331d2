package database

import (
	"context"
	"database/sql"
	"reflect"
	"time"

	"github.com/pressly/goose/v3"
	"gorm.io/gorm"
)

// Dialect is what the two databases do differently. Everything else is plain
// GORM, or SQL that both understand.
type Dialect interface {
	open(o Options) gorm.Dialector
	// configure sets the pool's limits and says how the database is reached. It
	// fails when it can't be.
	configure(ctx context.Context, db *gorm.DB, pool *sql.DB, o Options) (Access, error)
	migrator(pool *sql.DB) (*goose.Provider, error)
	// GroupWeight is how many deliveries one transaction writes at most. An event
	// that has more is written in slices of as many, so that the others wait for
	// some milliseconds alone.
	GroupWeight() int
	// IsPostgres reports whether the engine and its loader write statements for Postgres.
	IsPostgres() bool

	// Now is the database's clock, as SQL, moved by what a test has moved ours.
	Now(c *Clock) string
	// NowMicros is the same in Unix microseconds.
	NowMicros(c *Clock) string
	// Micros is by how many microseconds one time is after another.
	Micros(at, before string) string
	// readNow asks the database what time now is.
	readNow(tx *gorm.DB, c *Clock) (time.Time, error)
	// SecondsAfter is a time so many seconds (an SQL expression) after another.
	SecondsAfter(at, seconds string) string
	// In is the test whether a column is among what a query returns, such that
	// the query runs once and the column's index is used.
	In(query string) string
	// Fold is a text without regard to case, for comparing and sorting by bytes.
	// Postgres folds the letters that the database's locale knows.
	Fold(text string) string
	// Contains is the test whether a part stands in a text, without regard to case.
	Contains(text, part string) string
	// Least is the smaller of two SQL expressions.
	Least(a, b string) string
	// ForUpdate locks the rows that a query reads until the transaction ends;
	// skip passes over those that another transaction holds.
	ForUpdate(skip bool) string
	// ForShare keeps others from changing the rows that a query reads until the
	// transaction ends.
	ForShare() string
	// LockOnly is ForUpdate for one table of a join, waiting.
	LockOnly(table string) string
	// LightSettings are further columns of the query that a transaction begins with
	// which is done often, and may be lost with a crash of the database.
	LightSettings() string
	// Serialize makes transactions that name the same lock wait for each other.
	Serialize(tx *gorm.DB, lock int64) error
	// TrySerialize is Serialize, but returns false instead of waiting.
	TrySerialize(tx *gorm.DB, lock int64) (bool, error)
	// Share is a column, after others, by which a transaction shares a lock: it waits
	// for one that is serialized by it, and that one for all that share it.
	Share(lock int64) string
	// insert inserts rows, a slice of pointers, in as few statements as it takes, and
	// returns how many it has inserted or changed.
	insert(tx *gorm.DB, rows reflect.Value, taken ifThere) (int64, error)
	// Values writes rows as a list that "WITH v(a, b) AS (...)" takes, with its
	// parameters.
	Values(kinds []ValueKind, rows [][]any) (string, []any)
	// Among is the test whether a column is one of some texts, and its parameter.
	Among(column string, texts []string) (string, any)
	// PerLane is a FROM clause that joins every endpoint of the CTE "lanes" to
	// its first rows of delivery_work (named w, with delivery_id, organization_id,
	// endpoint_id and priority) that meet the condition, as many as an SQL expression says.
	PerLane(condition, most string) string
	// makePartitions makes the partitions for the days from one time to another.
	makePartitions(ctx context.Context, db *gorm.DB, from, to time.Time) error
	// takeRoom makes the database take room on its disk for a probe.
	takeRoom(tx *gorm.DB, p *Probe) error
}

// The locks that transactions may be serialized by: of sign-up, of making
// partitions, of the due scan, of rolling up, of watching endpoints, of noting
// which processes have workers, of claiming, of the references that sources find
// organizations by, and of the slugs of sources.
const (
	SignupLock    int64 = 7_267_881_233
	PartitionLock int64 = 7_267_881_234
	DueLock       int64 = 7_267_881_235
	RollupLock    int64 = 7_267_881_236
	WatchLock     int64 = 7_267_881_237
	migrateLock   int64 = 7_267_881_238
	WorkersLock   int64 = 7_267_881_239
	ClaimLock     int64 = 7_267_881_240
	ReferenceLock int64 = 7_267_881_241
	SourceLock    int64 = 7_267_881_242
)
