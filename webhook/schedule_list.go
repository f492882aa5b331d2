package webhook

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ParseScheduleList parses an endpoint's own schedule as people write it: delays
// such as "0s, 5s, 5m, 1h30m, 1d", separated by commas, semicolons or spaces; a
// plain number is seconds. Its errors are sentences for people.
func ParseScheduleList(text string) (Schedule, error) {
	words := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' || r == ' ' || r == '\t' || r == '\n' || r == '\r' })
	seconds := make([]int, 0, len(words))
	for _, word := range words {
		n, ok := parseDelay(strings.ToLower(word))
		if !ok {
			return Schedule{}, sentence(fmt.Sprintf("%s is no delay. Write delays such as 0s, 5s, 5m, 1h or 1d, separated by commas.", printable(word)))
		}
		seconds = append(seconds, n)
	}
	if len(seconds) == 0 {
		return Schedule{}, sentence("Write at least one delay, such as 0s, 5s, 5m, 1h.")
	}
	return NewSchedule(seconds)
}

// delayUnits are the units of a delay, the largest first.
var delayUnits = []struct {
	name    byte
	seconds int
}{{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}}

// parseDelay reads one delay: numbers with falling units, or seconds alone.
func parseDelay(word string) (seconds int, ok bool) {
	if n, err := strconv.Atoi(word); err == nil {
		return n, n >= 0 && n <= int(maxSpan/time.Second)
	}
	for _, unit := range delayUnits {
		number, rest, found := strings.Cut(word, string(unit.name))
		if !found {
			continue
		}
		n, err := strconv.ParseUint(number, 10, 20)
		if err != nil {
			return 0, false
		}
		seconds, word, ok = seconds+int(n)*unit.seconds, rest, true
	}
	return seconds, ok && word == ""
}

// List returns the schedule in the form that ParseScheduleList reads: "0s, 5s,
// 5m, 1h30m".
func (s Schedule) List() string {
	words := make([]string, len(s.Delays))
	for i, delay := range s.Delays {
		left := int(delay / time.Second)
		var b strings.Builder
		for _, unit := range delayUnits {
			if n := left / unit.seconds; n > 0 {
				fmt.Fprintf(&b, "%d%c", n, unit.name)
				left %= unit.seconds
			}
		}
		if words[i] = b.String(); words[i] == "" {
			words[i] = "0s"
		}
	}
	return strings.Join(words, ", ")
}
