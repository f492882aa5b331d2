package webhook

import "time"

// Schedule says how long a delivery waits before each of its attempts.
type Schedule struct {
	Name   string          // "standard", "patient", "brisk" or "custom"
	Delays []time.Duration // before each attempt, the first included
}

func ParseSchedule(name string) (Schedule, error)                       { return Schedule{}, nil }
func NewSchedule(seconds []int) (Schedule, error)                       { return Schedule{}, nil }
func Schedules() []Schedule                                             { return nil }
func (s Schedule) Delay(made int, random float64) (time.Duration, bool) { return 0, false }
func (s Schedule) Span() time.Duration                                  { return 0 }
func ParseRetryAfter(value string, now time.Time) (time.Duration, bool) { return 0, false }
