package ui

import (
	"fmt"

	"hookwell/models"
)

// Bar is one attempt of a rail.
type Bar struct {
	Class   string
	x, y, h int
	r       string
}

// MaxBars limits the bars of a delivery that was resent very often, so that its
// rail fits in a line.
const MaxBars = 24

// Bars returns the bars of a delivery's attempts: false is a failed attempt, true
// a delivered one; planned are the attempts to come.
func Bars(outcomes []bool, planned int) []Bar {
	if len(outcomes) > MaxBars {
		outcomes = outcomes[len(outcomes)-MaxBars:]
	}
	planned = max(0, min(planned, MaxBars-len(outcomes)))
	drawn := make([]Bar, 0, len(outcomes)+planned)
	for _, delivered := range outcomes {
		b := Bar{"r-bad", len(drawn) * 5, 5, 9, "1"}
		if delivered {
			b = Bar{"r-ok", len(drawn) * 5, 0, 14, "1"}
		}
		drawn = append(drawn, b)
	}
	for range planned {
		drawn = append(drawn, Bar{"r-plan", len(drawn) * 5, 11, 3, "1.5"})
	}
	return drawn
}

func railWidth(drawn []Bar) int { return max(len(drawn)*5-2, 0) }

// outcomesOf tells from a delivery alone how its attempts went: all failed but
// the last, or, when a resend failed after the success, the one before it.
func outcomesOf(d models.Delivery) []bool {
	outcomes := make([]bool, d.AttemptCount)
	success := d.AttemptCount - 1
	if d.LastCause != "" {
		success--
	}
	if d.State == models.Delivered && success >= 0 {
		outcomes[success] = true
	}
	return outcomes
}

// ToCome returns how many attempts the schedule has left.
func ToCome(d models.Delivery) int {
	if d.State == models.Pending || d.State == models.Retrying {
		return max(d.PlannedAttempts-d.AttemptCount, 0)
	}
	return 0
}

// RailWords returns "3 of 10". Resends go beyond the plan.
func RailWords(d models.Delivery) string {
	if d.AttemptCount > d.PlannedAttempts {
		return Plural(d.AttemptCount, "attempt")
	}
	return fmt.Sprintf("%d of %d", d.AttemptCount, d.PlannedAttempts)
}
