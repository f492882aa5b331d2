package pipeline

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"hookwell/models/database"
)

// AttendInterval is how often a process that has workers calls Attend. Others take
// one for gone that they see silent in silentLooks of their own calls in a row: a
// call that fails, as while the database is away, says nothing of the others.
const (
	AttendInterval = 2 * time.Second
	silentLooks    = 4
	// beginLimit is for how long after an Attend this process begins what it claimed
	// before: less than others take to take over.
	beginLimit = 5 * time.Second
)

// Attends reports whether this process attended a moment ago, so that nobody has
// taken over what it has claimed. A process that stood still, or whose machine
// slept, does not know that.
func (p *Engine) Attends() bool { return sinceBoot()-time.Duration(p.attended.Load()) < beginLimit }

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
	began := sinceBoot()
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
			if sole, err = p.leasesAreOurs(tx, now); err != nil {
				return err
			}
		}
		if sole, err = p.setSole(tx, sole); err != nil {
			return err
		}
		return p.freeUnsure(tx)
	})
	if err != nil {
		clear(p.colleagues)
		return fmt.Errorf("noting that there are workers: %w", err)
	}
	p.attended.Store(int64(began))
	p.sole.Store(sole)
	p.unsure.looked()
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

// leasesAreOurs reports whether nobody has attempts under way who notes no workers,
// as processes of an earlier version. A test's lease is its delivery's id.
func (p *Engine) leasesAreOurs(tx *database.Tx, now string) (bool, error) {
	var strangers []string
	own := p.worker + "%"
	err := tx.Raw("SELECT delivery_id FROM delivery_work WHERE lease_until IS NOT NULL AND lease_until > "+now+" AND lease_token <> delivery_id AND lease_token NOT LIKE ?"+
		" UNION ALL SELECT token FROM accepted_groups WHERE token NOT LIKE ? LIMIT 1", own, own).Scan(&strangers).Error
	return len(strangers) == 0, err
}

// takeOver ends the leases of a process that is gone, so that Reclaim finds them,
// and forgets it.
func (p *Engine) takeOver(ctx context.Context, worker string) error {
	p.log.Warn("a process with workers is gone, and its attempts are taken over", "worker", worker)
	return p.db.Transaction(ctx, func(tx *database.Tx) error {
		if err := p.expand(tx, "token LIKE ?", worker+"%"); err != nil {
			return err
		}
		now := p.db.Dialect.Now(p.clock)
		leases := "SELECT delivery_id FROM delivery_work WHERE lease_until > " + now + " AND lease_token LIKE ? ORDER BY delivery_id " + p.db.Dialect.ForUpdate(true)
		if err := tx.Exec("UPDATE delivery_work SET lease_until = "+now+" WHERE delivery_id "+p.db.Dialect.In(leases), worker+"%").Error; err != nil {
			return err
		}
		return tx.Exec("DELETE FROM workers WHERE id = ?", worker).Error
	})
}

// freeUnsure gives back what was claimed by groups of which this process does not
// know whether they were committed: nobody sends it. It is due at once.
func (p *Engine) freeUnsure(tx *database.Tx) error {
	tokens := p.unsure.list()
	if len(tokens) == 0 {
		return nil
	}
	if err := p.expandTokens(tx, tokens); err != nil {
		return err
	}
	condition, parameter := p.db.Dialect.Among("lease_token", tokens)
	return tx.Exec("UPDATE delivery_work SET attempt = 0, claimed_at = NULL, lease_until = NULL, lease_token = '' WHERE lease_until IS NOT NULL AND "+condition, parameter).Error
}

// unsure is the tokens of groups that were sent to the database and whose commit
// nobody confirmed, such as when a connection broke. Each is looked for several
// times, since the database may still be at it.
type unsure struct {
	mu     sync.Mutex
	tokens map[string]int // how often it was looked for
}

const (
	unsureLooks = 5
	mostUnsure  = 10_000
)

func (u *unsure) add(token string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.tokens == nil {
		u.tokens = map[string]int{}
	}
	if len(u.tokens) < mostUnsure { // the leases of others run out
		u.tokens[token] = 0
	}
}

func (u *unsure) list() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Collect(maps.Keys(u.tokens))
}

// looked counts a look of the database for all of them. One that was added since
// the list was read is counted too, and so is looked for once less.
func (u *unsure) looked() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for token := range u.tokens {
		if u.tokens[token]++; u.tokens[token] == unsureLooks {
			delete(u.tokens, token)
		}
	}
}

// newWorkerID names a process among those that have workers.
func newWorkerID() string { return rand.Text()[:workerSize] }

// workerSize is how many characters name a process.
const workerSize = 10

// leaseToken returns a token for leases of this process, which begins with its name.
func (p *Engine) leaseToken() string { return p.worker + rand.Text()[workerSize:] }

// setSole writes who is the sole worker, and returns whether this process is.
func (p *Engine) setSole(tx *database.Tx, sole bool) (bool, error) {
	var is string
	if err := tx.Raw("SELECT sole_worker FROM installations").Scan(&is).Error; err != nil {
		return false, err
	}
	if sole && is != p.worker {
		// Who claims at this moment has counted without what is claimed here from now on.
		var err error
		if sole, err = p.db.Dialect.TrySerialize(tx.DB, database.ClaimLock); err != nil {
			return false, err
		}
	}
	id := ""
	if sole {
		id = p.worker
	}
	if id == is {
		return sole, nil
	}
	if err := tx.Exec("UPDATE installations SET sole_worker = ?", id).Error; err != nil {
		return false, err
	}
	return sole, p.expand(tx, "token LIKE ?", is+"%") // so that claims count what is in flight
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
		if err := p.expand(tx, "token LIKE ?", p.worker+"%"); err != nil {
			return err
		}
		return tx.Exec("DELETE FROM workers WHERE id = ?", p.worker).Error
	})
}
