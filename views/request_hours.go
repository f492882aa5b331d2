package views

import (
	"strings"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/views/ui"
)

// strip returns the last 24 hours as a strip draws them: what was taken in and became
// events, above what was refused or became none.
func (v RequestsView) strip() []models.Step {
	steps := make([]models.Step, len(v.Hours))
	for i, h := range v.Hours {
		steps[i] = models.Step{At: h.At, Counts: models.Counts{Attempts: h.Accepted.N + h.Refused, FailedAttempts: h.Refused + h.Failed.N}}
	}
	return steps
}

// hoursSum adds the last 24 hours up.
func (v RequestsView) hoursSum() (accepted, failed models.CountSoFar, refused int) {
	for _, h := range v.Hours {
		accepted.N, accepted.More = accepted.N+h.Accepted.N, accepted.More || h.Accepted.More
		failed.N, failed.More = failed.N+h.Failed.N, failed.More || h.Failed.More
		refused += h.Refused
	}
	return accepted, failed, refused
}

// stripWords returns the strip in a sentence.
func (v RequestsView) stripWords() string {
	accepted, failed, refused := v.hoursSum()
	if accepted.N+refused == 0 {
		return "Last 24 hours: no request"
	}
	words := []string{formatCountSoFar(accepted) + " accepted", ui.FormatCount(refused) + " refused"}
	if failed.N > 0 {
		words = append(words, formatCountSoFar(failed)+" not processed")
	}
	if name := v.sourceName(v.Query.SourceID); name != "" {
		words[len(words)-1] += " at " + name
	}
	return "Last 24 hours: " + strings.Join(words, ", ")
}

// boundWords says that not all of what was refused is listed, where somebody looks at
// it; else it is empty.
func (v RequestsView) boundWords() string {
	_, _, refused := v.hoursSum()
	if v.Query.State != inbound.Refused || refused <= v.Counts.States[inbound.Refused].N {
		return ""
	}
	return "Refused requests are kept within bounds. Beyond them they are only counted."
}

// withCount returns "signature (37)".
func withCount(words string, n models.CountSoFar) string {
	if n.N == 0 {
		return words
	}
	return words + " (" + formatCountSoFar(n) + ")"
}
