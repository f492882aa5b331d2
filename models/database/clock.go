package database

import (
	"sync/atomic"
	"time"
)

// Clock is the time that rows are written by: the machine's, plus what a test
// has moved it by. The zero value is the machine's clock. Leases and wakes are
// set and judged by the database’s clock, which the store moves by the same amount. Ids
// rise with the clock that they are made by.
type Clock struct {
	ahead    atomic.Int64
	lastTick atomic.Uint64 // of the newest id
}

// Now returns the time in UTC, in whole microseconds as both databases keep it.
func (c *Clock) Now() time.Time {
	return time.Now().Add(time.Duration(c.ahead.Load())).UTC().Truncate(time.Microsecond)
}

// Advance moves the clock on, for tests.
func (c *Clock) Advance(d time.Duration) { c.ahead.Add(int64(d)) }

// Ahead returns how far Advance has moved the clock.
func (c *Clock) Ahead() time.Duration { return time.Duration(c.ahead.Load()) }

// StrictlyAfter returns now, or the microsecond after previous if the clock has
// not moved on from it: a version in time rises with every change.
func StrictlyAfter(now, previous time.Time) time.Time {
	if now.After(previous) {
		return now
	}
	return previous.Add(time.Microsecond)
}
