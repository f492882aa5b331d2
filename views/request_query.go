package views

import (
	"slices"
	"strings"
	"time"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/views/ui"
	"hookwell/webhook"
)

// RequestQuery is the query string of the log of requests: state, source, cause,
// outcome, type, q, period, since, until, cursor, with the times of DeliveryQuery.
// Search is the provider's id of a request.
type RequestQuery struct {
	State      inbound.State
	SourceID   string
	Cause      inbound.Cause
	Processing models.Processing
	Type       string // the provider's, or a prefix such as "invoice.*"
	Search     string
	Period     string
	Since      string
	Until      string
	Cursor     string
}

// ParseRequestQuery reads the filter from a query string. What nobody can have
// chosen counts as none.
func ParseRequestQuery(query func(key string) string) RequestQuery {
	chosen := parseSpan(query)
	q := RequestQuery{State: inbound.State(query("state")), SourceID: query("source"), Cause: inbound.Cause(query("cause")), Processing: models.Processing(query("outcome")),
		Type: searchWords(query("type")), Search: searchWords(query("q")), Period: chosen.Period, Since: chosen.Since, Until: chosen.Until, Cursor: query("cursor")}
	if !slices.Contains(models.RequestStates(), q.State) {
		q.State = ""
	}
	if !slices.Contains(inbound.Causes(), q.Cause) {
		q.Cause = ""
	}
	if !slices.Contains(models.Processings(), q.Processing) {
		q.Processing = ""
	}
	if !strings.HasPrefix(q.SourceID, models.PrefixSource) {
		q.SourceID = ""
	}
	return q
}

func (q RequestQuery) pairs() [][2]string {
	return [][2]string{{"state", string(q.State)}, {"source", q.SourceID}, {"cause", string(q.Cause)}, {"outcome", string(q.Processing)}, {"type", q.Type},
		{"q", q.Search}, {"period", q.Period}, {"since", q.Since}, {"until", q.Until}, {"cursor", q.Cursor}}
}

// Path returns the log under this filter.
func (q RequestQuery) Path(slug string) string { return filteredPath(RequestsPath(slug), q.pairs()) }

// ReplayPath asks before what this filter shows is replayed; POST begins.
func (q RequestQuery) ReplayPath(slug string) string {
	return filteredPath(RequestsPath(slug)+"/replay", q.from("").pairs())
}

// Filter returns what the store is asked for at a time. It has faults at "since" and
// "until" when one of them can't be read.
func (q RequestQuery) Filter(now time.Time) (models.RequestFilter, webhook.Faults) {
	since, until, faults := q.span().bounds(now)
	f := models.RequestFilter{SourceID: q.SourceID, ExternalID: q.Search, ExternalTypes: chosenTypes(q.Type), Since: since, Until: until}
	if q.State != "" {
		f.States = []inbound.State{q.State}
	}
	if q.Cause != "" {
		f.Causes = []inbound.Cause{q.Cause}
	}
	if q.Processing != "" {
		f.Processing = []models.Processing{q.Processing}
	}
	return f, faults
}

func (q RequestQuery) span() span { return span{q.Period, q.Since, q.Until} }

// without returns the filter with some of its parts taken out and back on the newest
// page.
func (q RequestQuery) without(parts ...string) RequestQuery {
	q.Cursor = ""
	for _, part := range parts {
		switch part {
		case "state":
			q.State = ""
		case "source":
			q.SourceID = ""
		case "cause":
			q.Cause = ""
		case "outcome":
			q.Processing = ""
		case "type":
			q.Type = ""
		case "q":
			q.Search = ""
		case "period":
			q.Period, q.Since, q.Until = "", "", ""
		}
	}
	return q
}

// inState chooses a state, and takes out what requests of that state can't have.
func (q RequestQuery) inState(state inbound.State) RequestQuery {
	q.Cursor, q.State = "", state
	if state == inbound.Refused {
		q.Processing = ""
	} else if state != "" {
		q.Cause = ""
	}
	return q
}

func (q RequestQuery) from(cursor string) RequestQuery {
	q.Cursor = cursor
	return q
}

func (q RequestQuery) narrowed() bool { return q.from("") != RequestQuery{} }

// chips are the filters in force, but for the state, each with the query without it.
func (q RequestQuery) chips(sourceName func(id string) string) (chips []queryChip) {
	for _, c := range []struct{ part, name, value string }{
		{"source", "Source", sourceName(q.SourceID)}, {"cause", "Cause", string(q.Cause)}, {"outcome", "Outcome", processingWord(q.Processing)},
		{"type", "Type", q.Type}, {"q", "Id", q.Search}, {"period", "Period", q.span().words()},
	} {
		if c.value != "" {
			chips = append(chips, queryChip{c.name, c.value, q.without(c.part)})
		}
	}
	return chips
}

type queryChip struct {
	name, value string
	without     RequestQuery
}

// processingWord is how pages call the states of processing.
func processingWord(p models.Processing) string {
	switch p {
	case models.ProcessingWaiting:
		return "Waiting"
	case models.ProcessingProcessed:
		return "Became events"
	case models.ProcessingIgnored:
		return "Ignored"
	case models.ProcessingFailed:
		return "Not processed"
	}
	return ""
}

// RequestsView is a page of the log of requests.
type RequestsView struct {
	Query   RequestQuery
	Rows    []models.Request // newest first
	Older   string           // cursor of the next page; empty when there is none
	Sources []models.Source
	Replays []models.RequestReplay // under way, or just ended
	Counts  models.RequestCounts   // of what the other filters leave
	Hours   []models.RequestHour   // the last 24, of the source if one is chosen; empty if they aren't shown
	Faults  webhook.Faults         // at since and until
}

func (v RequestsView) newestPath(slug string) string {
	if v.Query.Cursor == "" {
		return ""
	}
	return v.Query.from("").Path(slug)
}

func (v RequestsView) olderPath(slug string) string {
	if v.Older == "" {
		return ""
	}
	return v.Query.from(v.Older).Path(slug)
}

func (v RequestsView) sourceName(id string) string {
	for i := range v.Sources {
		if v.Sources[i].ID == id {
			return v.Sources[i].Name
		}
	}
	if id == "" {
		return ""
	}
	return ui.ShortID(id)
}

// mark returns the two letters of a request's source: its provider's, or, of a
// source that is gone, those of its slug.
func (v RequestsView) mark(r *models.Request) string {
	for i := range v.Sources {
		if v.Sources[i].ID == r.SourceID {
			return providerMark(v.Sources[i].Provider)
		}
	}
	return ui.ProviderMark("", ui.OrNothing(r.SourceSlug))
}

func (v RequestsView) version() string { return requestVersion(RequestLogID, v.Rows) }
