package views

import (
	"fmt"
	"io"
	"slices"
	"time"

	"hookwell/models"
	"hookwell/views/ui"
)

// OverviewPeriod is how far back the overview looks.
type OverviewPeriod struct {
	Name   string // as ?period= has it; empty is the first
	Text   string
	Words  string // "in the last 24 hours"
	Before string // what the same time before is called
	Length time.Duration
	Step   time.Duration // of its charts
}

// OverviewPeriods lists the periods, the usual one first.
func OverviewPeriods() []OverviewPeriod {
	return []OverviewPeriod{
		{"", "24 h", "in the last 24 hours", "the day before", 24 * time.Hour, models.HalfHour},
		{"7d", "7 d", "in the last 7 days", "the week before", 7 * 24 * time.Hour, 3 * time.Hour},
		{"30d", "30 d", "in the last 30 days", "the month before", 30 * 24 * time.Hour, 12 * time.Hour},
	}
}

// OverviewPeriodNamed finds a period; anything unknown is the usual one.
func OverviewPeriodNamed(name string) OverviewPeriod {
	all := OverviewPeriods()
	if at := slices.IndexFunc(all, func(p OverviewPeriod) bool { return p.Name == name }); at >= 0 {
		return all[at]
	}
	return all[0]
}

// OverviewView is how an organization fares. Steps are of the period, Before is
// the sum of the same time before it.
type OverviewView struct {
	Period    OverviewPeriod
	Steps     []models.Step
	Before    models.Counts
	States    map[models.State]models.CountSoFar
	Endpoints int           // how many there are
	Failed    int           // at how many of them something failed for good
	Needing   int           // how many of them need a person, beyond what notices tell of
	Worst     []EndpointRow // those that fare worst, at most OverviewShown
	Needy     []EndpointRow // the first of those that need a person, at most TodoShown
	Notices   []models.Notice
	Refusing  []models.SourceSummary // the sources that refuse all that comes
}

// How many endpoints the overview shows.
const (
	TodoShown     = 5
	OverviewShown = 6
)

func (v OverviewView) traffic() traffic {
	return traffic{v.Steps, v.Period.Step, v.Period.Words}
}

// waiting is what has not ended, in all and by state. It is false where nobody
// counted that far.
func (v OverviewView) waiting() (all, pending, retrying models.CountSoFar, ok bool) {
	pending, known := v.States[models.Pending]
	retrying, also := v.States[models.Retrying]
	all = models.CountSoFar{N: pending.N + retrying.N, More: pending.More || retrying.More || !known || !also}
	return all, pending, retrying, known && also
}

// todo is something that needs a person.
type todo struct {
	class, icon        string
	name, path         string
	before, after      string // around the name
	text               string
	action, actionPath string
}

// told reports whether a notice stands of something that is wrong.
func (v OverviewView) told() bool {
	return slices.ContainsFunc(v.Notices, func(n models.Notice) bool { return n.Kind != models.NoticeRecovered })
}

// needing counts what needs a person beyond what notices tell of.
func (v OverviewView) needing() int { return v.Needing + len(v.Refusing) }

// sourceTodos returns the first of the sources that refuse all that comes.
func (v OverviewView) sourceTodos(page Page) (list []todo) {
	for i := range v.Refusing[:min(len(v.Refusing), TodoShown)] {
		s := &v.Refusing[i]
		t := todo{class: "is-bad", icon: "failed", name: s.Name, path: SourcePath(page.slug(), s.ID), action: "Look at the source", actionPath: SourcePath(page.slug(), s.ID)}
		what, advice, _ := refusingWords(s, page.Now)
		t.after, t.text = " "+what, advice
		list = append(list, t)
	}
	return list
}

// todos returns the first of what needs a person beyond what notices tell of.
func (v OverviewView) todos(page Page) []todo {
	return append(v.sourceTodos(page), v.endpointTodos(page)...)
}

func (v OverviewView) endpointTodos(page Page) []todo {
	list := make([]todo, len(v.Needy))
	for i, row := range v.Needy {
		t := todo{name: row.Endpoint.Title(), path: EndpointPath(page.slug(), row.Endpoint.ID)}
		switch {
		case row.Health == models.HealthFailing:
			list[i] = t.failing(page, row)
		case row.Health == models.HealthDisabled && row.Endpoint.DisabledReason != models.DisabledByPerson:
			list[i] = t.disabled(page, row)
		default:
			list[i] = t.failed(page, row, v.Period)
		}
	}
	return list
}

func (t todo) failing(page Page, row EndpointRow) todo {
	t.class, t.icon, t.after = "is-bad", "failed", " has never received anything"
	if row.State.LastSuccessAt != nil {
		t.after = " has received nothing for " + ui.FormatSpan(page.Now.Sub(*row.State.LastSuccessAt))
	}
	if n := row.Counts.FailedAttempts; n > 0 && n >= row.Counts.Attempts {
		t.text = "All of its " + ui.Plural(n, "attempt") + " failed"
	} else {
		t.text = "Its attempts fail"
	}
	t.text += waitingClause(row.Waiting) + "."
	t.action, t.actionPath = "Look at the endpoint", t.path
	return t
}

func waitingClause(waiting models.CountSoFar) string {
	switch {
	case waiting.N == 0:
		return ""
	case waiting.N == 1 && !waiting.More:
		return ", and 1 delivery is waiting"
	default:
		return ", and " + formatCountSoFar(waiting) + " deliveries are waiting"
	}
}

func (t todo) disabled(page Page, row EndpointRow) todo {
	t.class, t.icon, t.after = "is-bad", "cancelled", " was disabled by Hookwell"
	t.text = "Its receiver answered 410 on " + ui.FormatDay(page.Now, *row.Endpoint.DisabledAt) + " UTC: it is gone for good" + waitingClause(row.Waiting) + "."
	if row.Endpoint.DisabledReason != models.DisabledGone {
		t.text = "Nothing is sent to it since " + ui.FormatDay(page.Now, *row.Endpoint.DisabledAt) + " UTC" + waitingClause(row.Waiting) + "."
	}
	t.action, t.actionPath = "Look at the endpoint", t.path
	return t
}

func (t todo) failed(page Page, row EndpointRow, period OverviewPeriod) todo {
	t.class, t.icon = "is-warn", "warn"
	noun, have, they := " deliveries to ", " have no attempt left", "They"
	if row.Counts.Failed == 1 {
		noun, have, they = " delivery to ", " has no attempt left", "It"
	}
	t.before, t.after = ui.FormatCount(row.Counts.Failed)+noun, have
	t.path = DeliveryQuery{State: models.Failed, EndpointID: row.Endpoint.ID, Period: logPeriod(period)}.Path(page.slug())
	switch success, failure := row.State.LastSuccessAt, row.State.LastFailureAt; {
	case row.Health == models.HealthDisabled:
		t.text = they + " failed " + period.Words + ". The endpoint is disabled."
	case success != nil && (failure == nil || success.After(*failure)):
		t.text = they + " failed " + period.Words + ". The endpoint has answered well since, so a resend will likely arrive."
	default:
		t.text = they + " failed " + period.Words + ". The endpoint’s last attempt failed too: look at why before you resend."
	}
	t.action, t.actionPath = "Review and resend", t.path
	return t
}

// logPeriod returns the log's name of the period.
func logPeriod(p OverviewPeriod) string {
	for _, known := range periods() {
		if known.length == p.Length {
			return known.name
		}
	}
	return ""
}

// version reports whether the part would be drawn the same.
func (v OverviewView) version() string {
	return digest(OverviewID, func(sum io.Writer) {
		fmt.Fprintln(sum, v.Period.Name, v.Before, v.Steps, v.States, v.Endpoints, v.Failed, v.Needing)
		for _, n := range v.Notices {
			fmt.Fprintln(sum, n.ID)
		}
		for i := range v.Refusing {
			fmt.Fprintln(sum, v.Refusing[i].Name, v.Refusing[i].LacksSecret())
			if row := v.Refusing[i].Refusals; row != nil {
				fmt.Fprintln(sum, *row)
			}
		}
		for _, row := range slices.Concat(v.Worst, v.Needy) {
			fmt.Fprintln(sum, row.Endpoint.Title(), row.Health, row.Waiting, row.Counts)
		}
	})
}
