package views

import (
	"fmt"
	"strconv"
	"strings"

	"hookwell/models"
	"hookwell/views/ui"
)

// stripPart is one rectangle of a strip.
type stripPart struct {
	class   string
	x, y, h int
}

const (
	stripStep   = 5
	stripHeight = 20
)

func stripWidth(hours int) int { return max(hours*stripStep-2, 0) }

// stripParts draw the hours: what arrived above what did not. A few failures
// among many are still seen.
func stripParts(hours []models.Step) []stripPart {
	var parts []stripPart
	for i, hour := range hours {
		x, all, failed := i*stripStep, hour.Counts.Attempts, hour.Counts.FailedAttempts
		switch {
		case all <= 0:
			parts = append(parts, stripPart{"r-none", x, stripHeight - 3, 3})
		case failed == 0:
			parts = append(parts, stripPart{"r-ok", x, 0, stripHeight})
		case failed >= all:
			parts = append(parts, stripPart{"r-bad", x, 0, stripHeight})
		default:
			bad := min(max(failed*(stripHeight-1)/all, 2), stripHeight-4)
			parts = append(parts, stripPart{"r-ok", x, 0, stripHeight - 1 - bad}, stripPart{"r-bad", x, stripHeight - bad, bad})
		}
	}
	return parts
}

// stripWords returns a strip in a sentence.
func stripWords(hours []models.Step) string {
	return "Last 24 hours: " + hoursWords(hours)
}

func hoursWords(hours []models.Step) string {
	var sum models.Counts
	for _, hour := range hours {
		sum.Add(hour.Counts)
	}
	switch {
	case sum.Attempts == 0:
		return "no attempts"
	case sum.FailedAttempts == 0:
		return "every attempt arrived"
	case sum.FailedAttempts >= sum.Attempts:
		return "no attempt arrived"
	}
	runs := failingRuns(hours)
	if len(runs) > 3 {
		return fmt.Sprintf("%s of %s failed", ui.Plural(sum.FailedAttempts, "attempt"), ui.FormatCount(sum.Attempts))
	}
	return "failures " + strings.Join(runs, ", and ")
}

// failingRuns returns the stretches of hours in which something failed.
func failingRuns(hours []models.Step) []string {
	var runs []string
	for i := 0; i < len(hours); i++ {
		if hours[i].Counts.FailedAttempts == 0 {
			continue
		}
		from := i
		for i < len(hours) && hours[i].Counts.FailedAttempts > 0 {
			i++
		}
		if i == len(hours) {
			runs = append(runs, "since "+hours[from].At.UTC().Format("15:04"))
		} else {
			runs = append(runs, "between "+hours[from].At.UTC().Format("15:04")+" and "+hours[i].At.UTC().Format("15:04"))
		}
	}
	return runs
}

// successWords returns the share of what arrived: "99.8 %". It is not rounded to
// all or nothing.
func successWords(arrived, failed int) string {
	arrived, failed = max(arrived, 0), max(failed, 0)
	if arrived+failed == 0 {
		return ui.Nothing
	}
	return shareWords(float64(arrived)/float64(arrived+failed)) + " %"
}

func shareWords(share float64) string {
	percent := 100 * share
	switch {
	case percent == 0 || percent == 100:
		return strconv.Itoa(int(percent))
	case percent > 99.9:
		return "99.9"
	case percent < 0.1:
		return "0.1"
	default:
		return strconv.FormatFloat(percent, 'f', 1, 64)
	}
}

// attemptSuccess returns the share of attempts that arrived.
func attemptSuccess(c models.Counts) string {
	return successWords(c.Attempts-c.FailedAttempts, c.FailedAttempts)
}

// cutUnit takes a number and its unit apart.
func cutUnit(words string) (number, unit string) {
	if at := strings.LastIndexByte(words, ' '); at > 0 {
		return words[:at], words[at+1:]
	}
	return words, ""
}

// formatCountSoFar returns "372", or "1,000+" of what was counted only so far.
func formatCountSoFar(t models.CountSoFar) string {
	if t.More {
		return ui.FormatCount(t.N) + "+"
	}
	return ui.FormatCount(t.N)
}
