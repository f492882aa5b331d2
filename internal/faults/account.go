package faults

import (
	"fmt"
	"slices"
	"time"

	"hookwell/client"
)

// evidence is all that is known once everything has ended: what was promised,
// what Hookwell has on record, and what the receiver saw.
type evidence struct {
	accepted   []client.AcceptedEvent
	deliveries []delivery
	attempts   []attempt
	arrivals   []arrival
	excused    map[string]bool
	pastLease  bool
	over       time.Time // when the fault was
}

type delivery struct{ ID, Event, Endpoint, State string }

type attempt struct {
	Delivery string
	Number   int
	Cause    string
}

// Row is what came of one fault. The counts are of deliveries.
type Row struct {
	Fault         Fault
	Accepted      int
	Delivered     int // the receiver answered 2xx
	VisiblyFailed int // not delivered, and the log says so
	Lost          int
	Duplicates    int           // requests for what the receiver had taken already
	Last          time.Duration // from the end of the fault until the last delivery arrived
	Unsent        int           // attempts that ended as interrupted and never arrived
	Unrecorded    int           // attempts that ended as interrupted and did arrive
	Notes         []string
	Wrong         []string // what the promise does not allow
}

type attemptKey struct {
	delivery string
	number   int
}

// account compares the records.
func (e *evidence) account() Row {
	var row Row
	taken := e.weighArrivals(&row)
	rows := map[string][]delivery{}
	for _, d := range e.deliveries {
		rows[d.Event] = append(rows[d.Event], d)
	}
	promised := map[string]bool{}
	for _, a := range e.accepted {
		if promised[a.ID] {
			row.wrong("event %s was accepted twice under different keys", a.ID)
		}
		promised[a.ID] = true
		row.Accepted += a.Deliveries
		if missing := a.Deliveries - len(rows[a.ID]); missing > 0 {
			row.Lost += missing
			row.wrong("event %s: %d of %d deliveries are not on record", a.ID, missing, a.Deliveries)
		}
		for _, d := range rows[a.ID] {
			e.end(&row, d, taken[d.ID])
		}
	}
	for event := range rows {
		if !promised[event] {
			row.wrong("event %s is on record, though no report was answered with it", event)
		}
	}
	if row.Accepted == 0 {
		row.wrong("no event was accepted")
	}
	if row.Lost == 0 && row.Accepted != row.Delivered+row.VisiblyFailed {
		row.wrong("%d accepted, but %d delivered and %d visibly failed", row.Accepted, row.Delivered, row.VisiblyFailed)
	}
	return row
}

// weighArrivals goes through what the receiver saw, in its order, and answers
// which deliveries it took.
func (e *evidence) weighArrivals(row *Row) map[string]bool {
	causes := make(map[attemptKey]string, len(e.attempts))
	for _, a := range e.attempts {
		causes[attemptKey{a.Delivery, a.Number}] = a.Cause
	}
	seen, takenBy, taken := map[attemptKey]bool{}, map[string]int{}, map[string]bool{}
	arrivals := slices.Clone(e.arrivals)
	slices.SortStableFunc(arrivals, func(a, b arrival) int { return a.At.Compare(b.At) })
	for _, a := range arrivals {
		key := attemptKey{a.Delivery, a.Number}
		if _, ok := causes[key]; !ok {
			row.wrong("attempt %d of %s arrived and is not on record", a.Number, a.Delivery)
		}
		if seen[key] {
			row.wrong("attempt %d of %s arrived twice", a.Number, a.Delivery)
		}
		seen[key] = true
		if a.Forged {
			row.wrong("attempt %d of %s does not verify", a.Number, a.Delivery)
		}
		if taken[a.Delivery] {
			row.Duplicates++
			before := attemptKey{a.Delivery, takenBy[a.Delivery]}
			if !e.allowed(a.Delivery, causes[before]) {
				row.wrong("%s arrived again as attempt %d, though attempt %d was taken and is on record as %q",
					a.Delivery, a.Number, before.number, causes[before])
			}
		}
		if a.Status >= 200 && a.Status <= 299 {
			if !taken[a.Delivery] {
				row.Last = max(row.Last, a.At.Sub(e.over))
			}
			taken[a.Delivery], takenBy[a.Delivery] = true, a.Number
		}
	}
	for key, cause := range causes {
		switch {
		case cause != "interrupted":
		case seen[key]:
			row.Unrecorded++
		default:
			row.Unsent++
		}
	}
	return taken
}

// allowed reports whether a delivery may arrive again after an attempt that was
// taken: its answer was lost on the way, or the process that made the attempt
// died or was cut off before it could record it.
func (e *evidence) allowed(delivery, cause string) bool {
	switch cause {
	case "timeout", "reset":
		return true
	case "interrupted":
		return e.excused[delivery]
	}
	return e.pastLease && e.excused[delivery]
}

// end files one promised delivery under what became of it.
func (e *evidence) end(row *Row, d delivery, taken bool) {
	switch {
	case taken:
		row.Delivered++
	case d.State == "failed" || d.State == "cancelled":
		row.VisiblyFailed++
	default:
		row.Lost++
		row.wrong("%s is %s, and the receiver never took it", d.ID, d.State)
	}
	if d.State == "pending" || d.State == "retrying" {
		row.wrong("%s has not ended: it is %s", d.ID, d.State)
	}
	if taken && d.State != "delivered" && !e.excused[d.ID] && !e.answerLost(d.ID) {
		row.wrong("the receiver took %s, which is on record as %s", d.ID, d.State)
	}
}

// answerLost reports whether an attempt's answer did not come back.
func (e *evidence) answerLost(delivery string) bool {
	return slices.ContainsFunc(e.attempts, func(a attempt) bool {
		return a.Delivery == delivery && (a.Cause == "timeout" || a.Cause == "reset")
	})
}

func (r *Row) wrong(format string, arguments ...any) {
	r.Wrong = append(r.Wrong, fmt.Sprintf(format, arguments...))
}
