package views

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hookwell/models"
	"hookwell/views/ui"
	"hookwell/webhook"
)

// RecoveryView is an endpoint's latest recovery; nil when nothing is to be said
// of one.
type RecoveryView struct {
	EndpointID string
	Recovery   *models.Recovery
}

// NewRecoveryView shows the newest recovery while it runs and for an hour after.
func NewRecoveryView(endpointID string, list []models.Recovery, now time.Time) RecoveryView {
	v := RecoveryView{EndpointID: endpointID}
	if len(list) > 0 && (list[0].Running() || list[0].EndedAt != nil && now.Sub(*list[0].EndedAt) < time.Hour) {
		v.Recovery = &list[0]
	}
	return v
}

func (v RecoveryView) version() string {
	r := v.Recovery
	if r == nil {
		return RecoveryID
	}
	return fmt.Sprintf("%s-%s-%d-%d", r.ID, r.State, r.Sent(), r.Skipped)
}

func (v RecoveryView) look() ui.Look {
	switch v.Recovery.State {
	case models.RecoveryRunning:
		return ui.Look{Class: "is-wait", Icon: "retrying", Word: ""}
	case models.RecoveryDone:
		return ui.Look{Class: "is-ok", Icon: "delivered", Word: ""}
	default:
		return ui.Look{Class: "is-off", Icon: "cancelled", Word: ""}
	}
}

func (v RecoveryView) title() string {
	r := v.Recovery
	sent := fmt.Sprintf("%s of %s sent", ui.FormatCount(r.Sent()), ui.FormatCount(r.Total))
	switch r.State {
	case models.RecoveryRunning:
		return "Recovering: " + sent
	case models.RecoveryDone:
		return "Recovered: " + sent
	default:
		return "The recovery was cancelled: " + sent
	}
}

func (v RecoveryView) text() string {
	r := v.Recovery
	var words []string
	if r.Running() {
		words = append(words, fmt.Sprintf("At most %d a second, behind fresh events.", r.PerSecond))
		if left := r.Total - r.Queued - r.Skipped; left > r.PerSecond {
			words = append(words, "At least "+ui.FormatSpan(time.Duration(left/r.PerSecond)*time.Second)+" left.")
		}
	}
	if r.Skipped > 0 {
		words = append(words, ui.FormatCount(r.Skipped)+" needed nothing any more, or had an attempt of their own.")
	}
	return strings.Join(words, " ")
}

// RecoverForm is what was chosen to be recovered. Fields: kind, since, until,
// types, causes, perSecond.
type RecoverForm struct {
	Endpoint   *models.Endpoint
	Kind       models.RecoveryKind
	Since      string
	Until      string
	Type       string
	Causes     []string
	PerSecond  string
	Categories []webhook.Category
	Count      int // what it would bring back
	Faults     webhook.Faults
}

// Input reads what was typed; what can't be read has its fault at its field.
func (f RecoverForm) Input() (models.RecoveryInput, webhook.Faults) {
	in := models.RecoveryInput{Kind: f.Kind, Causes: f.Causes}
	var faults webhook.Faults
	fault := func(field, message string) { faults = append(faults, webhook.Fault{Field: field, Message: message}) }
	var ok bool
	if in.Since, ok = readMoment(strings.TrimSpace(f.Since)); !ok {
		fault("since", badMoment)
	}
	if in.Until, ok = readMoment(strings.TrimSpace(f.Until)); !ok {
		fault("until", badMoment)
	}
	if f.Type != "" {
		in.Types = []string{f.Type}
	}
	perSecond, unread := models.WholeNumber(f.PerSecond)
	if in.PerSecond = perSecond; unread != "" {
		fault("perSecond", unread)
	} else if in.PerSecond == 0 {
		fault("perSecond", fmt.Sprintf("Choose 1 to %d a second.", models.MaxRecoveryRate))
	}
	return in, faults
}

// SinceDefault returns where a recovery begins unless another time is chosen.
func SinceDefault(now time.Time) string {
	return now.UTC().Add(-24 * time.Hour).Format("2006-01-02T15:04")
}

func (f RecoverForm) has(cause string) bool { return slices.Contains(f.Causes, cause) }

func (f RecoverForm) countWords() string {
	if f.Kind == models.RecoverMissing {
		switch f.Count {
		case 0:
			return "There is no event that it never got"
		default:
			return ui.Plural(f.Count, "event") + " that it never got"
		}
	}
	if f.Count == 0 {
		return "No failed delivery matches"
	}
	return failedWords(f.Count)
}

func (f RecoverForm) explain() string {
	switch {
	case f.Count == 0:
		return "Choose an earlier time, or fewer conditions. What still retries goes on by its schedule."
	case f.Kind == models.RecoverMissing:
		return "Each becomes a delivery with the endpoint’s schedule."
	default:
		return "Each gets one more attempt. What fails again stays failed."
	}
}

// selectWords name a row's box.
func selectWords(now time.Time, d models.Delivery) string {
	return "Select " + d.EventType + " to " + bareURL(d.EndpointTitle) + ", " + ui.FormatBrief(now, ui.LastActivity(d))
}

// TallyWords say what came of a selection: "3 deliveries will be sent again."
// and who was refused, with the reason.
func TallyWords(tally *models.Tally, done string) string {
	const most = 3
	var words []string
	if n := len(tally.Done); n > 0 {
		words = append(words, deliveriesWords(n)+" "+done+".")
	}
	for i, r := range tally.Refused {
		if i == most {
			words = append(words, fmt.Sprintf("%d more were left as they are.", len(tally.Refused)-most))
			break
		}
		words = append(words, "Not "+ui.ShortID(r.DeliveryID)+": "+r.Reason.Message)
	}
	return strings.Join(words, " ")
}

func deliveriesWords(n int) string {
	if n == 1 {
		return "1 delivery"
	}
	return ui.FormatCount(n) + " deliveries"
}

func failedWords(n int) string {
	if n == 1 {
		return "1 failed delivery"
	}
	return ui.FormatCount(n) + " failed deliveries"
}
