package models

import (
	"slices"
	"time"
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

// CountCells is how many numbers Counts has.
const CountCells = 4 + len(answerBounds)

// Cells returns all counts in the order of the table's columns.
func (c *Counts) Cells() [CountCells]*int {
	return [...]*int{&c.Attempts, &c.FailedAttempts, &c.Delivered, &c.Failed, &c.Ms5, &c.Ms10, &c.Ms20, &c.Ms40, &c.Ms70, &c.Ms100, &c.Ms150, &c.Ms200,
		&c.Ms300, &c.Ms500, &c.Ms800, &c.Ms1200, &c.Ms2000, &c.Ms5000, &c.Ms10000, &c.Ms30000}
}

func (c *Counts) answers() []*int { cells := c.Cells(); return cells[4:] }

// Add adds other counts.
func (c *Counts) Add(other Counts) {
	to, from := c.Cells(), other.Cells()
	for i := range to {
		*to[i] += *from[i]
	}
}

// Answered returns how many attempts got an answer, whatever it was.
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

// Quantile returns how long the given share of answers took at most, such as 0.95,
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

// Attempt counts one attempt, and its answer if there was one: a status code of 0
// is none.
func (c *Counts) Attempt(delivered bool, statusCode int, took time.Duration) {
	c.Attempts++
	if !delivered {
		c.FailedAttempts++
	}
	if statusCode != 0 {
		c.answer(took)
	}
}

// Packed returns the counts in the order of the table's columns, without the zeros
// at the end.
func (c *Counts) Packed() []int {
	cells := c.Cells()
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

// Step is the counts of one step of a chart, from At on.
type Step struct {
	At     time.Time
	Counts Counts
}

// StripHours is how many hours an endpoint's strip shows, this one included.
const StripHours = 24
