package store

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/pipeline"
)

// limit is how often something may be tried in vain: so often freely, then
// after a delay that doubles from one second to a bound. It is forgotten some
// time after the last try.
type limit struct {
	name   string
	free   int
	most   time.Duration
	forget time.Duration
}

// What is counted. Sign-ins are counted three times: for the account from one
// address (or from a device that has signed in to it before, whatever its
// address), for the address over all accounts, and for the account over all
// unknown devices. So a stranger delays themselves, and never a known device.
var (
	limitHere    = limit{"account and address", 5, 15 * time.Minute, 24 * time.Hour}
	limitDevice  = limit{"account and device", 5, 15 * time.Minute, 24 * time.Hour}
	limitAddress = limit{"address", 50, 5 * time.Minute, time.Hour}
	limitAccount = limit{"account", 100, 2 * time.Minute, 24 * time.Hour}
	limitConfirm = limit{"confirmation", 5, 15 * time.Minute, 24 * time.Hour}
)

// throttle is how often something was tried in vain. Until FreeAt it may not
// be tried again; at ForgetAt all is forgotten.
type throttle struct {
	Key      []byte `gorm:"primaryKey"`
	Failures int
	FreeAt   time.Time
	ForgetAt time.Time
}

// tried is one thing that is counted.
type tried struct {
	limit limit
	key   []byte
}

func try(l limit, of ...string) tried {
	sum := sha256.New()
	fmt.Fprintf(sum, "%q %q", l.name, of)
	return tried{l, sum.Sum(nil)}
}

// tryFrom counts by the network that a client's address stands for.
func tryFrom(l limit, address string, of ...string) tried {
	return try(l, append(of, networkOf(address))...)
}

// networkOf is what a client's address counts as: one IPv6 client has a whole /64.
func networkOf(address string) string {
	if ip, err := netip.ParseAddr(address); err == nil && ip.Is6() && !ip.Is4In6() {
		if network, err := ip.Prefix(64); err == nil {
			return network.String()
		}
	}
	return address
}

// charged is what was counted before it was tried, with its rows before and
// after.
type charged struct {
	tries         []tried
	before, after []throttle
}

// charge counts a try before it is made, so that tries at the same moment are
// all counted. Whoever charges ends it: by absolve when it was right, by uncharge
// when nothing was tried, by neither when it was wrong. It fails with TooMany,
// and counts nothing, while one of what is tried has to wait.
func (s *Store) charge(ctx context.Context, tries ...tried) (*charged, error) {
	var c *charged
	slices.SortFunc(tries, func(a, b tried) int { return slices.Compare(a.key, b.key) }) // locked in one order
	err := s.transaction(ctx, func(tx *database.Tx) error {
		now := s.clock.Now()
		fresh, keys := make([]throttle, len(tries)), make([][]byte, len(tries))
		for i, t := range tries {
			fresh[i], keys[i] = throttle{Key: t.key, FreeAt: now, ForgetAt: now.Add(t.limit.forget)}, t.key
		}
		if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&fresh).Error; err != nil {
			return fmt.Errorf("counting: %w", err)
		}
		var rows []throttle
		if err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("key IN ?", keys).Order("key").Find(&rows).Error; err != nil {
			return fmt.Errorf("counting: %w", err)
		}
		if wait := longestWait(rows, now); wait > 0 {
			return tooMany(wait)
		}
		c = &charged{tries: tries, before: slices.Clone(rows), after: rows}
		for i := range rows {
			rows[i].count(tries[i].limit, now)
		}
		return tx.Clauses(clause.OnConflict{UpdateAll: true, Columns: []clause.Column{{Name: "key"}}}).Create(&rows).Error
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// uncharge uncounts what was not tried after all, since the server was too busy
// or failed, even though the request may have ended. Earlier tries in vain
// stay counted, and a wait that another try began since.
func (s *Store) uncharge(ctx context.Context, c *charged) error {
	return s.transaction(context.WithoutCancel(ctx), func(tx *database.Tx) error {
		for i, row := range c.after {
			back := map[string]any{"failures": gorm.Expr("failures - 1"),
				"free_at":   gorm.Expr("CASE WHEN free_at = ? THEN ? ELSE free_at END", row.FreeAt, c.before[i].FreeAt),
				"forget_at": gorm.Expr("CASE WHEN forget_at = ? THEN ? ELSE forget_at END", row.ForgetAt, c.before[i].ForgetAt)}
			if err := tx.Model(&throttle{}).Where("key = ? AND failures > 0", row.Key).Updates(back).Error; err != nil {
				return fmt.Errorf("uncounting: %w", err)
			}
			if err := tx.Where("key = ? AND failures = 0", row.Key).Delete(&throttle{}).Error; err != nil {
				return fmt.Errorf("uncounting: %w", err)
			}
		}
		return nil
	})
}

func longestWait(rows []throttle, now time.Time) (wait time.Duration) {
	for _, row := range rows {
		if now.Before(row.ForgetAt) {
			wait = max(wait, row.FreeAt.Sub(now))
		}
	}
	return wait
}

func (t *throttle) count(l limit, now time.Time) {
	if !now.Before(t.ForgetAt) {
		t.Failures = 0
	}
	t.Failures++
	t.FreeAt = now
	if over := t.Failures - l.free; over > 0 {
		t.FreeAt = now.Add(min(time.Second<<min(over-1, 20), l.most))
	}
	t.ForgetAt = now.Add(l.forget)
}

// absolve ends a charge that turned out right: what is the person's own is
// forgotten, what many share goes back by one.
func (s *Store) absolve(ctx context.Context, c *charged) error { return s.forgive(ctx, c.tries...) }

func (s *Store) forgive(ctx context.Context, tries ...tried) error {
	var own, shared [][]byte
	for _, t := range tries {
		if t.limit == limitAddress || t.limit == limitAccount {
			shared = append(shared, t.key)
		} else {
			own = append(own, t.key)
		}
	}
	return s.transaction(ctx, func(tx *database.Tx) error {
		if err := tx.Where("key IN ?", own).Delete(&throttle{}).Error; err != nil || len(shared) == 0 {
			return err
		}
		back := map[string]any{"failures": gorm.Expr("failures - 1"), "free_at": s.clock.Now()}
		return tx.Model(&throttle{}).Where("key IN ? AND failures > 0", shared).Updates(back).Error
	})
}

func tooMany(wait time.Duration) error {
	wait = pipeline.WholeSeconds(wait)
	return &models.Error{Kind: models.TooMany, Code: "too_many_attempts", Message: "Too many attempts. Try again in " + pipeline.WaitWords(wait) + ".", RetryAfter: wait}
}

// PruneThrottles deletes expired tries and budgets. It fails if the database does.
func (s *Store) PruneThrottles(ctx context.Context) error {
	for _, row := range []any{&throttle{}, &pipeline.BudgetRow{}} {
		if err := s.db.WithContext(ctx).Where("forget_at <= ?", s.clock.Now()).Delete(row).Error; err != nil {
			return err
		}
	}
	return nil
}
