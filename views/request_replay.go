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
	return slices.ContainsFunc(v.Rows, func(r models.Request) bool { return replayable(&r) })
}

func replayable(r *models.Request) bool {
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
