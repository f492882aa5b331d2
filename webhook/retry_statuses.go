package webhook

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// RetryStatuses says which failure statuses are tried again, in the API's form: a
// list of statuses and ranges such as "408,429,500-599", or of those that are
// not, such as "!401,!404". "" means all. ParseRetryStatuses makes one.
type RetryStatuses string

// Bounds of a list.
const (
	MaxRetryStatuses = 200 // characters
	minRetryStatus   = 300
	maxRetryStatus   = 599
)

// unknownStatus stands for a status that a list can't name: 101, or one of 600 and
// above. No server is to send these, and so they are failures of the server (RFC
// 9110, section 15).
const unknownStatus = 500

// RetryStatusesPattern is a regular expression that matches what
// ParseRetryStatuses accepts, except that it doesn't check the order of a range's
// ends.
const RetryStatusesPattern = `^\s*(` + statusItem + `(\s*,\s*` + statusItem + `)*|!` + statusItem + `(\s*,\s*!` + statusItem + `)*)?\s*$`

const statusItem = `[345]\d\d(-[345]\d\d)?`

// StatusSet is a parsed list of statuses. The zero StatusSet has all.
type StatusSet struct {
	spans   []statusSpan // sorted, with gaps between them; none is all statuses
	negated bool         // all but those
}

type statusSpan struct{ first, last int }

// ParseRetryStatuses parses a list, with spaces allowed around each item, and
// returns it sorted, with overlapping and adjoining items merged. It fails for an
// item that is no failure status, for a range from high to low, for a list that
// both names statuses and excludes some, and for more than MaxRetryStatuses
// characters. The error has a fault for each of these, with an empty field.
func ParseRetryStatuses(text string) (RetryStatuses, Faults) {
	set, faults := parseStatusSet(text)
	if len(faults) > 0 {
		return "", faults
	}
	return RetryStatuses(set.join(",")), nil
}

// Set returns the list in a form that can be searched. A list that can't be
// parsed, which is never saved, has all statuses.
func (s RetryStatuses) Set() StatusSet {
	set, faults := parseStatusSet(string(s))
	if len(faults) > 0 {
		return StatusSet{}
	}
	return set
}

func parseStatusSet(text string) (StatusSet, Faults) {
	var faults Faults
	if strings.TrimSpace(text) == "" {
		return StatusSet{}, nil
	}
	if len(text) > MaxRetryStatuses {
		faults.Add("", fmt.Sprintf("Use at most %d characters. A range such as 500-599 says the same shorter.", MaxRetryStatuses))
		return StatusSet{}, faults
	}
	var set StatusSet
	named := false
	for item := range strings.SplitSeq(text, ",") {
		item = strings.TrimSpace(item)
		plain, negated := strings.CutPrefix(item, "!")
		set.negated, named = set.negated || negated, named || !negated
		span, message := parseStatusSpan(plain)
		if message != "" {
			faults.Add("", message)
			continue
		}
		set.spans = append(set.spans, span)
	}
	if set.negated && named {
		faults.Add("", "Name the statuses that are tried again, or with ! before each those that are not, and not both.")
	}
	if len(faults) > 0 {
		return StatusSet{}, faults
	}
	set.spans = merged(set.spans)
	return set, nil
}

func parseStatusSpan(item string) (statusSpan, string) {
	if item == "" {
		return statusSpan{}, "An item is empty. Write statuses such as 408, or ranges such as 500-599, separated by commas."
	}
	low, high, isRange := strings.Cut(item, "-")
	if !isRange {
		high = low
	}
	first, ok := parseStatus(low)
	last, alsoOK := parseStatus(high)
	switch {
	case !ok || !alsoOK:
		return statusSpan{}, fmt.Sprintf("%s is no status. Write statuses such as 408, or ranges such as 500-599, separated by commas.", printable(item))
	case first > last:
		return statusSpan{}, fmt.Sprintf("%s goes from high to low. Write %d-%d.", item, last, first)
	case first < minRetryStatus || last > maxRetryStatus:
		return statusSpan{}, fmt.Sprintf("%s is outside of %d to %d, the statuses of failures.", item, minRetryStatus, maxRetryStatus)
	}
	return statusSpan{first, last}, ""
}

// parseStatus reads three digits.
func parseStatus(text string) (int, bool) {
	if len(text) != 3 || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	return n, err == nil
}

func merged(spans []statusSpan) []statusSpan {
	slices.SortFunc(spans, func(a, b statusSpan) int { return cmp.Or(a.first-b.first, a.last-b.last) })
	list := spans[:0]
	for _, span := range spans {
		if n := len(list); n > 0 && span.first <= list[n-1].last+1 {
			list[n-1].last = max(list[n-1].last, span.last)
		} else {
			list = append(list, span)
		}
	}
	return list
}

// Has reports whether a failure with the status is tried again. Status 0, no
// response, always is. One that a list can't name is as 500 is.
func (s StatusSet) Has(status int) bool {
	if len(s.spans) == 0 || status == 0 {
		return true
	}
	if status < minRetryStatus || status > maxRetryStatus {
		status = unknownStatus
	}
	within := slices.ContainsFunc(s.spans, func(span statusSpan) bool { return span.first <= status && status <= span.last })
	return within != s.negated
}

func (s StatusSet) join(separator string) string {
	return s.write(separator, map[bool]string{true: "!"}[s.negated])
}

func (s StatusSet) write(separator, before string) string {
	words := make([]string, len(s.spans))
	for i, span := range s.spans {
		if words[i] = before + strconv.Itoa(span.first); span.first < span.last {
			words[i] += "-" + strconv.Itoa(span.last)
		}
	}
	return strings.Join(words, separator)
}

// Words returns "only 408, 429, 500-599", "all but 401, 404", or "all".
func (s StatusSet) Words() string {
	switch {
	case len(s.spans) == 0:
		return "all"
	case s.negated:
		return "all but " + s.write(", ", "")
	}
	return "only " + s.write(", ", "")
}

// NotTriedAgain is the beginning of every WhyNotRetried.
const NotTriedAgain = "Not tried again: "

// WhyNotRetried returns a sentence that explains why no attempt follows a failure with
// this status, which the set does not have.
func (s StatusSet) WhyNotRetried() string {
	return NotTriedAgain + "the endpoint's setting retries " + s.Words() + "."
}
