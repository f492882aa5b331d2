package views

import (
	"strings"
	"time"

	"hookwell/models"
	"hookwell/views/ui"
)

// why returns a verdict's reason in words. When is the time that they end with, nil
// when there is none.
func why(now time.Time, event *models.Event, v models.Verdict) (words string, when *time.Time) {
	if v.Delivery == nil {
		return unsentWords(now, event.Type, event.CreatedAt, v), nil
	}
	d := v.Delivery
	switch d.State {
	case models.Delivered:
		return deliveredWords(d), nil
	case models.Failed:
		what, _ := d.LastCause.Advice(d.LastStatusCode)
		return strings.TrimSuffix(what, "."), nil
	case models.Cancelled:
		if v.Reason == models.ReasonEndpointDeleted {
			return "Its endpoint was deleted", nil
		}
		return "Cancelled by a member", nil
	}
	return waitingReason(v)
}

func waitingReason(v models.Verdict) (words string, when *time.Time) {
	switch v.Reason {
	case models.ReasonInFlight:
		return "An attempt is under way", nil
	case models.ReasonEndpointDisabled:
		return "Waits because the endpoint is disabled", nil
	case models.ReasonCircuit:
		return "Waits for the circuit to close", nil
	case models.ReasonRateLimit:
		return "Waits for the endpoint’s rate limit", nil
	case models.ReasonQueued:
		return "Due now, waits for a free slot", nil
	case models.ReasonScheduled:
		return "First attempt", v.Delivery.NextAttemptAt
	}
	if v.Delivery.NextAttemptAt == nil {
		return "Waits", nil
	}
	return "Next attempt", v.Delivery.NextAttemptAt
}

// deliveredWords returns "184 ms, at once".
func deliveredWords(d *models.Delivery) string {
	if d.DeliveredAt == nil {
		return ""
	}
	after := "at once"
	if gap := d.DeliveredAt.Sub(d.CreatedAt); d.AttemptCount > 1 || gap >= 2*time.Second {
		after = "after " + ui.FormatSpan(gap)
	}
	if d.LastCause != "" { // a later resend failed: the time taken is that one's
		return ui.UpperFirst(after) + "; a later resend failed"
	}
	return ui.FormatTook(d.LastDuration()) + ", " + after
}

func unsentWords(now time.Time, eventType string, at time.Time, v models.Verdict) string {
	e := v.Endpoint
	switch v.Reason {
	case models.ReasonNotSubscribed:
		if e.DeletedAt == nil && e.EventTypes.Matches(eventType) {
			return "Not subscribed to this type then; it is now"
		}
		return "Not subscribed to this type"
	case models.ReasonDisabled:
		if e.DisabledAt != nil && !e.DisabledAt.After(at) {
			return "Disabled since " + ui.FormatDate(now, *e.DisabledAt)
		}
		return "Disabled at the time"
	case models.ReasonNotCreated:
		return "Did not exist yet; created " + ui.FormatDate(now, e.CreatedAt)
	case models.ReasonDeleted:
		if e.DeletedAt != nil {
			return "Deleted by then, " + ui.FormatDate(now, *e.DeletedAt)
		}
		return "Deleted by then"
	case models.ReasonOtherTest:
		return "A test event goes to one endpoint"
	default:
		return "Nothing on record kept it out"
	}
}

// missedWords returns the reason in a list of what one endpoint did not get.
func missedWords(reason models.Reason) string {
	if reason == models.ReasonDisabled {
		return "Disabled at the time"
	}
	return "Not subscribed to this type"
}
