package views

import (
	"net/url"
	"strings"
	"time"

	"hookwell/webhook"
)

// span is a filter's stretch of time as the query string has it: a period up to
// now, or bounds, which go before it.
type span struct {
	Period string
	Since  string
	Until  string
}

// parseSpan reads a span from a query string. An unknown period counts as none.
func parseSpan(query func(key string) string) span {
	s := span{query("period"), strings.TrimSpace(query("since")), strings.TrimSpace(query("until"))}
	if _, ok := periodNamed(s.Period); !ok || s.Since != "" || s.Until != "" {
		s.Period = ""
	}
	return s
}

// filteredPath returns a path with a query of what is not empty.
func filteredPath(path string, pairs [][2]string) string {
	query := url.Values{}
	for _, pair := range pairs {
		if pair[1] != "" {
			query.Set(pair[0], pair[1])
		}
	}
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

func (s span) bounds(now time.Time) (since, until time.Time, faults webhook.Faults) {
	if p, ok := periodNamed(s.Period); ok {
		return now.Add(-p.length), time.Time{}, nil
	}
	since, ok := readMoment(s.Since)
	if !ok {
		faults = append(faults, webhook.Fault{Field: "since", Message: badMoment})
	}
	until, ok = readMoment(s.Until)
	if !ok {
		faults = append(faults, webhook.Fault{Field: "until", Message: badMoment})
	}
	return since, until, faults
}

// words returns how a chip shows the span.
func (s span) words() string {
	if p, ok := periodNamed(s.Period); ok {
		return p.words
	}
	var words []string
	if s.Since != "" {
		words = append(words, "since "+strings.Replace(s.Since, "T", " ", 1))
	}
	if s.Until != "" {
		words = append(words, "until "+strings.Replace(s.Until, "T", " ", 1))
	}
	return strings.Join(words, " ")
}

const badMoment = "Write a time in UTC, from 1970 to 9999, as 2026-04-20 or 2026-04-20T09:41."

// readMoment reads the forms that a date field, a time field and the API
// write. Nothing is no bound.
func readMoment(text string) (time.Time, bool) {
	if text == "" {
		return time.Time{}, true
	}
	if t, err := webhook.ParseTime(text); err == nil {
		return t.UTC(), webhook.InRange(t)
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04", "2006-01-02T15:04:05"} {
		if len(text) != len(layout) { // time.Parse would take a fraction behind either
			continue
		}
		if t, err := time.Parse(layout, text); err == nil {
			return t, webhook.InRange(t)
		}
	}
	return time.Time{}, false
}

type period struct {
	name   string
	words  string
	length time.Duration
}

func periods() []period {
	return []period{
		{"1h", "last hour", time.Hour},
		{"24h", "last 24 h", 24 * time.Hour},
		{"7d", "last 7 d", 7 * 24 * time.Hour},
		{"30d", "last 30 d", 30 * 24 * time.Hour},
	}
}

func periodNamed(name string) (period, bool) {
	for _, p := range periods() {
		if p.name == name {
			return p, true
		}
	}
	return period{}, false
}

// localMoment returns a bound as a datetime-local input takes it.
func localMoment(text string) string {
	t, ok := readMoment(text)
	if !ok || t.IsZero() {
		return ""
	}
	return t.Format("2006-01-02T15:04")
}
