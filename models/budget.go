package models

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm/clause"
)

// budget is how often something may be done within a span of time. Unlike a
// limit, which slows down what goes wrong, it counts what goes right and holds
// exactly: in no span is there more, however much comes at the same moment.
type budget struct {
	name string
	most int
	span time.Duration
	used string // what people read once it is used up; when to try again follows
}

// spending is one use of one budget.
type spending struct {
	budget budget
	key    []byte
}

// budgetRow has the times at which a budget was spent lately. It is locked
// while a transaction spends, so that the next one counts it.
type budgetRow struct {
	Key      []byte `gorm:"primaryKey"`
	Times    []byte
	ForgetAt time.Time
}

func (budgetRow) TableName() string { return "budgets" }

func spend(b budget, of ...string) spending {
	sum := sha256.New()
	fmt.Fprintf(sum, "%q %q", b.name, of)
	return spending{b, sum.Sum(nil)}
}

// spendIn spends in the transaction of what is paid for, so that what is rolled
// back has cost nothing. It fails with TooMany, and spends nothing, if one of the
// budgets is used up.
func (s *Store) spendIn(tx *Tx, all ...spending) error {
	if len(all) == 0 {
		return nil
	}
	now := s.clock.Now()
	rows, err := lockBudgets(tx, all, now)
	if err != nil {
		return err
	}
	for i, each := range all {
		times := rows[i].within(each.budget.span, now)
		if len(times) >= each.budget.most {
			return each.budget.usedUp(times[0].Add(each.budget.span).Sub(now))
		}
		rows[i].keep(append(times, now), now.Add(each.budget.span))
	}
	for i := range rows {
		if err := tx.Model(&rows[i]).Select("times", "forget_at").Updates(&rows[i]).Error; err != nil {
			return fmt.Errorf("spending: %w", err)
		}
	}
	return nil
}

// lockBudgets puts some spendings in order, reads their rows in that order, and
// holds them to the end of the transaction.
func lockBudgets(tx *Tx, all []spending, now time.Time) ([]budgetRow, error) {
	slices.SortFunc(all, func(a, b spending) int { return slices.Compare(a.key, b.key) })
	fresh, keys := make([]budgetRow, len(all)), make([][]byte, len(all))
	for i, each := range all {
		fresh[i], keys[i] = budgetRow{Key: each.key, Times: []byte{}, ForgetAt: now.Add(each.budget.span)}, each.key
	}
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&fresh).Error; err != nil {
		return nil, fmt.Errorf("spending: %w", err)
	}
	var rows []budgetRow
	err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Select("key", "times", "forget_at").Where("key IN ?", keys).Order("key").Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("spending: %w", err)
	}
	if len(rows) != len(all) {
		return nil, fmt.Errorf("spending: %d of %d budgets are there", len(rows), len(all))
	}
	return rows, nil
}

// within are the row's times that count now, the oldest first.
func (r *budgetRow) within(span time.Duration, now time.Time) []time.Time {
	var times []time.Time
	for left := r.Times; len(left) >= 8; left = left[8:] {
		if at := time.UnixMicro(int64(binary.BigEndian.Uint64(left))).UTC(); now.Sub(at) < span {
			times = append(times, at)
		}
	}
	return times
}

func (r *budgetRow) keep(times []time.Time, forgetAt time.Time) {
	r.Times, r.ForgetAt = make([]byte, 0, 8*len(times)), forgetAt
	for _, at := range times {
		r.Times = binary.BigEndian.AppendUint64(r.Times, uint64(at.UnixMicro()))
	}
}

// refund takes the newest time away, and the row with the last.
func (r *budgetRow) refund(tx *Tx, span time.Duration, now time.Time) error {
	times := r.within(span, now)
	if len(times) < 2 {
		return tx.Delete(r).Error
	}
	times = times[:len(times)-1]
	r.keep(times, times[len(times)-1].Add(span))
	return tx.Model(r).Select("times", "forget_at").Updates(r).Error
}

func (b budget) usedUp(wait time.Duration) error {
	wait = wholeSeconds(wait)
	return &Error{Kind: TooMany, Code: "too_many_attempts", Message: b.used + " Try again in " + waitWords(wait) + ".", RetryAfter: wait}
}

// spend spends at once, before what is paid for is done. Whoever finds that it
// could not be done takes it back by refund.
func (s *Store) spend(ctx context.Context, all ...spending) error {
	return s.transaction(ctx, func(tx *Tx) error { return s.spendIn(tx, all...) })
}

// refund takes the newest spending of each back, even though the request may
// have ended.
func (s *Store) refund(ctx context.Context, all ...spending) error {
	return s.transaction(context.WithoutCancel(ctx), func(tx *Tx) error {
		now := s.clock.Now()
		rows, err := lockBudgets(tx, all, now)
		if err != nil {
			return err
		}
		for i, each := range all {
			if err := rows[i].refund(tx, each.budget.span, now); err != nil {
				return fmt.Errorf("refunding: %w", err)
			}
		}
		return nil
	})
}
