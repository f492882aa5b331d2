package views

import (
	"slices"
	"strings"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/views/ui"
)

// shownEvents is how many events of a request its page lists.
const shownEvents = 20

func noType(r *models.Request) string {
	if r.Reason == models.ReasonHandshake {
		return "Handshake"
	}
	return "No type"
}

// outcomeWords returns what a request without events became: a chip's word, or words.
func outcomeWords(r *models.Request) (chip, words string) {
	switch {
	case r.State == inbound.Refused:
		return string(r.Cause), ""
	case r.Processing == models.ProcessingFailed:
		return r.Reason, ""
	case r.Processing == models.ProcessingWaiting:
		return "", "Waiting to be processed"
	case r.Processing == models.ProcessingIgnored:
		return "", ignoredWords(r.Reason)
	case r.Reason == models.ReasonMail:
		return "", "About Hookwell’s own mail"
	}
	return "", "No event"
}

func ignoredWords(reason string) string {
	switch reason {
	case models.ReasonFiltered:
		return "Ignored by a filter"
	case models.ReasonUnmapped:
		return "No mapping for its type"
	case models.ReasonUnverified:
		return "Kept, not passed on"
	case models.ReasonRepeated:
		return "Its events were made before"
	case models.ReasonHandshake:
		return "The provider asked whether the URL is ours"
	}
	return "Ignored"
}

// eventsShown are the events that the page lists, each with its deliveries: those that
// were mapped first.
func (v RequestView) eventsShown() []models.RequestEvent {
	events := slices.Clone(v.Request.Events)
	slices.SortStableFunc(events, func(a, b models.RequestEvent) int { return strings.Compare(madeTag(a), madeTag(b)) })
	return events[:min(len(events), shownEvents)]
}

// ShownEvents returns the ids of the events whose deliveries the page shows.
func (v RequestView) ShownEvents() (ids []string) {
	for _, e := range v.eventsShown() {
		ids = append(ids, e.EventID)
	}
	return ids
}

// shownDeliveries is how many deliveries of an event are shown one by one.
const shownDeliveries = 6

// deliveriesOf returns the deliveries of an event that are shown. Of more than six those
// are that haven't arrived; rest sums up the others, "34 delivered", and is empty if
// there are none.
func (v RequestView) deliveriesOf(eventID string) (shown []models.Delivery, rest string) {
	left, total := map[models.State]int{}, 0
	for state, n := range v.Counts[eventID] {
		left[state] = n
		total += n
	}
	for _, d := range v.Deliveries {
		if d.EventID == eventID && len(shown) < shownDeliveries && (total <= shownDeliveries || d.State != models.Delivered) {
			shown = append(shown, d)
			left[d.State]--
		}
	}
	var words []string
	for _, state := range models.States() {
		if n := left[state]; n > 0 {
			words = append(words, ui.FormatCount(n)+" "+strings.ToLower(ui.StateWord(state)))
		}
	}
	return shown, strings.Join(words, ", ")
}

func madeTag(e models.RequestEvent) string {
	if e.Mapping == "" {
		return "relayed"
	}
	return "mapped"
}

// pathFacts is a delivery's line in the path: "200 in 151 ms, first attempt".
func pathFacts(d models.Delivery) string {
	if d.AttemptCount == 0 {
		return "no attempt yet"
	}
	answer := ui.AnswerText(d.LastStatusCode, d.LastCause)
	if took := d.LastDuration(); took > 0 {
		answer += " in " + ui.FormatTook(took)
	}
	return answer + ", attempt " + ui.FormatCount(d.AttemptCount)
}

func noEventTitle(r *models.Request) string {
	switch r.Processing {
	case models.ProcessingWaiting:
		return "Waiting"
	case models.ProcessingFailed:
		return "No event yet"
	}
	return "No event"
}

// notSentWords says why an event has no delivery here.
func notSentWords(view RequestView, event models.RequestEvent) string {
	switch {
	case event.Mapping == "":
		return "no endpoint subscribes to " + strings.SplitN(event.EventType, ".", 2)[0] + ".*"
	case view.Request.Test:
		return "a test reaches no endpoint on its own"
	}
	return "no endpoint was subscribed"
}

// repeatReason says by what a repeat was known.
func repeatReason(d models.DuplicateSeen) string {
	if d.Reason == "id" {
		return "The same id"
	}
	return "The same body"
}
