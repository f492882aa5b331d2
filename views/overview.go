package views

import (
	"cmp"
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
	States    map[models.State]models.Tallied
	Endpoints []EndpointRow // every one
	Notices   []models.Notice
}

const (
	todoShown     = 5
	overviewShown = 6
)

func (v OverviewView) traffic() traffic {
	return traffic{v.Steps, v.Period.Step, v.Period.Words}
}

// shown are the endpoints that the page lists: those that fare worst.
func (v OverviewView) shown() []EndpointRow {
	rows := slices.Clone(v.Endpoints)
	order := models.Healths()
	slices.SortStableFunc(rows, func(a, b EndpointRow) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.Health), slices.Index(order, b.Health)), cmp.Compare(b.Counts.Attempts, a.Counts.Attempts))
	})
	return rows[:min(len(rows), overviewShown)]
}

// failing is at how many endpoints something failed for good.
func (v OverviewView) failing() (n int) {
	for _, row := range v.Endpoints {
		if row.Counts.Failed > 0 {
			n++
		}
	}
	return n
}

// waiting is what has not ended, in all and by state. It is false where nobody
// counted that far.
func (v OverviewView) waiting() (all, pending, retrying models.Tallied, ok bool) {
	pending, known := v.States[models.Pending]
	retrying, also := v.States[models.Retrying]
	all = models.Tallied{N: pending.N + retrying.N, More: pending.More || retrying.More || !known || !also}
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

// told tells whether a notice stands of something that is wrong.
func (v OverviewView) told() bool { return len(v.wrong()) > 0 }

// wrong are the endpoints that a notice says something is wrong with.
func (v OverviewView) wrong() map[string]bool {
	ids := map[string]bool{}
	for _, n := range v.Notices {
		if n.Kind != models.NoticeRecovered {
			ids[n.EndpointID] = true
		}
	}
	return ids
}

// todos are what needs a person beyond what notices tell of, the worst first,
// and how many there are.
func (v OverviewView) todos(page Page) ([]todo, int) {
	var bad, warn []todo
	wrong := v.wrong()
	for _, row := range v.Endpoints {
		t := todo{name: row.Endpoint.Title(), path: EndpointPath(page.slug(), row.Endpoint.ID)}
		switch {
		case wrong[row.Endpoint.ID]:
		case row.Health == models.HealthFailing:
			bad = append(bad, t.failing(page, row))
		case row.Health == models.HealthDisabled && row.Endpoint.DisabledReason != models.DisabledByPerson:
			bad = append(bad, t.disabled(page, row))
		case row.Counts.Failed > 0:
			warn = append(warn, t.failed(page, row, v.Period))
		}
	}
	all := append(bad, warn...)
	return all[:min(len(all), todoShown)], len(all)
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

func waitingClause(waiting models.Tallied) string {
	switch {
	case waiting.N == 0:
		return ""
	case waiting.N == 1 && !waiting.More:
		return ", and 1 delivery is waiting"
	default:
		return ", and " + formatTallied(waiting) + " deliveries are waiting"
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
	t.path = DeliveryFilter{State: models.Failed, EndpointID: row.Endpoint.ID, Period: logPeriod(period)}.Path(page.slug())
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

// logPeriod is the log's name of the period.
func logPeriod(p OverviewPeriod) string {
	for _, known := range periods() {
		if known.length == p.Length {
			return known.name
		}
	}
	return ""
}

// version tells whether the part would be drawn the same.
func (v OverviewView) version() string {
	return digest(OverviewID, func(sum io.Writer) {
		fmt.Fprintln(sum, v.Period.Name, v.Before, v.Steps, v.States)
		for _, n := range v.Notices {
			fmt.Fprintln(sum, n.ID)
		}
		for _, row := range v.Endpoints {
			fmt.Fprintln(sum, row.Endpoint.Title(), row.Health, row.Waiting, row.Counts)
		}
	})
}
