package ui

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"hookwell/models"
)

// Nothing is shown in place of a missing value.
const Nothing = "–"

// OrNothing returns the text, or a dash if it is empty.
func OrNothing(text string) string {
	if text == "" {
		return Nothing
	}
	return text
}

// FormatCount writes a whole number with commas between thousands.
func FormatCount(n int) string { return models.Grouped(n) }

// Plural returns "1 attempt", "2 attempts".
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return FormatCount(n) + " " + noun + "s"
}

// FormatSize formats a size: in bytes up to 9,999, in KiB beyond.
func FormatSize(n int) string {
	if n < 10_000 {
		return Plural(n, "byte")
	}
	return FormatCount((n+512)/1024) + " KiB"
}

// FormatTook formats how long an exchange took: "192 ms", "1.2 s", "15.0 s".
func FormatTook(d time.Duration) string {
	switch {
	case d <= 0:
		return Nothing
	case d < time.Millisecond:
		return "< 1 ms"
	case d.Round(time.Millisecond) < time.Second:
		return strconv.FormatInt(d.Round(time.Millisecond).Milliseconds(), 10) + " ms"
	case d < time.Minute:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	default:
		return FormatSpan(d)
	}
}

// FormatSpan formats a length of time in its two largest units: "2 min 13 s", "4
// d 1 h", "5 h". app.js counts down in the same words.
func FormatSpan(d time.Duration) string {
	seconds := int(d.Round(time.Second) / time.Second)
	units := []struct {
		name string
		size int
	}{{"d", 86400}, {"h", 3600}, {"min", 60}, {"s", 1}}
	for i, unit := range units {
		if seconds < unit.size && unit.size > 1 {
			continue
		}
		words := fmt.Sprintf("%d %s", seconds/unit.size, unit.name)
		if rest := seconds % unit.size; i+1 < len(units) && rest/units[i+1].size > 0 {
			words += fmt.Sprintf(" %d %s", rest/units[i+1].size, units[i+1].name)
		}
		return words
	}
	return "0 s"
}

// formatAge formats how long ago something was, in its largest unit; after a month,
// the date.
func formatAge(now, t time.Time) string {
	d := now.Sub(t)
	switch {
	case d < time.Second:
		return "now"
	case d >= relativeFor:
		return t.UTC().Format("2 Jan 2006")
	}
	return strings.Join(strings.SplitN(FormatSpan(d), " ", 3)[:2], " ")
}

// formatAgo formats the same with "ago".
func formatAgo(now, t time.Time) string {
	switch d := now.Sub(t); {
	case d < time.Second:
		return "just now"
	case d < relativeFor:
		return formatAge(now, t) + " ago"
	default:
		return formatAge(now, t)
	}
}

// FormatUntil formats the time until then: "in 2 min 13 s", or "now" if it is
// due.
func FormatUntil(now, t time.Time) string {
	if d := t.Sub(now); d >= time.Second {
		return "in " + FormatSpan(d)
	}
	return "now"
}

// SameDay reports whether two times, both in UTC, are on the same day.
func SameDay(a, b time.Time) bool { return a.YearDay() == b.YearDay() && a.Year() == b.Year() }

// FormatDay formats a date and minute: "Thu 16 April, 08:39", with the year if it
// is not the present one.
func FormatDay(now, t time.Time) string {
	t = t.UTC()
	if t.Year() != now.UTC().Year() {
		return t.Format("2 January 2006, 15:04")
	}
	return t.Format("Mon 2 January, 15:04")
}

// FormatClock formats a time of today, or of another day with the day:
// "09:41:58", "Fri 17 April, 02:05:09".
func FormatClock(now, t time.Time) string {
	t, now = t.UTC(), now.UTC()
	if SameDay(t, now) {
		return t.Format("15:04:05")
	}
	return FormatFull(now, t)
}

// FormatFull formats a time with its day, even today's.
func FormatFull(now, t time.Time) string {
	t = t.UTC()
	if t.Year() != now.UTC().Year() {
		return t.Format("2 January 2006, 15:04:05")
	}
	return t.Format("Mon 2 January, 15:04:05")
}

// FormatDate formats a day, or the minute if it is today: "11 April", "07:54".
func FormatDate(now, t time.Time) string {
	t, now = t.UTC(), now.UTC()
	switch {
	case SameDay(t, now):
		return t.Format("15:04")
	case t.Year() == now.Year():
		return t.Format("2 January")
	default:
		return t.Format("2 January 2006")
	}
}

// FormatExact formats a time to the millisecond: "Today, 09:03:27.155".
func FormatExact(now, t time.Time) string {
	t, now = t.UTC(), now.UTC()
	switch {
	case SameDay(t, now):
		return t.Format("Today, 15:04:05.000")
	case t.Year() == now.Year():
		return t.Format("Mon 2 January, 15:04:05.000")
	default:
		return t.Format("2 January 2006, 15:04:05.000")
	}
}

// FormatAbout formats a planned time without false precision: "about 11:45",
// "Tue, about 02:45".
func FormatAbout(now, t time.Time) string {
	t, now = t.UTC(), now.UTC()
	if SameDay(t, now) {
		return t.Format("about 15:04")
	}
	return t.Format("Mon, about 15:04")
}

// ShortID shortens an id in the middle: "dlv_…rw4zn6e".
func ShortID(id string) string {
	prefix, rest, ok := strings.Cut(id, "_")
	if !ok || len(rest) <= 10 {
		return id
	}
	return prefix + "_…" + rest[len(rest)-7:]
}

// Initials returns the one or two letters of an avatar.
func Initials(name string) string {
	words := strings.Fields(name)
	if len(words) == 0 {
		return "?"
	}
	letters := string([]rune(words[0])[:1])
	if len(words) > 1 {
		letters += string([]rune(words[len(words)-1])[:1])
	}
	return strings.ToUpper(letters)
}

// StateWord returns the name of a delivery's state on pages, and "" for an
// unknown one.
func StateWord(state models.State) string {
	switch state {
	case models.Pending:
		return "Pending"
	case models.Retrying:
		return "Retrying"
	case models.Delivered:
		return "Delivered"
	case models.Failed:
		return "Failed"
	case models.Cancelled:
		return "Cancelled"
	default:
		return ""
	}
}

// WithArticle returns "an owner", "a guest".
func WithArticle(word string) string {
	if word != "" && strings.ContainsRune("aeio", rune(word[0])) {
		return "an " + word
	}
	return "a " + word
}

// FormatStep formats a time in the timeline, with its day if it differs from the
// line before.
func FormatStep(now, previous, t time.Time, first bool) string {
	a, b := previous.UTC(), t.UTC()
	if !first && SameDay(a, b) {
		return b.Format("15:04:05")
	}
	return FormatClock(now, t)
}

// FormatBrief formats a time for a narrow column.
func FormatBrief(now, t time.Time) string {
	t, now = t.UTC(), now.UTC()
	switch {
	case SameDay(t, now):
		return t.Format("15:04:05")
	case t.Year() == now.Year():
		return t.Format("2 Jan, 15:04")
	default:
		return t.Format("2 Jan 2006")
	}
}

// FormatRough formats a span in its largest unit, rounded: "3 d", "18 h".
func FormatRough(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%.0f d", d.Hours()/24)
	case d >= time.Hour:
		return fmt.Sprintf("%.0f h", d.Hours())
	default:
		return FormatSpan(d)
	}
}

// UpperFirst returns the text with its first letter, which must be ASCII, as a
// capital.
func UpperFirst(words string) string { return strings.ToUpper(words[:1]) + words[1:] }
