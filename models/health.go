package models

import "time"

// Health says how an endpoint fares, in one word. Pages, the API and metrics
// take it from here.
type Health string

// The kinds of health, as ?health= and pages name them.
const (
	HealthFailing  Health = "failing"
	HealthDegraded Health = "degraded"
	HealthHealthy  Health = "healthy"
	HealthQuiet    Health = "quiet"
	HealthDisabled Health = "disabled"
)

// Healths lists every kind, the worst first.
func Healths() []Health {
	return []Health{HealthFailing, HealthDegraded, HealthHealthy, HealthQuiet, HealthDisabled}
}

// What HealthOf goes by: an endpoint without an attempt for QuietAfter is quiet;
// one fails when its last success is FailingAfter before its last failure; a
// failure speaks against it for DegradedFor, unless it is one of at least
// FewFailures attempts in this hour and the one before.
const (
	QuietAfter   = 24 * time.Hour
	FailingAfter = time.Hour
	DegradedFor  = time.Hour
	FewFailures  = 100
)

// HealthOf judges by the times of the last success and failure, and by the last
// two hours of the endpoint's strip. The list of endpoints judges in the database
// by the same rule, so that it can be filtered and sorted there: see
// store.Tenant.EndpointPage. A test holds the two to each other.
func HealthOf(e *Endpoint, state EndpointState, strip []Step, now time.Time) Health {
	within := func(t *time.Time, d time.Duration) bool { return t != nil && now.Sub(*t) <= d }
	success, failure := state.LastSuccessAt, state.LastFailureAt
	switch {
	case !e.Enabled():
		return HealthDisabled
	case !within(success, QuietAfter) && !within(failure, QuietAfter):
		return HealthQuiet
	case failure != nil && (success == nil || failure.Sub(*success) > FailingAfter):
		return HealthFailing
	case within(failure, DegradedFor) && !fewFailures(strip):
		return HealthDegraded
	default:
		return HealthHealthy
	}
}

// fewFailures reports whether at most one in a hundred attempts of this hour and
// the one before failed. What is not counted yet is not few.
func fewFailures(strip []Step) bool {
	var recent Counts
	for _, hour := range strip[max(len(strip)-2, 0):] {
		recent.Add(hour.Counts)
	}
	return recent.FailedAttempts > 0 && recent.FailedAttempts*FewFailures <= recent.Attempts
}

// Backlog is an endpoint's state and what waits for it. With more waiting than
// is counted, nobody says how long the oldest does.
type Backlog struct {
	EndpointState
	Waiting       CountSoFar
	OldestWaiting *time.Time
}
