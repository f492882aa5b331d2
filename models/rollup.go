package models

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Counts are attempts and ended deliveries of some span of time. Delivered and
// Failed are deliveries, by how they stand now and when they came to. The rest
// are answers by how long they took: less than so many milliseconds, the last
// everything longer. Test events are not among them.
type Counts struct {
	Attempts, FailedAttempts, Delivered, Failed          int
	Ms5, Ms10, Ms20, Ms40, Ms70, Ms100, Ms150, Ms200     int
	Ms300, Ms500, Ms800, Ms1200, Ms2000, Ms5000, Ms10000 int
	Ms30000                                              int
}

// answerBounds are the upper bounds of the answers' counts. A timeout is at
// most 30 s.
var answerBounds = [...]time.Duration{5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond, 40 * time.Millisecond, 70 * time.Millisecond,
	100 * time.Millisecond, 150 * time.Millisecond, 200 * time.Millisecond, 300 * time.Millisecond, 500 * time.Millisecond, 800 * time.Millisecond,
	1200 * time.Millisecond, 2 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second}

const countCells = 4 + len(answerBounds)

// cells are all counts in the order of the table's columns.
func (c *Counts) cells() [countCells]*int {
	return [...]*int{&c.Attempts, &c.FailedAttempts, &c.Delivered, &c.Failed, &c.Ms5, &c.Ms10, &c.Ms20, &c.Ms40, &c.Ms70, &c.Ms100, &c.Ms150, &c.Ms200,
		&c.Ms300, &c.Ms500, &c.Ms800, &c.Ms1200, &c.Ms2000, &c.Ms5000, &c.Ms10000, &c.Ms30000}
}

func (c *Counts) answers() []*int { cells := c.cells(); return cells[4:] }

var countColumns = [countCells]string{"attempts", "failed_attempts", "delivered", "failed", "ms5", "ms10", "ms20", "ms40", "ms70", "ms100", "ms150", "ms200",
	"ms300", "ms500", "ms800", "ms1200", "ms2000", "ms5000", "ms10000", "ms30000"}

// Add adds other counts.
func (c *Counts) Add(other Counts) {
	to, from := c.cells(), other.cells()
	for i := range to {
		*to[i] += *from[i]
	}
}

// Answered is how many attempts got an answer, whatever it was.
func (c *Counts) Answered() (n int) {
	for _, count := range c.answers() {
		n += *count
	}
	return n
}

// answer counts one answer.
func (c *Counts) answer(took time.Duration) {
	at, _ := slices.BinarySearchFunc(answerBounds[:], took, func(bound, took time.Duration) int {
		if bound <= took {
			return -1
		}
		return 1
	})
	*c.answers()[min(at, len(answerBounds)-1)]++
}

// Quantile is how long the given share of answers took at most, such as 0.95,
// as near as the counts tell. It is 0 when nothing answered.
func (c *Counts) Quantile(share float64) time.Duration {
	wanted := share * float64(c.Answered())
	if wanted == 0 {
		return 0
	}
	lower := time.Duration(0)
	for i, count := range c.answers() {
		n := float64(*count)
		if wanted <= n {
			return lower + time.Duration(float64(answerBounds[i]-lower)*wanted/n)
		}
		wanted, lower = wanted-n, answerBounds[i]
	}
	return lower
}

// The spans that are counted. An organization's are half hours, which charts
// are made of; an endpoint's are hours, for its strip, and days.
const (
	HalfHour = 30 * time.Minute
	Hour     = time.Hour
	Day      = 24 * time.Hour
)

// rollupRow is the counts of one span. EndpointID is empty for the whole
// organization. Since is in Unix seconds, Span in seconds.
type rollupRow struct {
	OrganizationID string `gorm:"primaryKey"`
	EndpointID     string `gorm:"primaryKey"`
	Span           int64  `gorm:"primaryKey;autoIncrement:false"`
	Since          int64  `gorm:"primaryKey;autoIncrement:false"`
	Counts         Counts `gorm:"embedded"`
}

func (rollupRow) TableName() string { return "rollups" }

// rollupDelta is what one transaction adds to the rollups.
type rollupDelta struct {
	ID     string
	Counts string
}

func (rollupDelta) TableName() string { return "rollup_deltas" }

// traffic gathers counts of an endpoint's half hours.
type traffic map[halfHour]*Counts

type halfHour struct {
	organizationID, endpointID string
	since                      int64
}

func (t traffic) at(organizationID, endpointID string, at time.Time) *Counts {
	key := halfHour{organizationID, endpointID, at.Truncate(HalfHour).Unix()}
	c := t[key]
	if c == nil {
		c = &Counts{}
		t[key] = c
	}
	return c
}

// count adds what came of an attempt. Earlier is how the delivery had ended
// before, if it had: one that failed and arrived after all counts as delivered
// alone, and one that was delivered is not delivered twice.
func (t traffic) count(r *Result, v verdict, earlier *Delivery) {
	w, x := &r.Job.work, &r.Exchange
	if w.Trigger == TriggerTest {
		return
	}
	c := t.at(w.OrganizationID, r.Job.EndpointID, r.ended())
	c.attempt(x.Cause == "", x.StatusCode, x.Duration)
	switch {
	case v.state == Failed:
		c.Failed++
	case v.state == Delivered && (earlier == nil || earlier.State != Delivered):
		c.Delivered++
	}
	if v.state == Delivered && earlier != nil && earlier.State == Failed {
		t.at(w.OrganizationID, r.Job.EndpointID, *earlier.EndedAt).Failed--
	}
}

func (c *Counts) attempt(delivered bool, statusCode int, took time.Duration) {
	c.Attempts++
	if !delivered {
		c.FailedAttempts++
	}
	if statusCode != 0 {
		c.answer(took)
	}
}

// countedSpan is a half hour as a delta holds it.
type countedSpan struct {
	Organization string `json:"org"`
	Endpoint     string `json:"ep"`
	Since        int64  `json:"at"`
	Counts       []int  `json:"n"` // in the columns' order, zeros at the end left out
}

// save writes the counts beside what they count: whatever becomes of the
// transaction becomes of them. It is one row, however many endpoints are in it,
// and contended by nobody.
func (t traffic) save(db *gorm.DB, c *Clock) error {
	if len(t) == 0 {
		return nil
	}
	delta, err := t.delta(c)
	if err != nil {
		return err
	}
	if err := db.Create(delta).Error; err != nil {
		return fmt.Errorf("counting: %w", err)
	}
	return nil
}

// delta is the row that holds the counts.
func (t traffic) delta(c *Clock) (*rollupDelta, error) {
	spans := make([]countedSpan, 0, len(t))
	for key, counts := range t {
		spans = append(spans, countedSpan{key.organizationID, key.endpointID, key.since, counts.packed()})
	}
	body, err := json.Marshal(spans)
	if err != nil {
		return nil, err
	}
	return &rollupDelta{ID: c.newID(prefixDelta, c.Now()), Counts: string(body)}, nil
}

const prefixDelta = "cnt_"

func (c *Counts) packed() []int {
	cells := c.cells()
	last := len(cells)
	for last > 0 && *cells[last-1] == 0 {
		last--
	}
	list := make([]int, last)
	for i := range list {
		list[i] = *cells[i]
	}
	return list
}

func unpacked(list []int) (c Counts) {
	cells := c.cells()
	for i, n := range list[:min(len(list), len(cells))] {
		*cells[i] = n
	}
	return c
}

// RollUp adds, in one step, what was counted since the last one to the
// rollups. It returns how many groups of attempts that were, or FullStep when
// there are more: then call it again. A step writes few rows, so that others
// don't wait for it. Two never add the same, and one that is cut short has added
// nothing.
func (s *Store) RollUp(ctx context.Context) (int, error) {
	var deltas []rollupDelta
	var more bool
	err := s.transaction(ctx, func(tx *Tx) error {
		free, err := s.dialect.trySerialize(tx.DB, rollupLock)
		if err != nil || !free {
			return err
		}
		deltas, more = nil, false
		if err := tx.Order("id").Limit(FullStep).Find(&deltas).Error; err != nil || len(deltas) == 0 {
			return err
		}
		rows, n, err := rolledUp(deltas, rollupRows*s.dialect.groupWeight())
		if err != nil {
			return err
		}
		deltas, more = deltas[:n], n < len(deltas)
		if err := createAll(tx.Clauses(addToRollups()), rows); err != nil {
			return err
		}
		return tx.Delete(&deltas).Error
	})
	if err != nil {
		return 0, fmt.Errorf("rolling up: %w", err)
	}
	if more {
		return FullStep, nil
	}
	return len(deltas), nil
}

// rollupRows is for how many times a group's deliveries a step has rows.
const rollupRows = 2

// rolledUp adds deltas up to the rows of the spans that they are part of, n of
// them, until there are as many rows as that.
func rolledUp(deltas []rollupDelta, most int) (rows []rollupRow, n int, err error) {
	sums := map[rollupRow]*Counts{} // by a row without counts
	add := func(organizationID, endpointID string, span time.Duration, at time.Time, counts Counts) {
		key := rollupRow{OrganizationID: organizationID, EndpointID: endpointID, Span: int64(span / time.Second), Since: at.Truncate(span).Unix()}
		if sums[key] == nil {
			sums[key] = &Counts{}
		}
		sums[key].Add(counts)
	}
	for ; n < len(deltas) && len(sums) < most; n++ {
		var spans []countedSpan
		if err := json.Unmarshal([]byte(deltas[n].Counts), &spans); err != nil {
			return nil, 0, fmt.Errorf("reading counts: %w", err)
		}
		for _, s := range spans {
			counts, at := unpacked(s.Counts), time.Unix(s.Since, 0).UTC()
			add(s.Organization, "", HalfHour, at, counts)
			add(s.Organization, s.Endpoint, Hour, at, counts)
			add(s.Organization, s.Endpoint, Day, at, counts)
		}
	}
	rows = make([]rollupRow, 0, len(sums))
	for row, counts := range sums {
		row.Counts = *counts
		rows = append(rows, row)
	}
	// What is read together is written together.
	slices.SortFunc(rows, func(a, b rollupRow) int {
		return cmp.Or(cmp.Compare(a.OrganizationID, b.OrganizationID), cmp.Compare(a.EndpointID, b.EndpointID), cmp.Compare(a.Span, b.Span), cmp.Compare(a.Since, b.Since))
	})
	return rows, n, nil
}

func addToRollups() clause.OnConflict {
	add := map[string]any{}
	for _, column := range countColumns {
		add[column] = gorm.Expr("rollups." + column + " + excluded." + column)
	}
	return clause.OnConflict{Columns: []clause.Column{{Name: "organization_id"}, {Name: "endpoint_id"}, {Name: "span"}, {Name: "since"}},
		DoUpdates: clause.Assignments(add)}
}

// pruneRollups removes the counts of before a time.
func (s *Store) pruneRollups(db *gorm.DB, before time.Time) error {
	return db.Where("since < ?", before.Unix()).Delete(&rollupRow{}).Error
}

// countSums is the SQL that adds up all counts of some rows.
var countSums = func() string {
	sums := make([]string, len(countColumns))
	for i, column := range countColumns {
		sums[i] = "CAST(coalesce(sum(" + column + "), 0) AS bigint) AS " + column
	}
	return strings.Join(sums, ", ")
}()
