package views

import (
	"encoding/json"
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

func iconPath(name string) string { return static.Path("icons.svg") + "#" + name }

// htmxConfig keeps htmx within the Content-Security-Policy, and lets it swap
// the form that comes back with faults.
func htmxConfig() string {
	config, _ := json.Marshal(map[string]any{
		"includeIndicatorStyles":    false,
		"defaultSettleDelay":        0, // what was swapped in must work at once
		"historyCacheSize":          0,
		"refreshOnHistoryMiss":      true,
		"historyRestoreAsHxRequest": false,
		"allowEval":                 false,
		"selfRequestsOnly":          true,
		"disableInheritance":        true,
		"responseHandling": []map[string]any{
			{"code": "204", "swap": false},
			{"code": "[23]..", "swap": true},
			{"code": "422", "swap": true},
			{"code": "[45]..", "swap": false, "error": true},
		},
	})
	return string(config)
}

// csrfHeader is what every htmx request carries, by hx-headers on the body.
func csrfHeader(token string) string {
	header, _ := json.Marshal(map[string]string{"X-CSRF-Token": token})
	return string(header)
}

// stateClass colours and healthLook draws: shape, colour and word always go
// together.
func stateClass(state models.State) string { return "is-" + string(state) }

type look struct{ class, icon, word string }

func healthLook(health models.Health) look {
	switch health {
	case models.HealthFailing:
		return look{"is-bad", "failed", "Failing"}
	case models.HealthDegraded:
		return look{"is-warn", "warn", "Degraded"}
	case models.HealthHealthy:
		return look{"is-ok", "delivered", "Healthy"}
	case models.HealthDisabled:
		return look{"is-off", "cancelled", "Disabled"}
	default:
		return look{"is-wait", "pending", "Quiet"}
	}
}

// answerClass colours what came back: a status code, or a cause without one.
func answerClass(status int, cause webhook.Cause) string {
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

func answerText(status int, cause webhook.Cause) string {
	if showsStatus(status, cause) {
		return strconv.Itoa(status)
	}
	return string(cause)
}

// showsStatus is false when the status that came was not what decided.
func showsStatus(status int, cause webhook.Cause) bool {
	return status > 0 && (cause == "" || slices.Contains(webhook.StatusCauses(), cause))
}

type bar struct {
	class   string
	x, y, h int
	r       string
}

// maxBars keeps the rail of a delivery that was resent very often in its line.
const maxBars = 24

// bars draws the attempt rail: false is a failed attempt, true a delivered one,
// planned are those to come.
func bars(outcomes []bool, planned int) []bar {
	if len(outcomes) > maxBars {
		outcomes = outcomes[len(outcomes)-maxBars:]
	}
	planned = max(0, min(planned, maxBars-len(outcomes)))
	drawn := make([]bar, 0, len(outcomes)+planned)
	for _, delivered := range outcomes {
		b := bar{"r-bad", len(drawn) * 5, 5, 9, "1"}
		if delivered {
			b = bar{"r-ok", len(drawn) * 5, 0, 14, "1"}
		}
		drawn = append(drawn, b)
	}
	for range planned {
		drawn = append(drawn, bar{"r-plan", len(drawn) * 5, 11, 3, "1.5"})
	}
	return drawn
}

func railWidth(drawn []bar) int { return max(len(drawn)*5-2, 0) }

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

// toCome is how many attempts the schedule still holds.
func toCome(d models.Delivery) int {
	if d.State == models.Pending || d.State == models.Retrying {
		return max(d.PlannedAttempts-d.AttemptCount, 0)
	}
	return 0
}

// railWords is "3 of 10"; resends go beyond what was planned.
func railWords(d models.Delivery) string {
	if d.AttemptCount > d.PlannedAttempts {
		return plural(d.AttemptCount, "attempt")
	}
	return fmt.Sprintf("%d of %d", d.AttemptCount, d.PlannedAttempts)
}

func lastActivity(d models.Delivery) time.Time {
	switch {
	case d.LastAttemptAt != nil:
		return *d.LastAttemptAt
	case d.EndedAt != nil:
		return *d.EndedAt
	default:
		return d.CreatedAt
	}
}

// field is one labelled input with its hint and its faults.
type field struct {
	Name     string
	Label    string
	Note     string // "optional"
	Hint     string
	Required bool
	Faults   webhook.Faults // of the whole form
}

func (f field) own() webhook.Faults { return faultsAt(f.Faults, f.Name) }

// named is attributes of an input that is sent under another name: one of a list.
func (f field) named(name string) templ.Attributes {
	attributes := f.attributes()
	attributes["name"] = name
	return attributes
}

// attributes tie the input to its label, hint and faults.
func (f field) attributes() templ.Attributes {
	attributes := templ.Attributes{"id": fieldID(f.Name), "name": f.Name}
	var described []string
	if len(f.own()) > 0 {
		attributes["aria-invalid"] = "true"
		described = append(described, errorID(f.Name))
	}
	if f.Hint != "" {
		described = append(described, hintID(f.Name))
	}
	if len(described) > 0 {
		attributes["aria-describedby"] = strings.Join(described, " ")
	}
	if f.Required {
		attributes["required"] = true
	}
	return attributes
}

// faultsAt are the faults of a field and of what lies inside it: those of
// "data" include "data.amount". How many more there are stands at the field of
// the last one that is listed.
func faultsAt(faults webhook.Faults, name string) webhook.Faults {
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

// faultSentence is a fault as one reads it: inside data, messages such as "is
// required" follow the path.
func faultSentence(fault webhook.Fault) string {
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

// faultTarget is the input that a fault is about: that of its first word.
func faultTarget(fault webhook.Fault) string {
	name, _, _ := strings.Cut(fault.Field, ".")
	name, _, _ = strings.Cut(name, "[")
	return "#" + fieldID(name)
}

// relative is how app.js keeps a time's words fresh.
type relative string

const (
	relativeAgo   relative = "ago"   // "3 s ago"
	relativeAge   relative = "age"   // "3 s"
	relativeSpan  relative = "span"  // "4 d 1 h"
	relativeUntil relative = "until" // "in 2 min 13 s"
)

// relativeFor is how long a time that has passed is told by its age.
const relativeFor = 30 * 24 * time.Hour

// words are the time's words now, and whether they will change by themselves.
func (r relative) words(now, t time.Time) (string, bool) {
	switch r {
	case relativeAgo:
		return formatAgo(now, t), now.Sub(t) < relativeFor
	case relativeAge:
		return formatAge(now, t), now.Sub(t) < relativeFor
	case relativeSpan:
		return formatSpan(max(now.Sub(t), 0)), now.Sub(t) < relativeFor
	default:
		return formatUntil(now, t), true
	}
}

func machineTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
