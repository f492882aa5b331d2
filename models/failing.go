package models

import (
	"slices"
	"strings"
	"time"

	"hookwell/webhook"
)

// The rule of automatic disabling: an endpoint goes when nothing has succeeded
// for DisableAfter since it began to fail and it failed on DisableDays days
// (UTC) of that time. It is announced when it has failed for FailingGrace, which
// keeps what a retry mends out of people's way, and DisableNotice before.
const (
	DisableAfter  = 5 * 24 * time.Hour
	DisableDays   = 3
	DisableNotice = 24 * time.Hour
	FailingGrace  = time.Hour
)

// FailingStage is what was announced of an endpoint that fails.
type FailingStage int

// The stages. One that has recovered is announced by the next round.
const (
	NotAnnounced     FailingStage = 0
	FailingAnnounced FailingStage = 1
	DisableAnnounced FailingStage = 2
	HasRecovered     FailingStage = -1
)

// Failing is how far an endpoint is towards being disabled. FailingSince is its
// first failure since its last success, nil while there is none. Test events
// count in nothing, nor do attempts that were cut off here.
type Failing struct {
	FailingSince *time.Time
	FailingDays  string // of failures since then, such as "2026-03-01,2026-03-02"
	FailingStage FailingStage
	NotedAt      *time.Time // when the stage was announced
	MailedAt     *time.Time // when a stage was last mailed
}

// maxFailingDays bounds the list; the rule is met long before.
const maxFailingDays = 10

// Days lists the days (UTC) with failures since the endpoint began to fail.
func (f *Failing) Days() []time.Time {
	var days []time.Time
	for _, text := range strings.Split(f.FailingDays, ",") {
		if day, err := time.Parse(time.DateOnly, text); err == nil {
			days = append(days, day)
		}
	}
	return days
}

// DisableAt returns when the endpoint is disabled if nothing changes, nil while it
// does not fail. DaysLeft is on how many more days it has to fail for that.
func (f *Failing) DisableAt() (at *time.Time, daysLeft int) {
	if f.FailingSince == nil {
		return nil, 0
	}
	due := f.FailingSince.Add(DisableAfter)
	if f.FailingStage == DisableAnnounced && f.NotedAt != nil && f.NotedAt.Add(DisableNotice).After(due) {
		due = f.NotedAt.Add(DisableNotice) // announced late: the third day came late
	}
	return &due, max(DisableDays-len(f.Days()), 0)
}

func (f *Failing) failedOn(at time.Time) bool {
	return strings.Contains(f.FailingDays, at.UTC().Format(time.DateOnly))
}

// moves reports whether the results say anything new: of a healthy endpoint, or
// of one that fails on and on, they don't.
func (f *Failing) moves(h *EndpointResults) bool {
	if f.FailingSince == nil {
		return !h.Missed.IsZero()
	}
	return !h.Success.IsZero() || !h.Missed.IsZero() && !f.failedOn(h.Missed)
}

// Follow takes in what the results say. LastSuccess is the latest that is known
// of before them.
func (f *Failing) Follow(h *EndpointResults, lastSuccess *time.Time) {
	if f.FailingSince != nil && h.Success.After(*f.FailingSince) {
		f.FailingSince, f.FailingDays = nil, ""
		if f.FailingStage != NotAnnounced {
			f.FailingStage = HasRecovered
		}
	}
	if h.Missed.IsZero() {
		return
	}
	if f.FailingSince == nil {
		if lastSuccess != nil && !h.MissedFrom.After(*lastSuccess) {
			return // it took longer than the success that came after it
		}
		since := h.MissedFrom
		f.FailingSince = &since
		if f.FailingStage == HasRecovered { // for a moment: not worth a word
			f.FailingStage = FailingAnnounced
		}
	}
	for _, at := range []time.Time{h.MissedFrom, h.Missed} {
		if days := f.Days(); !f.failedOn(at) && len(days) < maxFailingDays {
			list := append(strings.FieldsFunc(f.FailingDays, func(r rune) bool { return r == ',' }), at.UTC().Format(time.DateOnly))
			slices.Sort(list)
			f.FailingDays = strings.Join(list, ",")
		}
	}
}

// Miss notes a failure, and forgets those before a success.
func (h *EndpointResults) Miss(x *webhook.Exchange, ended time.Time) {
	if x.Cause == webhook.CauseInterrupted {
		return
	}
	if h.MissedFrom.IsZero() {
		h.MissedFrom = ended
	}
	h.Missed = ended
}

// Due returns what is to be announced of an enabled endpoint now; the empty
// kind is nothing.
func (f *Failing) Due(now time.Time) NoticeKind {
	if f.FailingSince == nil {
		if f.FailingStage == HasRecovered {
			return NoticeRecovered
		}
		return ""
	}
	lasting := now.Sub(*f.FailingSince)
	enough := len(f.Days()) >= DisableDays
	at, _ := f.DisableAt()
	switch {
	case f.FailingStage == DisableAnnounced && enough && !now.Before(*at):
		return NoticeDisabled
	case f.FailingStage != DisableAnnounced && enough && lasting >= DisableAfter-DisableNotice:
		return NoticeDisabling
	case f.FailingStage == NotAnnounced && lasting >= FailingGrace:
		return NoticeFailing
	default:
		return ""
	}
}

// FailingWords is since when and on which days, for the audit.
func (f *Failing) FailingWords() string {
	if f.FailingSince == nil {
		return ""
	}
	return "nothing succeeded since " + f.FailingSince.UTC().Format("2006-01-02 15:04") + " UTC; it failed on " + strings.ReplaceAll(f.FailingDays, ",", ", ")
}
