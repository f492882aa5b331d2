package views

import (
	"fmt"
	"strings"
	"time"

	"hookwell/models"
	"hookwell/views/ui"
	"hookwell/webhook"
)

// step is one line of the timeline: an attempt, or one still planned.
type step struct {
	number  int
	class   string
	icon    string
	when    string
	exact   *time.Time // of the next attempt, which is known to the second
	gap     string
	status  int
	cause   webhook.Cause
	took    string
	planned bool
	current bool
}

// steps returns the attempts made and those that the schedule still holds.
func (v DeliveryView) steps(now time.Time) []step {
	chosen := v.chosen()
	list := make([]step, 0, len(v.Attempts))
	previous := v.Delivery.CreatedAt
	for i := range v.Attempts {
		a := &v.Attempts[i]
		s := step{
			number: a.Number, class: "is-failed", icon: "failed",
			when: ui.FormatStep(now, previous, a.StartedAt, i == 0), gap: gapWords(a, previous, i == 0),
			status: a.StatusCode, cause: a.Cause, took: ui.FormatTook(a.Duration()),
			current: a == chosen && len(v.Attempts) > 1,
		}
		if a.Delivered() {
			s.class, s.icon = "is-delivered", "delivered"
		}
		list = append(list, s)
		previous = a.StartedAt
	}
	return append(list, v.planned(now)...)
}

func gapWords(a *models.Attempt, previous time.Time, first bool) string {
	gap := a.StartedAt.Sub(previous)
	switch {
	case a.Trigger == models.TriggerPerson:
		return "resent"
	case a.Trigger == models.TriggerTest:
		return "test"
	case first && gap < 2*time.Second:
		return "at once"
	default:
		return ui.FormatSpan(gap) + " later"
	}
}

// planned returns the attempts to come: the next by its time, the others about
// when the schedule puts them.
func (v DeliveryView) planned(now time.Time) []step {
	left := ui.ToCome(*v.Delivery)
	if v.Delivery.InFlight {
		left = max(left, 1)
	}
	list := make([]step, 0, left)
	next := now
	for i := range left {
		s := step{number: v.Delivery.AttemptCount + i + 1, class: "is-pending", icon: "pending", planned: true}
		switch {
		case i == 0 && v.Delivery.InFlight:
			s.when = "under way"
		case i == 0 && v.parked():
			s.when = "once the endpoint is enabled"
		case v.parked():
			s.when, s.gap = "after that", v.delayWords(left-i)
		case i == 0 && v.Delivery.NextAttemptAt != nil:
			next = *v.Delivery.NextAttemptAt
			s.exact, s.gap = v.Delivery.NextAttemptAt, ui.FormatClock(now, next)
		default:
			next = next.Add(v.delay(left - i))
			s.when, s.gap = ui.FormatAbout(now, next), v.delayWords(left-i)
		}
		list = append(list, s)
	}
	return list
}

// delay returns the schedule's wait before the attempt after which left-1 remain.
func (v DeliveryView) delay(left int) time.Duration {
	if v.Endpoint == nil {
		return 0
	}
	delays := v.Endpoint.Schedule.Delays
	if at := v.Delivery.PlannedAttempts - left; at >= 0 && at < len(delays) {
		return delays[at]
	}
	return 0
}

func (v DeliveryView) delayWords(left int) string {
	words := ""
	if d := v.delay(left); d > 0 {
		words = ui.FormatSpan(d) + " later"
	}
	if left == 1 {
		words = strings.TrimPrefix(words+", the last", ", ")
	}
	return words
}

// parked reports whether the delivery waits because its endpoint is disabled.
func (v DeliveryView) parked() bool {
	return v.Endpoint != nil && !v.Endpoint.Enabled() && !v.Delivery.Test
}

func (v DeliveryView) open() bool {
	return v.Delivery.State == models.Pending || v.Delivery.State == models.Retrying
}

// resendable: a resend is refused while an attempt is in flight and when the
// endpoint is gone.
func (v DeliveryView) resendable() bool { return !v.Delivery.InFlight && !v.gone() }

// cancellable: something is still to come that a person can take back.
func (v DeliveryView) cancellable() bool { return v.open() || v.Delivery.NextAttemptAt != nil }

func (v DeliveryView) path(slug string, attempt int) string {
	if attempt == 0 {
		return DeliveryPath(slug, v.Delivery.ID)
	}
	return fmt.Sprintf("%s?attempt=%d", DeliveryPath(slug, v.Delivery.ID), attempt)
}

func (v DeliveryView) outcomes() []bool {
	outcomes := make([]bool, len(v.Attempts))
	for i := range v.Attempts {
		outcomes[i] = v.Attempts[i].Delivered()
	}
	return outcomes
}

func (v DeliveryView) railWords() string {
	words := ui.RailWords(*v.Delivery)
	if strings.HasSuffix(words, "attempt") || strings.HasSuffix(words, "attempts") {
		return words
	}
	return words + " attempts"
}

func (v DeliveryView) scheduleLine() string {
	switch {
	case v.Delivery.Test:
		return "A test event, sent once"
	case v.Endpoint == nil:
		return ""
	default:
		return scheduleTitle(v.Endpoint.Schedule.Name) + " schedule, " + scheduleNote(v.Endpoint.Schedule)
	}
}

func (v DeliveryView) footLine() string {
	resend := fmt.Sprintf("A resend adds attempt %d", v.Delivery.AttemptCount+1)
	switch {
	case v.gone():
		return "The endpoint is deleted, so nothing more is sent."
	case v.open() && v.Delivery.AttemptCount+1 < v.Delivery.PlannedAttempts:
		return "Times to come vary by up to 20 %."
	case v.Delivery.LastCause == webhook.CauseNotRetried:
		return v.refusal() + resend + "."
	case v.Delivery.State == models.Failed:
		return "No attempt left. " + resend + "."
	case v.Delivery.State == models.Delivered:
		return resend + " and leaves it delivered."
	default:
		return ""
	}
}

// notice is the delivery's banner.
type notice struct {
	class, icon, title, text string
	test                     bool // a test event would help
}

// banner says what happened, how often, and what to do now. Where nothing is
// wrong there is none.
func (v DeliveryView) banner(now time.Time) (notice, bool) {
	what, do := v.Delivery.LastCause.Advice(v.Delivery.LastStatusCode)
	what, _, _ = strings.Cut(strings.TrimSuffix(what, "."), ": not tried again") // which failedWords say
	switch {
	case v.Delivery.State == models.Cancelled && v.Delivery.InFlight:
		return notice{"is-off", "cancelled", "Cancelled while an attempt is under way", "An answer of 2xx still makes it delivered; nothing follows a failure.", false}, true
	case v.open() && v.parked():
		return notice{"is-wait", "info", "Waits because the endpoint is disabled", "Enable the endpoint, and this delivery goes on.", false}, true
	case v.Delivery.State == models.Cancelled && v.gone():
		return notice{"is-off", "cancelled", "Cancelled because the endpoint was deleted", "", false}, true
	case what == "":
		return notice{}, false
	case v.Delivery.State == models.Failed:
		return notice{"is-bad", "failed", what, v.failedWords() + do, true}, true
	case v.Delivery.State == models.Retrying:
		return notice{"is-warn", "warn", what, v.retryingWords(now) + do, true}, true
	default:
		return notice{}, false
	}
}

func (v DeliveryView) failedWords() string {
	switch {
	case v.Delivery.AttemptCount == 0:
		return ""
	case v.Delivery.Test:
		return "Test events are not retried. "
	case v.Delivery.LastCause == webhook.CauseNotRetried:
		return v.refusal()
	case v.Delivery.AttemptCount == 1:
		return "The only attempt failed. "
	default:
		return fmt.Sprintf("All %d attempts failed. ", v.Delivery.AttemptCount)
	}
}

// refusal says of a delivery that its endpoint's setting ended why nothing follows,
// as the setting was then.
func (v DeliveryView) refusal() string {
	for _, a := range v.Attempts {
		if at := strings.Index(a.Error, webhook.NotTriedAgain); at >= 0 && a.Number == v.Delivery.AttemptCount {
			return a.Error[at:] + " "
		}
	}
	return webhook.NotTriedAgain + "the endpoint’s setting doesn’t retry this status. "
}

func (v DeliveryView) retryingWords(now time.Time) string {
	words := ui.Plural(v.Delivery.AttemptCount, "attempt") + " failed so far"
	if v.Delivery.NextAttemptAt != nil && !v.Delivery.InFlight {
		words += "; the next is " + strings.Replace(ui.FormatUntil(now, *v.Delivery.NextAttemptAt), "now", "due now", 1)
	}
	return words + ". "
}

func originWords(origin models.Origin) string {
	switch origin {
	case models.OriginAPI:
		return "through the API"
	case models.OriginTest:
		return "as a test"
	case models.OriginMapped:
		return "made of what a source received"
	case models.OriginRelayed:
		return "received by a source"
	default:
		return "by Hookwell"
	}
}
