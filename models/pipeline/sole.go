package pipeline

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"hookwell/models"
	"hookwell/models/database"
)

// AttendInterval is how often a process that has workers calls Attend. Others take
// one for gone that is silent for as long as its last leases hold.
const (
	AttendInterval = 3 * time.Second
	absentAfter    = models.MaxTimeoutSeconds + leaseMargin // seconds
)

// Attend notes that this process has workers, and finds out whether it alone has.
// Then it may claim deliveries in the transaction that accepts them without
// counting what is in flight elsewhere, and no other process claims anything until
// its own Attend has ended that. It fails if the database does.
func (p *Engine) Attend(ctx context.Context) error {
	var sole bool
	err := p.db.Transaction(ctx, func(tx *database.Tx) error {
		if err := p.db.Dialect.Serialize(tx.DB, database.WorkersLock); err != nil {
			return err
		}
		now := p.db.Dialect.Now(p.clock)
		err := tx.Exec("INSERT INTO workers (id, seen_at) VALUES (?, "+now+") ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at", p.worker).Error
		if err != nil {
			return err
		}
		if err := tx.Exec("DELETE FROM workers WHERE " + p.db.Dialect.SecondsAfter("seen_at", strconv.Itoa(absentAfter)) + " < " + now).Error; err != nil {
			return err
		}
		var workers int64
		if err := tx.Table("workers").Count(&workers).Error; err != nil {
			return err
		}
		if sole = workers == 1; sole {
			// Who claims at this moment has counted without what is claimed here from now on.
			if sole, err = p.db.Dialect.TrySerialize(tx.DB, database.ClaimLock); err != nil {
				return err
			}
		}
		return p.setSole(tx, sole)
	})
	if err != nil {
		return fmt.Errorf("noting that there are workers: %w", err)
	}
	p.sole.Store(sole)
	return nil
}

func (p *Engine) setSole(tx *database.Tx, sole bool) error {
	id := ""
	if sole {
		id = p.worker
	}
	return tx.Exec("UPDATE installations SET sole_worker = ? WHERE sole_worker <> ?", id, id).Error
}

// Leave takes back what Attend noted. It fails if the database does; others then
// find out by themselves.
func (p *Engine) Leave(ctx context.Context) error {
	p.sole.Store(false)
	return p.db.Transaction(ctx, func(tx *database.Tx) error {
		if err := p.db.Dialect.Serialize(tx.DB, database.WorkersLock); err != nil {
			return err
		}
		if err := tx.Exec("UPDATE installations SET sole_worker = '' WHERE sole_worker = ?", p.worker).Error; err != nil {
			return err
		}
		return tx.Exec("DELETE FROM workers WHERE id = ?", p.worker).Error
	})
}
