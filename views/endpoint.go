package views

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"hookwell/models"
	"hookwell/webhook"
)

// Health says how an endpoint fares.
type Health string

// The kinds of health, as ?health= and pages name them.
const (
	Failing  Health = "failing"
	Degraded Health = "degraded"
	Healthy  Health = "healthy"
	Quiet    Health = "quiet"
	Disabled Health = "disabled"
)

// Healths lists every kind in the order in which pages show them.
func Healths() []Health { return []Health{Failing, Degraded, Healthy, Quiet, Disabled} }

// endpointTab is one of an endpoint's pages.
type endpointTab string

const (
	tabHealth   endpointTab = "health"
	tabSettings endpointTab = "settings"
	tabSecret   endpointTab = "secret"
)

// HealthOf judges by the times of the last success and failure, and by the
// hours of its strip. Quiet is nothing in 24 hours, Failing no success in the
// hour before the last failure or since, Degraded a failure in the last hour
// beside successes, unless it is one among a hundred attempts or more.
func HealthOf(endpoint *models.Endpoint, state models.EndpointState, strip []models.Step, now time.Time) Health {
	within := func(t *time.Time, d time.Duration) bool { return t != nil && now.Sub(*t) <= d }
	success, failure := state.LastSuccessAt, state.LastFailureAt
	switch {
	case !endpoint.Enabled():
		return Disabled
	case !within(success, 24*time.Hour) && !within(failure, 24*time.Hour):
		return Quiet
	case failure != nil && (success == nil || failure.Sub(*success) > time.Hour):
		return Failing
	case within(failure, time.Hour) && !fewFailures(strip):
		return Degraded
	default:
		return Healthy
	}
}

// fewFailures tells whether at most one in a hundred attempts of this hour and
// the one before failed. What is not counted yet is not few.
func fewFailures(strip []models.Step) bool {
	var recent models.Counts
	for _, hour := range strip[max(len(strip)-2, 0):] {
		recent.Add(hour.Counts)
	}
	return recent.FailedAttempts > 0 && recent.FailedAttempts*100 <= recent.Attempts
}

// EndpointRow is one line of the endpoint list.
type EndpointRow struct {
	Endpoint *models.Endpoint
	State    models.EndpointState
	Health   Health
	Waiting  models.Tallied // deliveries that have not ended
	Counts   models.Counts
	Strip    []models.Step // of the last 24 hours
}

// EndpointsView is the list of endpoints. Health narrows it; empty shows all.
// Page counts from 1.
type EndpointsView struct {
	Rows    []EndpointRow
	Health  Health
	Page    int
	Notices []models.Notice
}

const endpointsOnPage = 50

// OnPage are the rows that the page shows, which need their strips.
func (v EndpointsView) OnPage() []EndpointRow {
	rows := v.shown()
	from := min(max(v.Page-1, 0)*endpointsOnPage, len(rows))
	return rows[from:min(from+endpointsOnPage, len(rows))]
}

func (v EndpointsView) hasNext() bool { return max(v.Page, 1)*endpointsOnPage < len(v.shown()) }

func (v EndpointsView) rangeWords() string {
	all, shown := len(v.shown()), len(v.OnPage())
	if shown == all {
		return formatCount(all) + " of " + formatCount(len(v.Rows))
	}
	from := max(v.Page-1, 0)*endpointsOnPage + 1
	return formatCount(from) + " to " + formatCount(from+shown-1) + " of " + formatCount(all)
}

func (v EndpointsView) path(slug string, number int) string {
	page := ""
	if number > 1 {
		page = strconv.Itoa(number)
	}
	return filteredPath(EndpointsPath(slug), [][2]string{{"health", string(v.Health)}, {"page", page}})
}

func (v EndpointsView) shown() []EndpointRow {
	if v.Health == "" {
		return v.Rows
	}
	return slices.DeleteFunc(slices.Clone(v.Rows), func(r EndpointRow) bool { return r.Health != v.Health })
}

func (v EndpointsView) count(health Health) int {
	n := 0
	for _, row := range v.Rows {
		if row.Health == health {
			n++
		}
	}
	return n
}

// EndpointView is one endpoint's page. Secret is set only on the answer that
// creates the endpoint: it is shown once.
type EndpointView struct {
	EndpointRow
	Oldest   *time.Time // since when the oldest of what waits does
	Secret   webhook.Secret
	Made     *models.EndpointSecret // the newest secret, but for what it is
	Bench    TestBench
	Recent   []models.Delivery // newest first
	Recovery RecoveryView
	Missed   int      // events since it was disabled
	Headers  []string // the names of its own
}

// TestBench is where a test event is written and its answer shown. Data is
// what was typed, or the sample of Type. Fields of faults: type, data, and
// paths inside it such as data.amount.
type TestBench struct {
	EndpointID string
	Categories []webhook.Category
	Type       string
	Data       string
	Faults     webhook.Faults
	Result     *TestResult // nil until one was sent
}

// TestResult is what came of a test event.
type TestResult struct {
	Delivery *models.Delivery
	Attempt  *models.Attempt
}

// NewTestBench is the bench with the sample of one type, or of the first when
// the type is unknown.
func NewTestBench(endpointID, eventType string, categories []webhook.Category) TestBench {
	bench := TestBench{EndpointID: endpointID, Categories: categories}
	for _, category := range categories {
		for _, t := range category.Types {
			if bench.Type == "" || t.Type == eventType {
				bench.Type, bench.Data = t.Type, indentJSON(t.Example)
			}
		}
	}
	return bench
}

// endpointName is the endpoint's title without what every URL begins with.
func endpointName(e *models.Endpoint) string { return bareURL(e.Title()) }

func bareURL(address string) string { return strings.TrimPrefix(address, "https://") }

// scheduleWords is "Standard, 10 attempts".
func scheduleWords(s webhook.Schedule) string {
	return scheduleTitle(s.Name) + ", " + plural(len(s.Delays), "attempt")
}

func scheduleTitle(name string) string {
	if name == "" {
		return "Custom"
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

// scheduleNote is "over 3 d 3 h".
func scheduleNote(s webhook.Schedule) string { return "over " + formatSpan(s.Span()) }

func disabledTitle(now time.Time, e *models.Endpoint) string {
	return "Disabled since " + formatDay(now, *e.DisabledAt) + " UTC"
}

// disabledText says why it is disabled, what waits and what to do.
func disabledText(v EndpointView) string {
	parts := []string{}
	switch reason := v.Endpoint.DisabledReason; reason {
	case "":
	case models.DisabledByPerson:
		parts = append(parts, cmp.Or(v.Endpoint.DisabledBy, "A member")+" disabled it.")
	case models.DisabledFailing:
		parts = append(parts, disabledByRule(v))
	case models.DisabledGone:
		parts = append(parts, "Its receiver answered 410: it is gone for good.")
	default:
		parts = append(parts, strings.TrimSuffix(reason, ".")+".")
	}
	if v.Waiting.N > 0 {
		parts = append(parts, waitingWords(v.Waiting))
	}
	if v.Missed > 0 {
		parts = append(parts, plural(v.Missed, "event")+" came meanwhile that it did not get.")
	}
	return strings.Join(append(parts, "New events are not sent here until it is enabled; test events are."), " ")
}

func disabledByRule(v EndpointView) string {
	at := *v.Endpoint.DisabledAt
	if v.State.FailingSince == nil {
		return "Hookwell disabled it: nothing had succeeded for days."
	}
	return "Hookwell disabled it: nothing had succeeded since " + formatDay(at, *v.State.FailingSince) + " UTC, and it failed on " + dayWords(v.State.Days()) + "."
}

func waitingWords(n models.Tallied) string {
	if n.N == 1 && !n.More {
		return "1 delivery waits, and goes on once it is enabled."
	}
	return formatTallied(n) + " deliveries wait, and go on once it is enabled."
}
