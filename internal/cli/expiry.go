package cli

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"hookwell/webhook"
)

// expiry is when a key ends, as it is written on the command line. The zero
// value is never.
type expiry struct {
	time time.Time
	days int
}

// UnmarshalText reads a date (00:00 UTC of that day), an RFC 3339 time, or a
// number of days such as 90d.
func (e *expiry) UnmarshalText(text []byte) error {
	written := string(text)
	if count, ok := strings.CutSuffix(written, "d"); ok {
		if days, err := strconv.Atoi(count); err == nil && days > 0 && days <= 36500 {
			e.days = days
			return nil
		}
	}
	for _, parse := range []func(string) (time.Time, error){webhook.ParseTime, parseDate} {
		if at, err := parse(written); err == nil {
			e.time = at.UTC()
			return nil
		}
	}
	return errors.New("write a date such as 2027-01-31, a time such as 2027-01-31T12:00:00Z, or days such as 90d")
}

func parseDate(text string) (time.Time, error) { return time.Parse(time.DateOnly, text) }

// at returns when a key that is made now ends; nil is never.
func (e expiry) at(now time.Time) *time.Time {
	switch {
	case e.days > 0:
		now = now.AddDate(0, 0, e.days)
		return &now
	case e.time.IsZero():
		return nil
	}
	return &e.time
}
