package pipeline

import (
	"context"

	"gorm.io/gorm"

	"hookwell/models"
	"hookwell/models/database"
)

// statements are what the engine asks the two databases for in different ways,
// beside what the dialect has.
type statements interface {
	// writeIfUnchanged commits a fan-out if what it was prepared by still stands, but
	// for the events whose idempotency keys are taken. The worker claims what may be
	// sent at once, if it is the sole one.
	writeIfUnchanged(db *gorm.DB, c *database.Clock, f *fanOut, p precondition, worker string) (written, error)
	// recordDelivered commits, in one statement, attempts that delivered, if all of their
	// leases hold, and returns the states of their endpoints.
	recordDelivered(db *gorm.DB, results []*Result, delta *rollupDelta) (done bool, states []models.EndpointState, err error)
	// recordGrouped commits attempts that delivered, with their deliveries' only rows, if
	// none of their groups is expanded, and returns the states of their endpoints.
	recordGrouped(ctx context.Context, p *Engine, o *groupOutcomes) (done bool, states []models.EndpointState, err error)
	// receiveIfNew commits requests, if none of their keys is taken and their sources
	// are what they were checked by.
	receiveIfNew(db *gorm.DB, c *database.Clock, r *arrivalRows) (done bool, err error)
	// load writes many rows that were made elsewhere, on the loader's connection.
	load(l loader, table string, columns []string, count int, row func(int) []any) error
	// analyze is what follows on it.
	analyze() string
	// prune removes a table's rows whose keys lie below a bound.
	prune(ctx context.Context, db *gorm.DB, table database.GrowingTable, bound string) error
}

type (
	postgresStatements struct{ database.Dialect }
	sqliteStatements   struct{ database.Dialect }
)

func statementsFor(d database.Dialect) statements {
	if d.IsPostgres() {
		return postgresStatements{d}
	}
	return sqliteStatements{d}
}
