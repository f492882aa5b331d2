package pipeline

import (
	"database/sql"
	"fmt"
	"time"

	"gorm.io/gorm"

	"hookwell/models"
	"hookwell/models/database"
)

// pruneRequests removes, some rows at a time, what belongs to requests and events
// from before a time, and is in no partition. By what a repeat is known, and what a
// request became, is kept for as long as any request of its age: a day's requests go
// together, and not before the last of them was processed.
func (p *Engine) pruneRequests(db *gorm.DB, before time.Time) error {
	ended, gone := p.clock.Now().Add(-models.EndedSecretsKept), before
	var oldest sql.NullString
	if err := db.Raw("SELECT min(id) FROM requests").Scan(&oldest).Error; err != nil {
		return err
	}
	if oldest.Valid && database.IDTime(oldest.String).Before(gone) {
		gone = database.IDTime(oldest.String)
	}
	for _, old := range []struct {
		table, column string
		bound         any
	}{
		{"request_keys", "created_at", gone},
		{"request_duplicates", "received_at", gone},
		{"request_events", "created_at", gone},
		{"event_identities", "created_at", gone},
		{"source_payments", "updated_at", gone},
		{"awaited_references", "request_id", database.LowestID(models.PrefixRequest, gone)},
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
