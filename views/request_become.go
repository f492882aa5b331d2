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
	}
	if words = reasonWords(r); words == "" {
		words = "No event"
	}
	return "", words
}

// reasonWords say why a request didn't become all that it might have, or "" if there is
// no reason.
func reasonWords(r *models.Request) string {
	switch r.Reason {
	case models.ReasonFiltered:
		return "Ignored by a filter"
	case models.ReasonUnmapped:
		return "No mapping for its type"
	case models.ReasonNotJSON:
		return "Its body isn’t JSON"
	case models.ReasonUnverified:
		if r.Processing == models.ProcessingProcessed {
			return "Not verified, so not mapped"
		}
		return "Kept, not passed on"
	case models.ReasonRepeated:
		return "Its event was made before"
	case models.ReasonHandshake:
		return "The provider asked whether the URL is ours"
	case models.ReasonMail:
		return "About Hookwell’s own mail"
	}
	return ""
}

// unmappedWords say exactly why a request wasn't mapped, or not all of it, and what can
// be done; "" if neither is to be said.
func unmappedWords(r *models.Request) (why, todo string) {
	switch r.Reason {
	case models.ReasonFiltered:
		why, todo = falseWords(r.Mappings()), "If it should count, change the condition and replay it."
	case models.ReasonUnmapped:
		why, todo = "No mapping is for "+visible(r.ExternalType)+".", "To have it mapped, add a mapping and replay it."
		if r.ExternalType == "" {
			why = "No mapping is for what it is."
		}
	case models.ReasonNotJSON:
		why, todo = "Its body isn’t JSON, so no mapping can read it.", "Have the provider send JSON."
	case models.ReasonUnverified:
		why, todo = "It is never mapped, because nobody verified it.", "Give the source a scheme that verifies."
	case models.ReasonRepeated:
		why, todo = "Another request became the event of "+namesText(r.Mappings())+" before.", "Nothing needs to be done."
	}
	return why, todo
}

// falseWords say which conditions are false.
func falseWords(mappings []string) string {
	if len(mappings) == 1 {
		return "The condition of " + mappings[0] + " is false."
	}
	return "The conditions of " + namesText(mappings) + " are false."
}

// namesText joins names: "a, b and c".
func namesText(names []string) string {
	switch len(names) {
	case 0:
		return "its mapping"
	case 1:
		return names[0]
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// lacksEvent reports whether the page draws what the request didn't become.
func (v RequestView) lacksEvent() bool {
	r := v.Request
	why, _ := unmappedWords(r)
	return len(r.Events) == 0 || r.Processing == models.ProcessingFailed || r.Processing == models.ProcessingProcessed && why != ""
}

// noEventWords is the line below what the request didn't become.
func noEventWords(r *models.Request) string {
	if why, todo := unmappedWords(r); why != "" && r.Processing != models.ProcessingWaiting {
		return why + " " + todo
	}
	_, words := outcomeWords(r)
	return words
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
	if why, _ := unmappedWords(r); why != "" {
		return reasonWords(r)
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
