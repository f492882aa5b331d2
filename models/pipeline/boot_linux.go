package pipeline

import (
	"time"

	"golang.org/x/sys/unix"
)

// sinceBoot returns how long the machine runs, its sleep included: time.Since leaves
// that out.
func sinceBoot() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		panic(err) // Linux has had it since 2.6.39
	}
	return time.Duration(t.Nano())
}
