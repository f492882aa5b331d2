package ui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"hookwell/models"
	"hookwell/static"
	"hookwell/webhook"
)

// IconPath returns the address of an icon in icons.svg.
func IconPath(name string) string { return static.Path("icons.svg") + "#" + name }

// StateClass is the class for a state's colour. Shape, colour and word always go
// together.
func StateClass(state models.State) string { return "is-" + string(state) }

// Look is the colour, icon and word of a condition.
type Look struct{ Class, Icon, Word string }

// HealthLook returns the look of an endpoint's health.
func HealthLook(health models.Health) Look {
	switch health {
	case models.HealthFailing:
		return Look{"is-bad", "failed", "Failing"}
	case models.HealthDegraded:
		return Look{"is-warn", "warn", "Degraded"}
	case models.HealthHealthy:
		return Look{"is-ok", "delivered", "Healthy"}
	case models.HealthDisabled:
		return Look{"is-off", "cancelled", "Disabled"}
	default:
		return Look{"is-wait", "pending", "Quiet"}
	}
}

// AnswerClass returns the class for a status code or, without one, a cause.
func AnswerClass(status int, cause webhook.Cause) string {
	switch {
	case !showsStatus(status, cause):
		return "code code--cause is-bad"
	case status < 300:
		return "code is-ok"
	case status < 400:
		return "code is-warn"
	default:
		return "code is-bad"
	}
}

// AnswerText returns the status code of the response, or the cause if there was
// none or the cause decided.
func AnswerText(status int, cause webhook.Cause) string {
	if showsStatus(status, cause) {
		return strconv.Itoa(status)
	}
	return string(cause)
}

// showsStatus is false when the status that came was not what decided.
func showsStatus(status int, cause webhook.Cause) bool {
	return status > 0 && (cause == "" || slices.Contains(webhook.StatusCauses(), cause))
}

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

// Input is one labelled input with its hint and its errors.
type Input struct {
	Name     string
	Label    string
	Note     string // "optional"
	Hint     string
	Required bool
	Faults   webhook.Faults // of the whole form
}

func (f Input) own() webhook.Faults { return FaultsAt(f.Faults, f.Name) }

// Named returns the attributes of an input that is sent under another name, as
// one of a list.
func (f Input) Named(name string) templ.Attributes {
	attributes := f.Attributes()
	attributes["name"] = name
	return attributes
}

// Attributes returns the attributes that tie the input to its label, hint and
// errors.
func (f Input) Attributes() templ.Attributes {
	attributes := templ.Attributes{"id": FieldID(f.Name), "name": f.Name}
	var described []string
	if len(f.own()) > 0 {
		attributes["aria-invalid"] = "true"
		described = append(described, ErrorID(f.Name))
	}
	if f.Hint != "" {
		described = append(described, HintID(f.Name))
	}
	if len(described) > 0 {
		attributes["aria-describedby"] = strings.Join(described, " ")
	}
	if f.Required {
		attributes["required"] = true
	}
	return attributes
}

// FaultsAt returns the faults of a field and of its parts: those of "data"
// include "data.amount". The number of further faults appears at the field of the
// last listed one.
func FaultsAt(faults webhook.Faults, name string) webhook.Faults {
	var own webhook.Faults
	isOwn := false
	for _, fault := range faults {
		if fault.More == 0 {
			isOwn = fault.Field == name || strings.HasPrefix(fault.Field, name+".") || strings.HasPrefix(fault.Field, name+"[")
		}
		if isOwn {
			own = append(own, fault)
		}
	}
	return own
}

// FaultSentence returns a fault as a sentence: inside data, messages such as "is
// required" follow the path.
func FaultSentence(fault webhook.Fault) string {
	if fault.Field == "data" || strings.HasPrefix(fault.Field, "data.") || strings.HasPrefix(fault.Field, "data[") {
		return fault.Field + " " + strings.TrimSuffix(fault.Message, ".") + "."
	}
	return fault.Text()
}

func faultTitle(n int) string {
	words := []string{"One thing needs a change", "Two things need a change", "Three things need a change",
		"Four things need a change", "Five things need a change", "Six things need a change"}
	if n <= len(words) {
		return words[max(n, 1)-1]
	}
	return fmt.Sprintf("%d things need a change", n)
}

// faultTarget returns the input that a fault is about: that of its first word.
func faultTarget(fault webhook.Fault) string {
	name, _, _ := strings.Cut(fault.Field, ".")
	name, _, _ = strings.Cut(name, "[")
	return "#" + FieldID(name)
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
