package pipeline

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"hookwell/models"
	"hookwell/models/database"
)

// Depth measures the queue by the database's clock, in one query, after it has
// expanded every accepted group. It reads every row of unfinished work once, so
// callers cache the result for a while. It fails if the database does.
func (p *Engine) Depth(ctx context.Context) (models.Depth, error) {
	if err := p.db.Transaction(ctx, func(tx *database.Tx) error { return p.expand(tx, "token <> ''") }); err != nil {
		return models.Depth{}, fmt.Errorf("measuring the queue: %w", err)
	}
	now := p.db.Dialect.Now(p.clock)
	due := "w.lease_until IS NULL AND w.due_at <= " + now + " AND e.disabled_at IS NULL AND (s.held_until IS NULL OR s.held_until <= " + now + ")"
	var row struct {
		InFlight, Due, Total, OpenCircuits, Recoveries int
		OldestUs                                       sql.NullFloat64
	}
	err := p.db.WithContext(ctx).Raw(fmt.Sprintf(`SELECT count(*) AS total, count(w.lease_until) AS in_flight,
			coalesce(sum(CASE WHEN %[1]s THEN 1 ELSE 0 END), 0) AS due, %[3]s AS oldest_us,
			(SELECT count(*) FROM endpoint_states WHERE held_because = ? AND held_until > %[2]s) AS open_circuits,
			(SELECT count(*) FROM recoveries WHERE state = ?) AS recoveries
		FROM delivery_work w JOIN endpoints e ON e.id = w.endpoint_id JOIN endpoint_states s ON s.endpoint_id = w.endpoint_id`,
		due, now, p.db.Dialect.Micros(now, "min(CASE WHEN "+due+" THEN w.due_at END)")), models.HeldByCircuit, models.RecoveryRunning).Scan(&row).Error
	if err != nil {
		return models.Depth{}, fmt.Errorf("measuring the queue: %w", err)
	}
	requests, oldest, err := p.WaitingRequests(ctx)
	if err != nil {
		return models.Depth{}, fmt.Errorf("counting the requests that wait: %w", err)
	}
	var waited time.Duration
	if requests > 0 {
		waited = max(0, p.clock.Now().Sub(oldest))
	}
	return models.Depth{Requests: requests, OldestRequest: waited, InFlight: row.InFlight, Due: row.Due, Waiting: row.Total - row.InFlight - row.Due, OpenCircuits: row.OpenCircuits, Recoveries: row.Recoveries,
		OldestDue: time.Duration(max(0, row.OldestUs.Float64)) * time.Microsecond}, nil
}

// Connections returns the state of the database connection pool.
func (p *Engine) Connections() sql.DBStats {
	pool, err := p.db.DB.DB()
	if err != nil {
		return sql.DBStats{}
	}
	return pool.Stats()
}

// Migrations returns the numbers of the newest migration that the database has
// and of the newest that this program knows. The first is the larger one after a
// newer program has migrated the database.
func (p *Engine) Migrations(ctx context.Context) (applied, known int64, err error) {
	provider, err := p.db.Migrator()
	if err != nil {
		return 0, 0, err
	}
	// Goose would lock the migrations, and take two connections for it.
	if err = p.db.WithContext(ctx).Raw("SELECT max(version_id) FROM goose_db_version").Scan(&applied).Error; err != nil {
		return 0, 0, fmt.Errorf("reading the database's version: %w", err)
	}
	for _, source := range provider.ListSources() {
		known = max(known, source.Version)
	}
	return applied, known, nil
}
