package database

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"hookwell/models"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
)

type postgresDialect struct{}

// findNothing makes a search for text that Postgres can't hold (NUL, or what is
// not UTF-8) what it is on SQLite: one that finds no row, and no failure.
func findNothing(db *gorm.DB) {
	var pg *pgconn.PgError
	if !errors.As(db.Error, &pg) || pg.Code != "22021" { // character_not_in_repertoire
		return
	}
	db.Error = nil
	if db.Statement.RaiseErrorOnNotFound {
		db.Error = gorm.ErrRecordNotFound
	}
}

// Now implements Dialect.
func (postgresDialect) Now(c *Clock) string {
	if ahead := c.Ahead(); ahead != 0 {
		return fmt.Sprintf("(statement_timestamp() + %d * interval '1 microsecond')", ahead.Microseconds())
	}
	return "statement_timestamp()"
}

// NowMicros implements Dialect.
func (d postgresDialect) NowMicros(c *Clock) string {
	return "(extract(epoch from " + d.Now(c) + ") * 1000000)::bigint"
}

// Micros implements Dialect.
func (postgresDialect) Micros(at, before string) string {
	return fmt.Sprintf("(extract(epoch from %s - %s) * 1000000)::bigint", at, before)
}

func (d postgresDialect) readNow(tx *gorm.DB, c *Clock) (now time.Time, err error) {
	err = tx.Raw("SELECT " + d.Now(c)).Scan(&now).Error
	return now.UTC(), err
}

// SecondsAfter implements Dialect.
func (postgresDialect) SecondsAfter(at, seconds string) string {
	return fmt.Sprintf("%s + (%s) * interval '1 second'", at, seconds)
}

func (postgresDialect) Fold(text string) string { return `(lower(` + text + `) COLLATE "C")` }

func (postgresDialect) Contains(text, part string) string {
	return fmt.Sprintf("strpos(lower(%s), lower(%s)) > 0", text, part)
}

// In is no semi-join: as one, a plan may visit every row of the table and run
// the query for each.
func (postgresDialect) In(query string) string { return "= ANY(ARRAY(" + query + "))" }

// Least implements Dialect.
func (postgresDialect) Least(a, b string) string { return fmt.Sprintf("least(%s, %s)", a, b) }

// ForUpdate implements Dialect.
func (postgresDialect) ForUpdate(skip bool) string {
	if skip {
		return "FOR UPDATE SKIP LOCKED"
	}
	return "FOR UPDATE"
}

// IsPostgres implements Dialect.
func (postgresDialect) IsPostgres() bool { return true }

// GroupWeight implements Dialect.
func (postgresDialect) GroupWeight() int { return 250 }

// ForShare implements Dialect.
func (postgresDialect) ForShare() string { return "FOR SHARE" }

// LockOnly implements Dialect.
func (postgresDialect) LockOnly(table string) string { return "FOR UPDATE OF " + table }

// LightSettings: the commit does not wait for the disk, and rows are found by plain
// index scans. These pass over what earlier ones found dead, while a bitmap
// visits, until the next vacuum, every row that was ever in flight.
func (postgresDialect) LightSettings() string {
	return ", set_config('synchronous_commit', 'off', true) AS lazily, set_config('enable_bitmapscan', 'off', true) AS plainly"
}

// PerLane implements Dialect.
func (postgresDialect) PerLane(condition, most string) string {
	return fmt.Sprintf(`lanes CROSS JOIN LATERAL (
		SELECT w.delivery_id, w.organization_id, w.endpoint_id, w.priority FROM delivery_work w WHERE w.endpoint_id = lanes.endpoint_id AND %s
		ORDER BY w.priority, w.wake_at LIMIT %s) w`, condition, most)
}

// lockKey returns an advisory lock's key as SQL, from the place of one of dialect.go's
// numbers.
// Such locks belong to the whole database, in whose other schemas there may be
// other installations.
func lockKey(place string) string {
	return "hashtextextended(coalesce(current_schema(), ''), " + place + ")"
}

// Serialize implements Dialect.
func (postgresDialect) Serialize(tx *gorm.DB, lock int64) error {
	return tx.Exec("SELECT pg_advisory_xact_lock("+lockKey(question())+")", lock).Error
}

// TrySerialize implements Dialect.
func (postgresDialect) TrySerialize(tx *gorm.DB, lock int64) (free bool, err error) {
	err = tx.Raw("SELECT pg_try_advisory_xact_lock("+lockKey(question())+")", lock).Scan(&free).Error
	return free, err
}

// Share implements Dialect.
func (postgresDialect) Share(lock int64) string {
	return ", pg_advisory_xact_lock_shared(" + lockKey(strconv.FormatInt(lock, 10)) + ") AS shared"
}

func (d postgresDialect) makePartitions(ctx context.Context, db *gorm.DB, from, to time.Time) error {
	return db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := d.Serialize(tx, PartitionLock); err != nil {
			return err
		}
		var existing []string
		if err := tx.Raw(`SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
			WHERE i.inhparent IN ('events'::regclass, 'deliveries'::regclass, 'attempts'::regclass, 'requests'::regclass)`).Scan(&existing).Error; err != nil {
			return err
		}
		have := make(map[string]bool, len(existing))
		for _, name := range existing {
			have[name] = true
		}
		for _, table := range GrowingTables {
			if err := d.makeTablePartitions(tx, table.Name, have, from, to); err != nil {
				return err
			}
		}
		return nil
	})
}

// makeTablePartitions adds one partition per UTC day, by a function of the owner
// of the tables, who need not be the role that serves.
func (postgresDialect) makeTablePartitions(tx *gorm.DB, table string, have map[string]bool, from, to time.Time) error {
	for day := from.Truncate(models.Day); !day.After(to); day = day.Add(models.Day) {
		if have[table+day.Format("_20060102")] {
			continue
		}
		// The day that _first ends with has no table of its own name.
		err := tx.Transaction(func(tx *gorm.DB) error {
			return tx.Exec("SELECT make_partition(?, ?::date)", table, day.Format(time.DateOnly)).Error
		})
		if err != nil && !overlaps(err) {
			return err
		}
	}
	return nil
}

// overlaps reports whether a partition was refused because another holds its range.
func overlaps(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "42P17"
}

// noPartition reports whether a row was refused because its day has no partition.
func noPartition(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23514" && pg.ConstraintName == ""
}
