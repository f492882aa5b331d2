package ui

import (
	"time"

	"hookwell/models"
)

// LastActivity returns when something last happened to a delivery.
func LastActivity(d models.Delivery) time.Time {
	switch {
	case d.LastAttemptAt != nil:
		return *d.LastAttemptAt
	case d.EndedAt != nil:
		return *d.EndedAt
	default:
		return d.CreatedAt
	}
}

// Relative says how app.js keeps the words of a time fresh.
type Relative string

const (
	RelativeAgo   Relative = "ago"   // "3 s ago"
	RelativeAge   Relative = "age"   // "3 s"
	RelativeSpan  Relative = "span"  // "4 d 1 h"
	RelativeUntil Relative = "until" // "in 2 min 13 s"
)

// relativeFor is how long a time that has passed is told by its age.
const relativeFor = 30 * 24 * time.Hour

// Words returns the time's words now, and whether they change with time.
func (r Relative) Words(now, t time.Time) (string, bool) {
	switch r {
	case RelativeAgo:
		return formatAgo(now, t), now.Sub(t) < relativeFor
	case RelativeAge:
		return formatAge(now, t), now.Sub(t) < relativeFor
	case RelativeSpan:
		return FormatSpan(max(now.Sub(t), 0)), now.Sub(t) < relativeFor
	default:
		return FormatUntil(now, t), true
	}
}

// MachineTime formats a time for programs: in UTC, to the millisecond.
func MachineTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
