package models

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"hookwell/webhook"
)

// RecoveryInput is what a person chooses. Since bounds when the delivery was
// made (for RecoverMissing: when the event was reported), the first included;
// Until is not included, and zero is now. Types may be exact, a prefix such as
// "payment.*", or "*". Causes are names, or classes of status codes such as
// "5xx". Empty lists let everything pass. PerSecond 0 is DefaultRecoveryRate.
type RecoveryInput struct {
	Kind      RecoveryKind
	Since     time.Time
	Until     time.Time
	Types     []string
	Causes    []string
	PerSecond int
}

// Bounds of a recovery.
const (
	DefaultRecoveryRate = 10 // attempts per second
	MaxRecoveryRate     = 100
	maxRecoveryChoices  = 50
)

var (
	typePattern   = regexp.MustCompile(`^([a-z0-9_]+(\.[a-z0-9_]+)*(\.\*)?|\*)$`)
	statusClasses = []string{"3xx", "4xx", "5xx"}
)

// IsTypePattern tells whether text is an event type, a prefix of some, or "*".
// A type may have left the catalog and still have its events.
func IsTypePattern(text string) bool { return len(text) <= 200 && typePattern.MatchString(text) }

// RecoveryCauses lists what RecoveryInput.Causes may hold.
func RecoveryCauses() []string {
	list := slices.Clone(statusClasses)
	for _, cause := range webhook.Causes() {
		list = append(list, string(cause))
	}
	return list
}

// recovery checks the input and makes the row.
func (t *Tenant) recovery(endpointID string, in RecoveryInput) (*Recovery, error) {
	now := t.store.clock.Now()
	r := &Recovery{OrganizationID: t.org.ID, EndpointID: endpointID, Kind: in.Kind, Since: in.Since.UTC().Truncate(time.Microsecond),
		Until: in.Until.UTC().Truncate(time.Microsecond), Types: append([]string{}, in.Types...), Causes: append([]string{}, in.Causes...),
		PerSecond: in.PerSecond, State: RecoveryRunning, CreatedBy: t.actor.Name, CreatedAt: now}
	if r.Kind == "" {
		r.Kind = RecoverFailed
	}
	if r.PerSecond == 0 {
		r.PerSecond = DefaultRecoveryRate
	}
	if in.Until.IsZero() || r.Until.After(now) {
		r.Until = now
	}
	if faults := r.faults(in); len(faults) > 0 {
		return nil, invalid(faults)
	}
	return r, nil
}

func (r *Recovery) faults(in RecoveryInput) (faults webhook.Faults) {
	fault := func(field, message string) { faults = append(faults, webhook.Fault{Field: field, Message: message}) }
	if r.Kind != RecoverFailed && r.Kind != RecoverMissing {
		fault("kind", "Choose failed or missing.")
	}
	switch {
	case in.Since.IsZero():
		fault("since", "Say since when.")
	case !webhook.InRange(in.Since):
		fault("since", badTime)
	case !in.Until.IsZero() && !webhook.InRange(in.Until):
		fault("until", badTime)
	case !in.Until.IsZero() && !r.Until.After(r.Since):
		fault("until", "Choose a time after the beginning.")
	case !r.Since.Before(r.Until):
		fault("since", "Choose a time that has passed.")
	}
	if len(r.Types) > maxRecoveryChoices || slices.ContainsFunc(r.Types, func(t string) bool { return !IsTypePattern(t) }) {
		fault("types", fmt.Sprintf("Name up to %d event types such as payment.failed, or prefixes such as payment.*", maxRecoveryChoices))
	}
	known := RecoveryCauses()
	switch {
	case slices.ContainsFunc(r.Causes, func(c string) bool { return !slices.Contains(known, c) }):
		fault("causes", "Use "+strings.Join(known[:len(known)-1], ", ")+" or "+known[len(known)-1]+".")
	case r.Kind == RecoverMissing && len(r.Causes) > 0:
		fault("causes", "What was never sent has no cause. Leave the causes out.")
	}
	if r.PerSecond < 1 || r.PerSecond > MaxRecoveryRate {
		fault("perSecond", fmt.Sprintf("Choose 1 to %d a second.", MaxRecoveryRate))
	}
	return faults
}
