package views

import (
	"fmt"
	"strings"
	"time"

	"hookwell/models"
	"hookwell/views/ui"
)

// failingFor is how long an endpoint fails before its page says so.
const failingFor = time.Hour

// failing reports whether the endpoint is on its way to being disabled.
func (v EndpointView) failing(now time.Time) bool {
	since := v.State.FailingSince
	return v.Endpoint.Enabled() && since != nil && (now.Sub(*since) >= failingFor || v.State.FailingStage > models.NotAnnounced)
}

func failingTitle(now time.Time, state models.EndpointState) string {
	if at, left := state.DisableAt(); left == 0 && state.FailingStage == models.DisableAnnounced {
		if at.After(now) {
			return "Disabled " + ui.FormatUntil(now, *at) + " unless something arrives"
		}
		return "About to be disabled"
	}
	return "Nothing has succeeded for " + ui.FormatSpan(now.Sub(*state.FailingSince))
}

// failingText says since when and on which days, and what comes of it.
func failingText(now time.Time, state models.EndpointState) string {
	text := "Every attempt has failed since " + ui.FormatDay(now, *state.FailingSince) + " UTC, on " + dayWords(state.Days()) + "."
	at, left := state.DisableAt()
	switch {
	case left > 0 && at.After(now):
		text += fmt.Sprintf(" It is disabled on %s UTC if it has failed on %s by then.", ui.FormatDay(now, *at), ui.Plural(models.DisableDays, "day"))
	case left > 0:
		text += fmt.Sprintf(" It is disabled a day after it has failed on %s.", ui.Plural(models.DisableDays, "day"))
	default:
		text += " If nothing changes it is disabled on " + ui.FormatDay(now, *at) + " UTC."
	}
	return text + " One success is enough to prevent that; a test event does not count."
}

// failingHours are of how many hours how many have passed.
func failingHours(now time.Time, state models.EndpointState) (passed, all int) {
	at, _ := state.DisableAt()
	return int(now.Sub(*state.FailingSince).Hours()), int(at.Sub(*state.FailingSince).Hours())
}

// dayWords returns "16, 17 and 18 April".
func dayWords(days []time.Time) string {
	if len(days) == 0 {
		return "no day yet"
	}
	words := make([]string, len(days))
	for i, day := range days {
		words[i] = day.Format("2 January")
		if i+1 < len(days) && days[i+1].Month() == day.Month() {
			words[i] = day.Format("2")
		}
	}
	if last := len(words) - 1; last > 0 {
		return strings.Join(words[:last], ", ") + " and " + words[last]
	}
	return words[0]
}

// noticeLook draws a notice.
func noticeLook(kind models.NoticeKind) ui.Look {
	switch kind {
	case models.NoticeFailing:
		return ui.Look{Class: "is-warn", Icon: "warn", Word: "is failing"}
	case models.NoticeDisabling:
		return ui.Look{Class: "is-bad", Icon: "failed", Word: "is about to be disabled"}
	case models.NoticeRecovered:
		return ui.Look{Class: "is-ok", Icon: "delivered", Word: "has recovered"}
	default:
		return ui.Look{Class: "is-off", Icon: "cancelled", Word: "was disabled"}
	}
}

func noticeText(now time.Time, n models.Notice) string {
	since := ""
	if n.Since != nil {
		since = ui.FormatDay(now, *n.Since) + " UTC"
	}
	switch n.Kind {
	case models.NoticeFailing:
		return "Nothing has succeeded since " + since + "."
	case models.NoticeDisabling:
		return "Nothing has succeeded since " + since + ". If nothing changes it is disabled on " + ui.FormatDay(now, *n.DueAt) + " UTC."
	case models.NoticeDisabled:
		return "Nothing had succeeded since " + since + ". What waits is parked. Mend the receiver, then enable it."
	case models.NoticeGone:
		return "Its receiver answered 410: it is gone for good. Delete the endpoint, or correct its URL and enable it."
	default:
		return "Deliveries succeed again since " + ui.FormatDay(now, n.CreatedAt) + " UTC."
	}
}
