package models

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
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
	limitHere     = limit{"account and address", 5, 15 * time.Minute, 24 * time.Hour}
	limitDevice   = limit{"account and device", 5, 15 * time.Minute, 24 * time.Hour}
	limitAddress  = limit{"address", 50, 5 * time.Minute, time.Hour}
	limitAccount  = limit{"account", 100, 2 * time.Minute, 24 * time.Hour}
	limitConfirm  = limit{"confirmation", 5, 15 * time.Minute, 24 * time.Hour}
	limitAsk      = limit{"mail asked from an address", 10, 5 * time.Minute, time.Hour}
	limitLinkMail = limit{"mail to an address", 3, time.Hour, time.Hour}
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

// tryFrom counts by the network that a client's address stands for: one IPv6
// client has a whole /64.
func tryFrom(l limit, address string, of ...string) tried {
	if ip, err := netip.ParseAddr(address); err == nil && ip.Is6() && !ip.Is4In6() {
		if network, err := ip.Prefix(64); err == nil {
			address = network.String()
		}
	}
	return try(l, append(of, address)...)
}

// charge counts a try before it is made, so that tries at the same moment are
// all counted; absolve takes it back when it was right. It fails with TooMany,
// and counts nothing, while one of what is tried has to wait.
func (s *Store) charge(ctx context.Context, tries ...tried) error {
	slices.SortFunc(tries, func(a, b tried) int { return slices.Compare(a.key, b.key) }) // locked in one order
	return s.transaction(ctx, func(tx *gorm.DB) error {
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
		for i := range rows {
			rows[i].count(tries[i].limit, now)
		}
		return tx.Clauses(clause.OnConflict{UpdateAll: true, Columns: []clause.Column{{Name: "key"}}}).Create(&rows).Error
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

// absolve takes a charge back after it turned out right: what is the person's
// own is forgotten, what many share goes back by one.
func (s *Store) absolve(ctx context.Context, tries ...tried) error {
	var own, shared [][]byte
	for _, t := range tries {
		if t.limit == limitAddress || t.limit == limitAccount {
			shared = append(shared, t.key)
		} else {
			own = append(own, t.key)
		}
	}
	return s.transaction(ctx, func(tx *gorm.DB) error {
		if err := tx.Where("key IN ?", own).Delete(&throttle{}).Error; err != nil || len(shared) == 0 {
			return err
		}
		back := map[string]any{"failures": gorm.Expr("failures - 1"), "free_at": s.clock.Now()}
		return tx.Model(&throttle{}).Where("key IN ? AND failures > 0", shared).Updates(back).Error
	})
}

func tooMany(wait time.Duration) error {
	wait = (wait + time.Second - 1).Truncate(time.Second)
	words := plural(int(wait/time.Second), "second")
	if wait > 90*time.Second {
		words = plural(int((wait+time.Minute-1)/time.Minute), "minute")
	}
	return &Error{Kind: TooMany, Code: "too_many_attempts", Message: "Too many attempts. Try again in " + words + ".", RetryAfter: wait}
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return itoa(n) + " " + noun + "s"
}

// PruneThrottles removes what has been forgotten.
func (s *Store) PruneThrottles(ctx context.Context) error {
	return s.db.WithContext(ctx).Where("forget_at <= ?", s.clock.Now()).Delete(&throttle{}).Error
}
