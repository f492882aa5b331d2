package store

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"hookwell/models"
	"hookwell/models/pipeline"
	"hookwell/webhook"
)

// Limits of a recovery.
const (
	DefaultRecoveryRate = 10 // attempts per second
	maxRecoveryChoices  = 50
)

var (
	typePattern = regexp.MustCompile(`^([a-z0-9_]+(\.[a-z0-9_]+)*(\.\*)?|\*)$`)
)

// IsTypePattern reports whether text is an event type, a prefix of some, or "*".
// It accepts types that have left the catalog, since their events may still
// exist.
func IsTypePattern(text string) bool { return len(text) <= 200 && typePattern.MatchString(text) }

// newRecovery checks the input and makes the row.
func (t *Tenant) newRecovery(endpointID string, in models.RecoveryInput) (*models.Recovery, error) {
	now := t.store.clock.Now()
	r := &models.Recovery{OrganizationID: t.org.ID, EndpointID: endpointID, Kind: in.Kind, Since: in.Since.UTC().Truncate(time.Microsecond),
		Until: in.Until.UTC().Truncate(time.Microsecond), Types: append([]string{}, in.Types...), Causes: append([]string{}, in.Causes...),
		PerSecond: in.PerSecond, State: models.RecoveryRunning, CreatedBy: t.actor.Name, CreatedAt: now}
	if r.Kind == "" {
		r.Kind = models.RecoverFailed
	}
	if r.PerSecond == 0 {
		r.PerSecond = DefaultRecoveryRate
	}
	if in.Until.IsZero() || r.Until.After(now) {
		r.Until = now
	}
	if faults := recoveryFaults(r, in); len(faults) > 0 {
		return nil, models.NewInvalid(faults)
	}
	return r, nil
}

func recoveryFaults(r *models.Recovery, in models.RecoveryInput) (faults webhook.Faults) {
	fault := func(field, message string) { faults = append(faults, webhook.Fault{Field: field, Message: message}) }
	if r.Kind != models.RecoverFailed && r.Kind != models.RecoverMissing {
		fault("kind", "Choose failed or missing.")
	}
	switch {
	case in.Since.IsZero():
		fault("since", "Say since when.")
	case !webhook.InRange(in.Since):
		fault("since", pipeline.BadTime)
	case !in.Until.IsZero() && !webhook.InRange(in.Until):
		fault("until", pipeline.BadTime)
	case !in.Until.IsZero() && !r.Until.After(r.Since):
		fault("until", "Choose a time after the beginning.")
	case !r.Since.Before(r.Until):
		fault("since", "Choose a time that has passed.")
	}
	if len(r.Types) > maxRecoveryChoices || slices.ContainsFunc(r.Types, func(t string) bool { return !IsTypePattern(t) }) {
		fault("types", fmt.Sprintf("Name up to %d event types such as payment.failed, or prefixes such as payment.*", maxRecoveryChoices))
	}
	known := models.RecoveryCauses()
	switch {
	case slices.ContainsFunc(r.Causes, func(c string) bool { return !slices.Contains(known, c) }):
		fault("causes", "Use "+strings.Join(known[:len(known)-1], ", ")+" or "+known[len(known)-1]+".")
	case r.Kind == models.RecoverMissing && len(r.Causes) > 0:
		fault("causes", "What was never sent has no cause. Leave the causes out.")
	}
	if r.PerSecond < 1 || r.PerSecond > models.MaxRecoveryRate {
		fault("perSecond", fmt.Sprintf("Choose 1 to %d a second.", models.MaxRecoveryRate))
	}
	return faults
}
