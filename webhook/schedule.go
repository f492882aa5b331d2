package webhook

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Schedule says how long a delivery waits before each of its attempts. Don't
// change Delays.
type Schedule struct {
	Name   string          // "standard", "patient", "brisk" or "custom"
	Delays []time.Duration // before each attempt, the first included
}

// CustomSchedule is the name of an endpoint's own schedule.
const CustomSchedule = "custom"

// Limits of an endpoint's own schedule.
const (
	MaxDelays       = 20
	MaxScheduleDays = 5 // from the event to the last attempt
)

const (
	maxSpan       = MaxScheduleDays * 24 * time.Hour
	jitter        = 0.2 // of a delay, to either side
	maxRetryAfter = 24 * time.Hour
)

// Schedules lists the named schedules, the default first.
func Schedules() []Schedule {
	const s, m, h = time.Second, time.Minute, time.Hour
	return []Schedule{
		{"standard", []time.Duration{0, 5 * s, 5 * m, 30 * m, 2 * h, 5 * h, 10 * h, 14 * h, 20 * h, 24 * h}},
		{"patient", []time.Duration{0, 5 * s, 30 * s, 2 * m, 10 * m, 30 * m, 1 * h, 4 * h, 12 * h}},
		{"brisk", []time.Duration{0, 1 * m, 5 * m, 30 * m, 2 * h, 12 * h}},
	}
}

// ParseSchedule returns a named schedule; "" is the default. Its error is a
// sentence that lists the names.
func ParseSchedule(name string) (Schedule, error) {
	schedules := Schedules()
	if name == "" {
		return schedules[0], nil
	}
	at := slices.IndexFunc(schedules, func(s Schedule) bool { return s.Name == name })
	if at < 0 {
		return Schedule{}, sentence("The schedule is standard, patient, brisk or a list of seconds.")
	}
	return schedules[at], nil
}

// NewSchedule returns an endpoint's own schedule: 1 to MaxDelays delays in
// seconds, MaxScheduleDays in all, of which only the first may be 0. Its errors
// are sentences for people.
func NewSchedule(seconds []int) (Schedule, error) {
	if len(seconds) == 0 || len(seconds) > MaxDelays {
		return Schedule{}, sentence(fmt.Sprintf("A schedule has 1 to %d delays, this one has %d.", MaxDelays, len(seconds)))
	}
	schedule := Schedule{Name: CustomSchedule, Delays: make([]time.Duration, len(seconds))}
	var sum int
	for i, n := range seconds {
		switch {
		case n < 0 || i > 0 && n == 0:
			return Schedule{}, sentence(fmt.Sprintf("Delay %d is %d s; the first is at least 0 s and the others at least 1 s.", i+1, n))
		case n > int(maxSpan/time.Second)-sum:
			return Schedule{}, sentence(fmt.Sprintf("The delays of a schedule add up to at most %d days.", MaxScheduleDays))
		}
		sum += n
		schedule.Delays[i] = time.Duration(n) * time.Second
	}
	return schedule, nil
}

// Delay returns how long to wait before the next attempt, given the number of
// attempts made. It spreads the delay by ±20 % with a random number of [0,1). It
// returns false if no attempt is left.
func (s Schedule) Delay(made int, random float64) (time.Duration, bool) {
	if made < 0 || made >= len(s.Delays) {
		return 0, false
	}
	return time.Duration(float64(s.Delays[made]) * (1 - jitter + 2*jitter*random)), true
}

// Span returns the time from the event to the last attempt, without jitter and
// without the duration of the attempts.
func (s Schedule) Span() time.Duration {
	var span time.Duration
	for _, delay := range s.Delays {
		span += delay
	}
	return span
}

// ParseRetryAfter parses the value of Retry-After (RFC 9110, section 10.2.3), a
// number of seconds or a date. It returns the time to wait from now: 24 hours at
// most, and 0 for a date in the past. It returns false for any other value,
// including negative numbers.
func ParseRetryAfter(value string, now time.Time) (time.Duration, bool) {
	value = strings.Trim(value, " \t")
	if value == "" {
		return 0, false
	}
	if strings.Trim(value, "0123456789") == "" {
		seconds, err := strconv.ParseInt(value, 10, 64)
		if err != nil || seconds > int64(maxRetryAfter/time.Second) { // more digits than fit are a long time too
			return maxRetryAfter, true
		}
		return time.Duration(seconds) * time.Second, true
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0, false
	}
	return min(max(at.Sub(now), 0), maxRetryAfter), true
}
