package views

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"hookwell/models"
	"hookwell/views/ui"
	"hookwell/webhook"
)

// EventQuery is the query string of the list of events: type, origin, missed,
// find, period, since, until, cursor, with the forms of DeliveryQuery. MissedBy
// is the endpoint that did not get them.
type EventQuery struct {
	Type     string
	Origin   models.Origin
	MissedBy string
	Find     string
	Period   string
	Since    string
	Until    string
	Cursor   string
}

// ParseEventQuery reads the filter from a query string. An unknown origin or
// period counts as none.
func ParseEventQuery(query func(key string) string) EventQuery {
	chosen := parseSpan(query)
	q := EventQuery{Type: query("type"), Origin: models.Origin(query("origin")), MissedBy: query("missed"), Find: searchWords(query("find")),
		Period: chosen.Period, Since: chosen.Since, Until: chosen.Until, Cursor: query("cursor")}
	if !slices.Contains(models.Origins(), q.Origin) {
		q.Origin = ""
	}
	return q
}

// Path returns the list under this filter.
func (q EventQuery) Path(slug string) string {
	return filteredPath(EventsPath(slug), [][2]string{
		{"type", q.Type}, {"origin", string(q.Origin)}, {"missed", q.MissedBy}, {"find", q.Find},
		{"period", q.Period}, {"since", q.Since}, {"until", q.Until}, {"cursor", q.Cursor},
	})
}

// Filter returns what the store is asked for at a time. It has faults at "since"
// and "until" when one of them can't be read.
func (q EventQuery) Filter(now time.Time) (models.EventFilter, webhook.Faults) {
	since, until, faults := q.span().bounds(now)
	return models.EventFilter{Types: chosenTypes(q.Type), Origin: q.Origin, MissedBy: q.MissedBy, Since: since, Until: until}, faults
}

func (q EventQuery) span() span { return span{q.Period, q.Since, q.Until} }

func (q EventQuery) without(part string) EventQuery {
	q.Cursor = ""
	switch part {
	case "type":
		q.Type = ""
	case "origin":
		q.Origin = ""
	case "missed":
		q.MissedBy, q.Find = "", ""
	case "period":
		q.Period, q.Since, q.Until = "", "", ""
	}
	return q
}

func (q EventQuery) from(cursor string) EventQuery {
	q.Cursor = cursor
	return q
}

func (q EventQuery) narrowed() bool { return q.from("") != EventQuery{} }

// EventsView is a page of the list of events. States counts their deliveries by
// state.
type EventsView struct {
	Query      EventQuery
	Rows       []models.Event // newest first
	States     map[string]map[models.State]int
	Older      string // cursor of the next page; empty when there is none
	Endpoints  EndpointChooser
	Categories []webhook.Category
	Faults     webhook.Faults // at since and until
}

func (v EventsView) newestPath(slug string) string {
	if v.Query.Cursor == "" {
		return ""
	}
	return v.Query.from("").Path(slug)
}

func (v EventsView) olderPath(slug string) string {
	if v.Older == "" {
		return ""
	}
	return v.Query.from(v.Older).Path(slug)
}

func (v EventsView) version() string {
	return digest(EventListID, func(sum io.Writer) {
		for _, e := range v.Rows {
			fmt.Fprintln(sum, e.ID, v.States[e.ID])
		}
	})
}

// summedStates returns the states in the order in which a sum names them.
func summedStates() []models.State {
	return []models.State{models.Delivered, models.Failed, models.Retrying, models.Pending, models.Cancelled}
}

func countWords(n int, state models.State) string {
	return ui.FormatCount(n) + " " + strings.ToLower(ui.StateWord(state))
}

// EventView is one event's page. Focus is the delivery whose attempts stand
// beside the payload, nil when there is none.
type EventView struct {
	Event     *models.Event
	Verdicts  []models.Verdict
	Focus     *DeliveryView
	InCatalog bool // its type still is
}

// FocusOf chooses the verdict whose attempts the page shows: the one that most
// needs somebody. It is nil when nothing was sent.
func FocusOf(verdicts []models.Verdict) *models.Verdict {
	for _, state := range models.States() {
		for i := range verdicts {
			if d := verdicts[i].Delivery; d != nil && d.State == state {
				return &verdicts[i]
			}
		}
	}
	return nil
}

// deliveryIDs are what the page listens for.
func (v EventView) deliveryIDs() string {
	var ids []string
	for _, verdict := range v.Verdicts {
		if verdict.Delivery != nil {
			ids = append(ids, verdict.Delivery.ID)
		}
	}
	return strings.Join(ids, " ")
}

func (v EventView) version() string {
	return digest(EventID, func(sum io.Writer) {
		for _, verdict := range v.Verdicts {
			fmt.Fprintln(sum, verdict.Endpoint.ID, verdict.Reason)
			if verdict.Delivery != nil {
				digestDeliveries(sum, []models.Delivery{*verdict.Delivery})
			}
		}
	})
}

// summary returns "4 deliveries: 2 delivered, 1 retrying, 1 pending".
func (v EventView) summary() string {
	counts, sent := map[models.State]int{}, 0
	for _, verdict := range v.Verdicts {
		if verdict.Delivery != nil {
			counts[verdict.Delivery.State]++
			sent++
		}
	}
	var parts []string
	for _, state := range summedStates() {
		if counts[state] > 0 {
			parts = append(parts, countWords(counts[state], state))
		}
	}
	switch {
	case sent == 0:
		return "Sent to no endpoint"
	case sent == 1:
		return "1 delivery: " + parts[0][2:]
	default:
		return ui.FormatCount(sent) + " deliveries: " + strings.Join(parts, ", ")
	}
}

// late reports whether the event was reported a while after it happened.
func (v EventView) late() bool {
	apart := v.Event.CreatedAt.Sub(v.Event.OccurredAt)
	return apart >= time.Second || apart <= -time.Second
}

func receivedWords(origin models.Origin) string {
	switch origin {
	case models.OriginAPI:
		return "Received through the API"
	case models.OriginTest:
		return "Sent as a test"
	case models.OriginMapped:
		return "Made of what a source received"
	case models.OriginRelayed:
		return "Received by a source"
	default:
		return "Reported by Hookwell"
	}
}

// focusTitle returns "Billing sync, so far and to come".
func (v DeliveryView) focusTitle() string {
	if v.open() && !v.Delivery.Test {
		return bareURL(v.endpointTitle()) + ", so far and to come"
	}
	return bareURL(v.endpointTitle()) + ", every attempt"
}

// resendWord returns the button's: what is still retried is only tried earlier.
func (v DeliveryView) resendWord() string {
	if v.open() {
		return "Try now"
	}
	return "Resend"
}
