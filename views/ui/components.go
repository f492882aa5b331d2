package ui

import (
	"slices"
	"strconv"

	"hookwell/models"
	"hookwell/static"
	"hookwell/webhook"
)

// IconPath is the address of an icon in icons.svg.
func IconPath(name string) string { return static.Path("icons.svg") + "#" + name }

// StateClass colours and healthLook draws: shape, colour and word always go
// together.
func StateClass(state models.State) string { return "is-" + string(state) }

// Look is how a condition is shown: its colour, icon and word.
type Look struct{ Class, Icon, Word string }

// HealthLook is how an endpoint's health is shown.
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

// AnswerClass colours what came back: a status code, or a cause without one.
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

// AnswerText is the status code that came back, or the cause where that decided.
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
