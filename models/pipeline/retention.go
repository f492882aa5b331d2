package pipeline

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"hookwell/models"
	"hookwell/models/database"
)

// MinRetention is the shortest time that events and deliveries may be kept:
// longer than any delivery can take.
const MinRetention = 7 * 24 * time.Hour

// Prune removes events, deliveries and attempts made before a time, in small
// steps that block nobody: whole days' partitions on Postgres, some rows at a
// time on SQLite. It keeps deliveries that have not ended, and everything younger
// than them.
func (p *Engine) Prune(ctx context.Context, before time.Time) error {
	var oldest struct{ Delivery, Event, Request sql.NullString }
	err := p.db.WithContext(ctx).Raw("SELECT min(delivery_id) AS delivery, min(event_id) AS event, (SELECT min(request_id) FROM request_work) AS request FROM delivery_work").Scan(&oldest).Error
	if err != nil {
		return fmt.Errorf("looking for what has not ended: %w", err)
	}
	unfinished := map[string]sql.NullString{models.PrefixDelivery: oldest.Delivery, models.PrefixEvent: oldest.Event, models.PrefixRequest: oldest.Request}
	for _, table := range database.GrowingTables {
		bound := database.LowestID(table.Prefix, before)
		if id := unfinished[table.Prefix]; id.Valid && id.String < bound {
			bound = id.String
		}
		if err := p.statements.prune(ctx, p.db.DB, table, bound); err != nil {
			return fmt.Errorf("removing old %s: %w", table.Name, err)
		}
	}
	tx := p.db.WithContext(ctx)
	if err := errors.Join(p.pruneUndelivered(tx, before), p.pruneRollups(tx, before), p.pruneRequests(tx, before)); err != nil {
		return fmt.Errorf("removing old lists and counts: %w", err)
	}
	return nil
}

// pruneStep is how many rows SQLite removes in one transaction, and pruneRest
// how long it then leaves the file to others: who waits for it looks again
// every 100 ms, and would go hungry beside steps that follow on each other.
const (
	pruneStep = 1000
	pruneRest = 120 * time.Millisecond
)

// prune removes rows step by step: a writer waits for one step at most.
func (sqliteStatements) prune(ctx context.Context, db *gorm.DB, table database.GrowingTable, bound string) error {
	statement := fmt.Sprintf("DELETE FROM %[1]s WHERE rowid IN (SELECT rowid FROM %[1]s WHERE %[2]s < ? ORDER BY %[2]s LIMIT %[3]d)", table.Name, table.Key, pruneStep)
	for {
		done := db.WithContext(ctx).Exec(statement, bound)
		if done.Error != nil || done.RowsAffected < pruneStep {
			return done.Error
		}
		select {
		case <-time.After(pruneRest):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// partition is one of a table's partitions. One that is not attached was left
// by a removal that was cut short, and so was one whose detaching is pending.
type partition struct {
	Name     string
	Upper    string // the id that it ends before
	Attached bool
	Pending  bool
}

// prune removes the partitions whose ids all lie below the bound. They are
// detached beside whoever uses the table, and dropped when nobody sees them.
func (d postgresStatements) prune(ctx context.Context, db *gorm.DB, table database.GrowingTable, bound string) error {
	db = db.WithContext(ctx)
	var partitions []partition
	err := db.Raw(`SELECT c.relname AS name, i.inhrelid IS NOT NULL AS attached, coalesce(i.inhdetachpending, false) AS pending,
			coalesce(substring(pg_get_expr(c.relpartbound, c.oid) from $$TO \('([^']+)'\)$$), '') AS upper
		FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
		WHERE c.relkind = 'r' AND c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass(?)) AND c.relname ~ ?
		ORDER BY c.relname`, table.Name, "^"+table.Name+`_(first|\d{8})$`).Scan(&partitions).Error
	if err != nil {
		return err
	}
	var owned bool
	if err := db.Raw("SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass(?)", table.Name).Scan(&owned).Error; err != nil {
		return err
	}
	remove := d.askToRemove
	if owned {
		remove = d.removePartition
	}
	for _, p := range partitions {
		if p.Attached && !p.Pending && p.Upper > bound {
			continue
		}
		if err := remove(db, table.Name, p); err != nil {
			return err
		}
	}
	return nil
}

const (
	// lockTries is how often a partition is asked to be removed while others use
	// its table, and lockPause how long these are left alone between two tries.
	lockTries = 20
	lockPause = 250 * time.Millisecond
)

// askToRemove has the tables' owner remove a partition, where another role
// serves: a function of the owner's detaches it, and drops it in a second step.
// What is in use for too long is left to the next hour.
func (postgresStatements) askToRemove(db *gorm.DB, table string, p partition) error {
	for try := 1; ; {
		var step string
		err := db.Raw("SELECT remove_partition(?, ?)", table, p.Name).Scan(&step).Error
		switch {
		case err == nil && step == "detached":
		case database.LockNotAvailable(err) && try < lockTries:
			try++
			select {
			case <-time.After(lockPause):
			case <-db.Statement.Context.Done():
				return db.Statement.Context.Err()
			}
		default:
			return err
		}
	}
}

// removePartition drops one partition. The first of all is only emptied: it
// takes in whatever a clock that lags may bring.
func (postgresStatements) removePartition(db *gorm.DB, table string, p partition) error {
	if p.Name == table+"_first" {
		var some []int
		if err := db.Raw("SELECT 1 FROM " + p.Name + " LIMIT 1").Scan(&some).Error; err != nil || len(some) == 0 {
			return err
		}
		return db.Exec("TRUNCATE " + p.Name).Error
	}
	how := "CONCURRENTLY"
	if p.Pending {
		how = "FINALIZE"
	}
	if p.Attached {
		if err := db.Exec(fmt.Sprintf("ALTER TABLE %s DETACH PARTITION %s %s", table, p.Name, how)).Error; err != nil {
			return err
		}
	}
	return db.Exec("DROP TABLE " + p.Name).Error
}
