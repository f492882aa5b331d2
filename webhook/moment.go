package webhook

import (
	"errors"
	"regexp"
	"strings"
	"time"
)

var rfc3339 = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$`)

// ParseTime parses a time of RFC 3339, in letters of either case, with an offset
// of less than a day. It fails for any other form, and for leap seconds, which
// time.Time can't hold. InRange reports whether the time can be stored.
func ParseTime(text string) (time.Time, error) {
	if !rfc3339.MatchString(text) {
		return time.Time{}, errors.New("not a time of RFC 3339")
	}
	return time.Parse(time.RFC3339Nano, strings.ToUpper(text))
}

// InRange reports whether a time can be stored. It judges the time in UTC, the
// form in which times are stored, compared and sent. An offset can turn the last
// hours of 9999 into a year that RFC 3339 has no digits for and that SQLite sorts
// before all others, and the first hours of 1970 into a time before ids begin.
func InRange(at time.Time) bool {
	year := at.UTC().Year()
	return year >= 1970 && year <= 9999
}
