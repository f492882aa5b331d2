package pipeline

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"hookwell/models/database"
)

// AttendInterval is how often a process that has workers calls Attend. Others take
// one for gone that they see silent in silentLooks of their own calls in a row: a
// call that fails, as while the database is away, says nothing of the others.
const (
	AttendInterval = 2 * time.Second
	silentLooks    = 4
)

// worker is a process that has workers.
type worker struct {
	ID     string `gorm:"primaryKey"`
	SeenAt time.Time
}

// colleague is another process with workers, as this one saw it last.
type colleague struct {
	seenAt time.Time
	silent int // calls in which that was the same
}

// Attend notes that this process has workers, and finds out whether it alone has.
// Then it may claim deliveries in the transaction that accepts them without
// counting what is in flight elsewhere, and no other process claims anything until
// its own Attend has ended that. The leases of a process that is gone end. It fails
// if the database does.
func (p *Engine) Attend(ctx context.Context) error {
	p.attending.Lock()
	defer p.attending.Unlock()
	var sole bool
	var others []worker
	err := p.db.Transaction(ctx, func(tx *database.Tx) error {
		if err := p.db.Dialect.Serialize(tx.DB, database.WorkersLock); err != nil {
			return err
		}
		now := p.db.Dialect.Now(p.clock)
		err := tx.Exec("INSERT INTO workers (id, seen_at) VALUES (?, "+now+") ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at", p.worker).Error
		if err != nil {
			return err
		}
		if err := tx.Where("id <> ?", p.worker).Find(&others).Error; err != nil {
			return err
		}
		if sole = len(others) == 0; sole {
			// Who claims at this moment has counted without what is claimed here from now on.
			if sole, err = p.db.Dialect.TrySerialize(tx.DB, database.ClaimLock); err != nil {
				return err
			}
		}
		return p.setSole(tx, sole)
	})
	if err != nil {
		clear(p.colleagues)
		return fmt.Errorf("noting that there are workers: %w", err)
	}
	p.sole.Store(sole)
	seen := make(map[string]colleague, len(others))
	for _, o := range others {
		c := colleague{seenAt: o.SeenAt}
		if before, ok := p.colleagues[o.ID]; ok && before.seenAt.Equal(o.SeenAt) {
			c.silent = before.silent + 1
		}
		if c.silent < silentLooks {
			seen[o.ID] = c
		} else if err := p.takeOver(ctx, o.ID); err != nil {
			return fmt.Errorf("taking over from %s: %w", o.ID, err)
		}
	}
	p.colleagues = seen
	return nil
}

// takeOver ends the leases of a process that is gone, so that Reclaim finds them,
// and forgets it.
func (p *Engine) takeOver(ctx context.Context, worker string) error {
	p.log.Warn("a process with workers is gone, and its attempts are taken over", "worker", worker)
	return p.db.Transaction(ctx, func(tx *database.Tx) error {
		now := p.db.Dialect.Now(p.clock)
		leases := "SELECT delivery_id FROM delivery_work WHERE lease_until > " + now + " AND lease_token LIKE ? ORDER BY delivery_id " + p.db.Dialect.ForUpdate(true)
		if err := tx.Exec("UPDATE delivery_work SET lease_until = "+now+" WHERE delivery_id "+p.db.Dialect.In(leases), worker+"%").Error; err != nil {
			return err
		}
		return tx.Exec("DELETE FROM workers WHERE id = ?", worker).Error
	})
}

// newWorkerID names a process among those that have workers.
func newWorkerID() string { return rand.Text()[:workerSize] }

// workerSize is how many characters name a process.
const workerSize = 10

// leaseToken returns a token for leases of this process, which begins with its name.
func (p *Engine) leaseToken() string { return p.worker + rand.Text()[workerSize:] }

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
