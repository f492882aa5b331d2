package webhook

import "time"

// InRange reports whether a time that somebody wrote can be kept. It is judged
// in UTC, the form in which times are stored, compared and sent: by an offset,
// the last hours of 9999 become a year that RFC 3339 has no digits for, and
// that SQLite sorts before all others; the first of 1970 a time before ids
// begin.
func InRange(at time.Time) bool {
	year := at.UTC().Year()
	return year >= 1970 && year <= 9999
}
