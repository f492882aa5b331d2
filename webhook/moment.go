package webhook

import (
	"errors"
	"regexp"
	"strings"
	"time"
)

var rfc3339 = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$`)

// ParseTime reads a time as RFC 3339 writes it and no other: in letters of either
// case, with an offset of less than a day. It fails on anything else, and on
// leap seconds, which time.Time can't hold. Whether it can be kept, InRange says.
func ParseTime(text string) (time.Time, error) {
	if !rfc3339.MatchString(text) {
		return time.Time{}, errors.New("not a time of RFC 3339")
	}
	return time.Parse(time.RFC3339Nano, strings.ToUpper(text))
}

// InRange reports whether a time that somebody wrote can be kept. It is judged
// in UTC, the form in which times are stored, compared and sent: by an offset,
// the last hours of 9999 become a year that RFC 3339 has no digits for, and
// that SQLite sorts before all others; the first of 1970 a time before ids
// begin.
func InRange(at time.Time) bool {
	year := at.UTC().Year()
	return year >= 1970 && year <= 9999
}
