package views

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/views/ui"
)

// SourcesView is the list of sources.
type SourcesView struct{ Rows []models.SourceSummary }

// attention are the sources that somebody has to do something about, the worst
// first.
func (v SourcesView) attention(now time.Time) (list []attention) {
	for i := range v.Rows {
		if a, ok := attentionTo(&v.Rows[i], now); ok {
			list = append(list, a)
		}
	}
	slices.SortStableFunc(list, func(a, b attention) int { return strings.Compare(a.class, b.class) })
	return list
}

// attention is a source that needs somebody: what happened, and the next step. Mends is
// whether that is a change of its secrets, which only who administers can make.
type attention struct {
	source       *models.SourceSummary
	class, icon  string
	what, advice string
	narrowed     RequestQuery // the requests that it is about
	mends        bool
}

func attentionTo(s *models.SourceSummary, now time.Time) (attention, bool) {
	refused := RequestQuery{SourceID: s.ID, State: inbound.Refused, Period: "24h"}
	parked := RequestQuery{SourceID: s.ID, Processing: models.ProcessingFailed, Period: "24h"}
	switch s.Health() {
	case models.SourceRefusing:
		a := attention{source: s, class: "is-bad", icon: "failed", narrowed: refused}
		a.what, a.advice, a.mends = refusingWords(s, now)
		return a, true
	case models.SourceFailing:
		return attention{source: s, class: "is-bad", icon: "failed", what: "maps none of its requests",
			advice: ui.Plural(s.Failed, "request") + " of the last 24 hours became no event. They are kept: fix the mapping, then replay them.", narrowed: parked}, true
	case models.SourceDegraded:
		if s.Failed > 0 {
			return attention{source: s, class: "is-warn", icon: "warn", what: "couldn’t turn " + ui.Plural(s.Failed, "request") + " into events",
				advice: "They are kept. Look at one of them, fix the mapping, then replay them.", narrowed: parked}, true
		}
		return attention{source: s, class: "is-warn", icon: "warn", what: "refused " + ui.Plural(s.Refused, "request") + " within 24 hours",
			advice: "Others were accepted. Look at one of them: it says what went wrong.", narrowed: refused}, true
	}
	return attention{}, false
}

// refusingWords say since when a source refuses everything, and why. Mends is whether
// its secrets are to be looked at.
func refusingWords(s *models.SourceSummary, now time.Time) (what, advice string, mends bool) {
	what = "has no secret in force"
	switch row := s.Refusals; {
	case row == nil:
	case row.AllDay:
		what = "has refused every request of the last 24 hours"
	case ui.SameDay(row.Since.UTC(), now.UTC()):
		what = "has refused every request since " + row.Since.UTC().Format("15:04") + " UTC"
	default:
		what = "has refused every request since " + ui.FormatBrief(now, row.Since) + " UTC"
	}
	if s.Refusals != nil {
		advice = ui.UpperFirst(pluralOf(s.Refusals.Count, "request", "was", "were")) + " refused. "
	}
	if s.LacksSecret() {
		return what, advice + "No secret is in force, so nothing can be verified. Add the provider’s secret, or restore the one that ended.", true
	}
	cause := s.Refusals.Cause
	return what, advice + refusedTitle(cause) + ". " + refusedAdvice(cause), cause == inbound.CauseSignature
}

// pluralOf returns "1 request was", "37 requests were".
func pluralOf(n int, noun, one, many string) string {
	if n == 1 {
		return "1 " + noun + " " + one
	}
	return ui.Plural(n, noun) + " " + many
}

// providerTitle returns how people call a source's provider.
func providerTitle(name string) string {
	if p := inbound.Named(name); p != nil {
		return p.Title
	}
	return "Unknown provider"
}

// providerMark returns the two letters of a source's provider.
func providerMark(name string) string { return ui.ProviderMark(name, providerTitle(name)) }

// setUp says how far a source is set up, in a few words; empty once its first request
// has come.
func setUp(s *models.Source) string {
	switch {
	case s.FirstVerifiedAt != nil:
		return ""
	case inbound.Named(s.Provider) == nil:
		return "unknown provider"
	case s.LacksSecret():
		return "needs a secret"
	case s.Provider == "none":
		return "not verified"
	}
	return "no request yet"
}

// becoming is a provider's type and what the source's mappings make of it.
type becoming struct {
	from string
	into []string
}

// becomings lists what a source's mappings are for, in their order.
func becomings(s *models.Source) (list []becoming) {
	for _, text := range mappingsOf(s) {
		var m struct {
			Events json.RawMessage `json:"events"`
			Type   string          `json:"type"`
		}
		if json.Unmarshal(text, &m) != nil {
			continue
		}
		var events []string
		if json.Unmarshal(m.Events, &events) != nil {
			events = []string{"*"}
		}
		for _, event := range events {
			at := slices.IndexFunc(list, func(b becoming) bool { return b.from == event })
			if at < 0 {
				at, list = len(list), append(list, becoming{from: event})
			}
			if !slices.Contains(list[at].into, m.Type) {
				list[at].into = append(list[at].into, m.Type)
			}
		}
	}
	return list
}

// mappingsOf returns a source's own mappings, or its provider's.
func mappingsOf(s *models.Source) (list []json.RawMessage) {
	if s.Mappings != "" {
		_ = json.Unmarshal([]byte(s.Mappings), &list) // which was checked when it was saved
		return list
	}
	if p := inbound.Named(s.Provider); p != nil {
		return p.Mappings
	}
	return nil
}
