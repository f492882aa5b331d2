package models

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Depth is what is under way and what waits, over all organizations.
type Depth struct {
	InFlight int // attempts under a lease
	Due      int // deliveries that could be sent now: neither held nor disabled
	Waiting  int // all other deliveries that have an attempt to come
	// OldestDue is how long the delivery that has been due the longest has been
	// so; 0 when none is.
	OldestDue    time.Duration
	OpenCircuits int
	Recoveries   int // that run
}

// Depth measures the queue by the database's clock, in one query. It reads every
// row of unfinished work once: callers keep the answer for a while.
func (s *Store) Depth(ctx context.Context) (Depth, error) {
	now := s.dialect.now(s.clock)
	due := "w.lease_until IS NULL AND w.due_at <= " + now + " AND e.disabled_at IS NULL AND (s.held_until IS NULL OR s.held_until <= " + now + ")"
	var row struct {
		InFlight, Due, Total, OpenCircuits, Recoveries int
		OldestUs                                       sql.NullFloat64
	}
	err := s.db.WithContext(ctx).Raw(fmt.Sprintf(`SELECT count(*) AS total, count(w.lease_until) AS in_flight,
			coalesce(sum(CASE WHEN %[1]s THEN 1 ELSE 0 END), 0) AS due, %[3]s AS oldest_us,
			(SELECT count(*) FROM endpoint_states WHERE held_because = ? AND held_until > %[2]s) AS open_circuits,
			(SELECT count(*) FROM recoveries WHERE state = ?) AS recoveries
		FROM delivery_work w JOIN endpoints e ON e.id = w.endpoint_id JOIN endpoint_states s ON s.endpoint_id = w.endpoint_id`,
		due, now, s.dialect.micros(now, "min(CASE WHEN "+due+" THEN w.due_at END)")), HeldByCircuit, RecoveryRunning).Scan(&row).Error
	if err != nil {
		return Depth{}, fmt.Errorf("measuring the queue: %w", err)
	}
	return Depth{InFlight: row.InFlight, Due: row.Due, Waiting: row.Total - row.InFlight - row.Due, OpenCircuits: row.OpenCircuits, Recoveries: row.Recoveries,
		OldestDue: time.Duration(max(0, row.OldestUs.Float64)) * time.Microsecond}, nil
}

// Connections is the state of the pool of database connections.
func (s *Store) Connections() sql.DBStats {
	pool, err := s.db.DB()
	if err != nil {
		return sql.DBStats{}
	}
	return pool.Stats()
}

// Migrations tells the number of the newest migration that the database has,
// and of the newest that this program knows. While a newer program has migrated
// the database already, the first is the larger.
func (s *Store) Migrations(ctx context.Context) (applied, known int64, err error) {
	provider, err := s.migrator()
	if err != nil {
		return 0, 0, err
	}
	if applied, err = provider.GetDBVersion(ctx); err != nil {
		return 0, 0, fmt.Errorf("reading the database's version: %w", err)
	}
	for _, source := range provider.ListSources() {
		known = max(known, source.Version)
	}
	return applied, known, nil
}
