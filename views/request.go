package views

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/views/ui"
)

// RequestView is one request's page. Source is nil once it was deleted. Deliveries
// are those of the events that it became, as far as they are shown.
type RequestView struct {
	Request    *models.Request
	Source     *models.Source
	Form       BodyForm
	Deliveries []models.Delivery
	// Counts are the deliveries of each event that is shown, by state.
	Counts map[string]map[models.State]int
}

func (v RequestView) title() string {
	if v.Request.ExternalType == "" {
		return noType(v.Request)
	}
	return visible(v.Request.ExternalType)
}

func (v RequestView) formPath(slug string, f BodyForm) string {
	return filteredPath(RequestPath(slug, v.Request.ID), [][2]string{{"body", string(f)}})
}

// liveIDs are what the page listens for.
func (v RequestView) liveIDs() string {
	ids := []string{v.Request.ID}
	for i := range v.Deliveries {
		ids = append(ids, v.Deliveries[i].ID)
	}
	return strings.Join(ids, " ")
}

func (v RequestView) version() string {
	return digest(RequestID, func(sum io.Writer) {
		digestRequests(sum, []models.Request{*v.Request})
		digestDeliveries(sum, v.Deliveries)
	})
}

// requestVersion is version of a part that shows requests.
func requestVersion(part string, rows []models.Request) string {
	return digest(part, func(sum io.Writer) { digestRequests(sum, rows) })
}

func digestRequests(sum io.Writer, rows []models.Request) {
	for i := range rows {
		r := &rows[i]
		fmt.Fprintln(sum, r.ID, r.State, r.Processing, r.Reason, r.ReasonMappings, r.Error, r.UnchangedAt, r.Duplicates, len(r.Events), r.AcceptedAt != nil, r.BodyDroppedAt != nil, r.Diagnosis, r.Secrets != nil && r.Secrets.Passes)
	}
}

func (v RequestsView) listed(sourceID string) bool {
	return slices.ContainsFunc(v.Sources, func(s models.Source) bool { return s.ID == sourceID })
}

// acceptable reports whether somebody may ask to take in a refused request. Only what
// is kept whole can be.
func (v RequestView) acceptable() bool {
	return v.Request.State == inbound.Refused && v.Request.Cause == inbound.CauseSignature && !v.Request.Cut() && v.Request.BodyDroppedAt == nil && v.Source != nil
}

// passes reports whether a refused request would be accepted.
func (v RequestView) passes() bool {
	return v.acceptable() && v.Request.Secrets != nil && v.Request.Secrets.Passes
}

// restorable returns the ended secret that a refused request fits, or nil.
func (v RequestView) restorable() *models.SourceSecret {
	if v.acceptable() && v.Request.Secrets != nil {
		return v.Request.Secrets.Fits
	}
	return nil
}

// noLonger says what can't be done without the body.
func (v RequestView) noLonger() string {
	if v.Request.State == inbound.Refused {
		return "accepted"
	}
	return "replayed"
}

// duplicateWords says how often a request came again.
func duplicateWords(r *models.Request) string {
	why, when := "Same id as the request above", ""
	if len(r.Repeats) > 0 {
		if r.Repeats[0].Reason != "id" {
			why = "Same body as the request above"
		}
		last := r.Repeats[len(r.Repeats)-1].ReceivedAt
		when = ", " + ui.FormatSpan(max(last.Sub(r.ReceivedAt), 0)) + " later"
	}
	if r.Duplicates > 1 {
		return fmt.Sprintf("%s, %s times; the last%s. Answered, not processed again.", why, ui.FormatCount(r.Duplicates), strings.TrimPrefix(when, ","))
	}
	return why + when + ". Answered, not processed again."
}

// requestName names a request in a sentence: "invoice.paid from Stripe".
func requestName(r *models.Request) string {
	name := visible(r.ExternalType)
	if name == "" {
		name = "a request"
	}
	return name + " from " + ui.OrNothing(r.SourceName)
}

// requestLine is the first line of a request, without its token.
func (v RequestView) requestLine() string {
	line := v.Request.Method + " " + models.ReceivePath + "…"
	if v.Request.Query != "" {
		line += "?" + visible(v.Request.Query)
	}
	return line
}

// receivedAt returns "Mon 20 April, 11:41:52 UTC, answered 401".
func receivedAt(now time.Time, r *models.Request) string {
	return ui.FormatFull(now, r.ReceivedAt) + " UTC"
}

func answeredText(status int) string {
	_, text := ui.Answered(status)
	return text
}
