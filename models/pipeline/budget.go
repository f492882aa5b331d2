package pipeline

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"time"

	"gorm.io/gorm/clause"

	"hookwell/models"
	"hookwell/models/database"
)

// Budget limits how often something may be done within a span of time. A throttle
// slows down failures; a budget counts successes, and is exact: no span ever has
// more than Most, even with concurrent requests.
type Budget struct {
	Name string
	Most int
	Span time.Duration
	Used string // what people read once it is used up; when to try again follows
}

// Spending is one use of one budget.
type Spending struct {
	Budget Budget
	key    []byte
}

// BudgetRow holds the recent times at which a budget was spent. A transaction
// that spends locks the row, so that the next one counts it.
type BudgetRow struct {
	Key      []byte `gorm:"primaryKey"`
	Times    []byte
	ForgetAt time.Time
}

// TableName names the table of the rows for GORM.
func (BudgetRow) TableName() string { return "budgets" }

// Spend returns one use of a budget. Together, the texts name the person, address
// or thing whose budget it is.
func Spend(b Budget, of ...string) Spending {
	sum := sha256.New()
	fmt.Fprintf(sum, "%q %q", b.Name, of)
	return Spending{b, sum.Sum(nil)}
}

// SpendIn spends budgets in the transaction of the change that they pay for, so
// that a rollback costs nothing. It fails with TooMany, and spends nothing, if
// one of the budgets is used up.
func (p *Engine) SpendIn(tx *database.Tx, all ...Spending) error {
	if len(all) == 0 {
		return nil
	}
	now := p.clock.Now()
	rows, err := LockBudgets(tx, all, now)
	if err != nil {
		return err
	}
	for i, each := range all {
		times := rows[i].within(each.Budget.Span, now)
		if len(times) >= each.Budget.Most {
			return each.Budget.usedUp(times[0].Add(each.Budget.Span).Sub(now))
		}
		rows[i].keep(append(times, now), now.Add(each.Budget.Span))
	}
	for i := range rows {
		if err := tx.Model(&rows[i]).Select("times", "forget_at").Updates(&rows[i]).Error; err != nil {
			return fmt.Errorf("spending: %w", err)
		}
	}
	return nil
}

// LockBudgets sorts the spendings, reads their rows in that order, and locks the
// rows until the transaction ends. It fails if the database does.
func LockBudgets(tx *database.Tx, all []Spending, now time.Time) ([]BudgetRow, error) {
	slices.SortFunc(all, func(a, b Spending) int { return slices.Compare(a.key, b.key) })
	fresh, keys := make([]BudgetRow, len(all)), make([][]byte, len(all))
	for i, each := range all {
		fresh[i], keys[i] = BudgetRow{Key: each.key, Times: []byte{}, ForgetAt: now.Add(each.Budget.Span)}, each.key
	}
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&fresh).Error; err != nil {
		return nil, fmt.Errorf("spending: %w", err)
	}
	var rows []BudgetRow
	err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Select("key", "times", "forget_at").Where("key IN ?", keys).Order("key").Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("spending: %w", err)
	}
	if len(rows) != len(all) {
		return nil, fmt.Errorf("spending: %d of %d budgets are there", len(rows), len(all))
	}
	return rows, nil
}

// within returns the row's times that count now, the oldest first.
func (r *BudgetRow) within(span time.Duration, now time.Time) []time.Time {
	var times []time.Time
	for left := r.Times; len(left) >= 8; left = left[8:] {
		if at := time.UnixMicro(int64(binary.BigEndian.Uint64(left))).UTC(); now.Sub(at) < span {
			times = append(times, at)
		}
	}
	return times
}

func (r *BudgetRow) keep(times []time.Time, forgetAt time.Time) {
	r.Times, r.ForgetAt = make([]byte, 0, 8*len(times)), forgetAt
	for _, at := range times {
		r.Times = binary.BigEndian.AppendUint64(r.Times, uint64(at.UnixMicro()))
	}
}

// Refund removes the newest time, and deletes the row if no time is left.
func (r *BudgetRow) Refund(tx *database.Tx, span time.Duration, now time.Time) error {
	times := r.within(span, now)
	if len(times) < 2 {
		return tx.Delete(r).Error
	}
	times = times[:len(times)-1]
	r.keep(times, times[len(times)-1].Add(span))
	return tx.Model(r).Select("times", "forget_at").Updates(r).Error
}

func (b Budget) usedUp(wait time.Duration) error {
	wait = WholeSeconds(wait)
	return &models.Error{Kind: models.TooMany, Code: "too_many_attempts", Message: b.Used + " Try again in " + WaitWords(wait) + ".", RetryAfter: wait}
}

// WholeSeconds rounds a wait up to whole seconds.
func WholeSeconds(wait time.Duration) time.Duration {
	return (wait + time.Second - 1).Truncate(time.Second)
}

// WaitWords returns a wait in words, rounded up.
func WaitWords(wait time.Duration) string {
	switch {
	case wait > 90*time.Minute:
		return plural(int((wait+time.Hour-1)/time.Hour), "hour")
	case wait > 90*time.Second:
		return plural(int((wait+time.Minute-1)/time.Minute), "minute")
	}
	return plural(int(wait/time.Second), "second")
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
