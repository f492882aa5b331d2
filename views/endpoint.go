package views

import (
	"cmp"
	"strings"
	"time"

	"hookwell/models"
	"hookwell/views/ui"
	"hookwell/webhook"
)

// endpointTab is one of an endpoint's pages.
type endpointTab string

const (
	tabHealth   endpointTab = "health"
	tabSettings endpointTab = "settings"
	tabSecret   endpointTab = "secret"
)

// EndpointRow is one line of the endpoint list.
type EndpointRow struct {
	Endpoint *models.Endpoint
	State    models.EndpointState
	Health   models.Health
	Waiting  models.CountSoFar // deliveries that have not ended
	Counts   models.Counts
	Strip    []models.Step // of the last 24 hours
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

// NewTestBench returns the bench with the sample of one type, or of the first when
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

// endpointName returns the endpoint's title without what every URL begins with.
func endpointName(e *models.Endpoint) string { return bareURL(e.Title()) }

func bareURL(address string) string { return models.BareURL(address) }

// scheduleWords returns "Standard, 10 attempts".
func scheduleWords(s webhook.Schedule) string {
	return scheduleTitle(s.Name) + ", " + ui.Plural(len(s.Delays), "attempt")
}

func scheduleTitle(name string) string {
	if name == "" {
		return "Custom"
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

// scheduleNote returns "over 3 d 3 h".
func scheduleNote(s webhook.Schedule) string { return "over " + ui.FormatSpan(s.Span()) }

func disabledTitle(now time.Time, e *models.Endpoint) string {
	return "Disabled since " + ui.FormatDay(now, *e.DisabledAt) + " UTC"
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
		parts = append(parts, ui.Plural(v.Missed, "event")+" came meanwhile that it did not get.")
	}
	return strings.Join(append(parts, "New events are not sent here until it is enabled; test events are."), " ")
}

func disabledByRule(v EndpointView) string {
	at := *v.Endpoint.DisabledAt
	if v.State.FailingSince == nil {
		return "Hookwell disabled it: nothing had succeeded for days."
	}
	return "Hookwell disabled it: nothing had succeeded since " + ui.FormatDay(at, *v.State.FailingSince) + " UTC, and it failed on " + dayWords(v.State.Days()) + "."
}

func waitingWords(n models.CountSoFar) string {
	if n.N == 1 && !n.More {
		return "1 delivery waits, and goes on once it is enabled."
	}
	return formatCountSoFar(n) + " deliveries wait, and go on once it is enabled."
}
