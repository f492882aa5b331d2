package views

import (
	"fmt"
	"io"
	"slices"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/views/ui"
	"hookwell/webhook"
)

// replayable reports whether any of the rows can be replayed.
func (v RequestsView) replayable() bool {
	return slices.ContainsFunc(v.Rows, func(r models.Request) bool { return Replayable(&r) })
}

// Replayable reports whether a request can be turned into events again.
func Replayable(r *models.Request) bool {
	return r.State != inbound.Refused && r.Reason != models.ReasonHandshake && r.BodyDroppedAt == nil
}

// ReplayForm asks before many requests are replayed.
type ReplayForm struct {
	Query     RequestQuery
	Count     int
	PerSecond string
	Force     bool
	Faults    webhook.Faults
}

// MostReplayed is how many requests a replay takes a second at most.
const MostReplayed = 500

// RequestReplayForm asks before the events of one request are made again. Becomes is
// what it would become, and Endpoints are the organization's.
type RequestReplayForm struct {
	Request   *models.Request
	Becomes   *models.PreviewedRequest
	Endpoints []models.Endpoint
}

// reachedBy is an event that would be made again, and how many endpoints get it.
type reachedBy struct {
	kind      string
	endpoints int
}

// reaches lists the events that would be made, each with the endpoints that get it now.
func (f RequestReplayForm) reaches() (list []reachedBy) {
	var events []models.Event
	for _, e := range f.Becomes.Events {
		if len(e.Faults) == 0 {
			events = append(events, models.Event{Type: e.Type, Test: e.Test, Origin: models.OriginMapped})
		}
	}
	if kind := f.Becomes.Relayed; kind != "" {
		events = append(events, models.Event{Type: kind, Test: f.Request.Test, Origin: models.OriginRelayed})
	}
	for _, e := range events {
		reached := reachedBy{kind: e.Type}
		for i := range f.Endpoints {
			if to := &f.Endpoints[i]; !e.Test && to.Enabled() && e.WantedBy(to.EventTypes) {
				reached.endpoints++
			}
		}
		list = append(list, reached)
	}
	return list
}

// deliveryWords say how often receivers get one of the events that are listed.
func (f RequestReplayForm) deliveryWords() string {
	n := 0
	for _, reached := range f.reaches() {
		n += reached.endpoints
	}
	if n == 1 {
		return "1 delivery"
	}
	return ui.FormatCount(n) + " deliveries"
}

// words say what is chosen.
func (f ReplayForm) words() string {
	if !f.Query.narrowed() {
		return "No filter is set, so these are all requests that were taken in."
	}
	return "They are those that match the filters of the log."
}

// replayLook returns a banner's class, icon and title for a replay.
func replayLook(r *models.RequestReplay) (class, icon, title string) {
	done, cancelled, under := "Replayed", "The replay was cancelled after", "Replaying"
	if r.Accepts {
		done, cancelled, under = "Accepted", "Accepting was cancelled after", "Accepting"
	}
	of := " " + ui.FormatCount(r.Queued) + " of " + ui.Plural(r.Total, "request")
	switch r.State {
	case models.RecoveryDone:
		return "is-ok", "check", done + of
	case models.RecoveryCancelled:
		return "is-off", "cancelled", cancelled + of
	}
	return "is-wait", "resend", under + of
}

func replaysVersion(replays []models.RequestReplay) string {
	return digest(RequestReplaysID, func(sum io.Writer) {
		for i := range replays {
			fmt.Fprintln(sum, replays[i].ID, replays[i].State, replays[i].Queued)
		}
	})
}
