package ui

import (
	"slices"
	"strconv"

	"hookwell/models"
	"hookwell/static"
	"hookwell/webhook"
)

// IconPath returns the address of an icon in icons.svg.
func IconPath(name string) string { return static.Path("icons.svg") + "#" + name }

// StateClass is the class for a state's colour. Shape, colour and word always go
// together.
func StateClass(state models.State) string { return "is-" + string(state) }

// Look is the colour, icon and word of a condition.
type Look struct{ Class, Icon, Word string }

// HealthLook returns the look of an endpoint's health.
func HealthLook(health models.Health) Look {
	switch health {
	case models.HealthFailing:
		return Look{"is-bad", "failed", "Failing"}
	case models.HealthDegraded:
		return Look{"is-warn", "warn", "Degraded"}
	case models.HealthHealthy:
		return Look{"is-ok", "delivered", "Healthy"}
	case models.HealthDisabled:
		return Look{"is-off", "cancelled", "Disabled"}
	default:
		return Look{"is-wait", "pending", "Quiet"}
	}
}

// AnswerClass returns the class for a status code or, without one, a cause.
func AnswerClass(status int, cause webhook.Cause) string {
	switch {
	case !showsStatus(status, cause):
		return "code code--cause is-bad"
	case status < 300:
		return "code is-ok"
	case status < 400:
		return "code is-warn"
	default:
		return "code is-bad"
	}
}

// AnswerText returns the status code of the response, or the cause if there was
// none or the cause decided.
func AnswerText(status int, cause webhook.Cause) string {
	if showsStatus(status, cause) {
		return strconv.Itoa(status)
	}
	return string(cause)
}

// showsStatus is false when the status that came was not what decided.
func showsStatus(status int, cause webhook.Cause) bool {
	return status > 0 && (cause == "" || slices.Contains(webhook.StatusCauses(), cause))
}
