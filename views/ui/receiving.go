package ui

import (
	"strconv"
	"strings"
	"unicode"

	"hookwell/inbound"
	"hookwell/models"
)

// SourceLook returns the look of a source's health.
func SourceLook(health models.SourceHealth) Look {
	switch health {
	case models.SourceRefusing:
		return Look{"is-bad", "failed", "Refusing"}
	case models.SourceFailing:
		return Look{"is-bad", "failed", "Failing"}
	case models.SourceDegraded:
		return Look{"is-warn", "warn", "Degraded"}
	case models.SourceHealthy:
		return Look{"is-ok", "delivered", "Healthy"}
	case models.SourcePaused:
		return Look{"is-off", "cancelled", "Paused"}
	default:
		return Look{"is-wait", "clock", "Waiting"}
	}
}

// RequestLook returns the look of a request's state; the zero Look of an unknown one.
func RequestLook(state inbound.State) Look {
	switch state {
	case inbound.Verified:
		return Look{"is-ok", "verified", "Verified"}
	case inbound.Authenticated:
		return Look{"is-ok", "authenticated", "Authenticated"}
	case inbound.Unverified:
		return Look{"is-warn", "unverified", "Unverified"}
	case inbound.Refused:
		return Look{"is-bad", "failed", "Refused"}
	}
	return Look{}
}

// Answered is the class and text of the status that we answered.
func Answered(status int) (class, text string) {
	if status == 0 {
		return "muted", Nothing
	}
	class = "code is-bad"
	if status < 300 {
		class = "code is-ok"
	}
	return class, strconv.Itoa(status)
}

// ProviderMark returns the two letters that stand for a provider: those of its
// words, or its first two. Providers that are a method have a sign.
func ProviderMark(provider, title string) string {
	if sign := methodSign(provider); sign != "" {
		return sign
	}
	letters := []rune(title)
	if len(letters) < 2 {
		return title
	}
	second := unicode.ToLower(letters[1])
	for i, r := range letters[1:] {
		if unicode.IsUpper(r) && (unicode.IsLower(letters[i]) || letters[i] == ' ') {
			second = unicode.ToLower(r)
			break
		}
	}
	return strings.ToUpper(string(letters[0])) + string(second)
}

// IsMethod reports whether a provider is a way to verify requests, whoever sends them.
func IsMethod(provider string) bool { return methodSign(provider) != "" }

// methodSign returns the sign of a provider that is a method, "" of the others.
func methodSign(provider string) string {
	switch provider {
	case "generic_hmac", "none":
		return "#"
	case "token", "basic":
		return "…"
	}
	return ""
}
