package pipeline

import (
	"fmt"
	"time"

	"gorm.io/gorm"

	"hookwell/models"
	"hookwell/models/database"
)

// pruneRequests removes, some rows at a time, what belongs to requests and events
// from before a time, and is in no partition.
func (p *Engine) pruneRequests(db *gorm.DB, before time.Time) error {
	ended := p.clock.Now().Add(-models.EndedSecretsKept)
	for _, old := range []struct {
		table, column string
		bound         any
	}{
		{"request_keys", "created_at", before},
		{"request_duplicates", "received_at", before},
		{"request_events", "created_at", before},
		{"event_identities", "created_at", before},
		{"source_payments", "updated_at", before},
		{"awaited_references", "request_id", database.LowestID(models.PrefixRequest, before)},
		{"refused_requests", "id", database.LowestID(models.PrefixRequest, before)},
		{"refused_counts", "minute", before.Unix()},
		{"source_secrets", "ended_at", ended},
	} {
		if err := p.pruneRows(db, old.table, old.column, old.bound); err != nil {
			return err
		}
	}
	return p.pruneRows(db, "refused_requests", "NOT whole AND id", p.oldestOther())
}

// pruneRows removes the rows of a table that lie below a bound, step by step. The
// column may have a condition before it.
func (p *Engine) pruneRows(db *gorm.DB, table, column string, bound any) error {
	place := "rowid"
	if p.db.Dialect.IsPostgres() {
		place = "ctid"
	}
	some := fmt.Sprintf("SELECT %s FROM %s WHERE %s < ? LIMIT %d", place, table, column, pruneStep)
	statement := fmt.Sprintf("DELETE FROM %s WHERE %s %s", table, place, p.db.Dialect.In(some))
	for {
		done := db.Exec(statement, bound)
		if done.Error != nil || done.RowsAffected < pruneStep {
			return done.Error
		}
		select {
		case <-time.After(pruneRest):
		case <-db.Statement.Context.Done():
			return db.Statement.Context.Err()
		}
	}
}
