package views

import (
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/views/ui"
	"hookwell/webhook"
)

// BodyForm is how a request's body is shown.
type BodyForm string

// The forms of a body.
const (
	BodyPretty BodyForm = ""
	BodyRaw    BodyForm = "raw"
	BodyHex    BodyForm = "hex"
)

// BodyForms lists every form in the order in which the page offers them.
func BodyForms() []BodyForm { return []BodyForm{BodyPretty, BodyRaw, BodyHex} }

func (f BodyForm) word() string {
	switch f {
	case BodyRaw:
		return "Raw"
	case BodyHex:
		return "Bytes"
	}
	return "Pretty"
}

// RequestView is one request's page. Source is nil once it was deleted. Deliveries
// are those of the events that it became, as far as they are shown.
type RequestView struct {
	Request    *models.Request
	Source     *models.Source
	Form       BodyForm
	Deliveries []models.Delivery
	More       bool // there are more deliveries
}

// shownEvents is how many events of a request its page lists.
const shownEvents = 20

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
		fmt.Fprintln(sum, r.ID, r.State, r.Processing, r.Reason, r.Error, r.Duplicates, len(r.Events), r.AcceptedAt != nil, r.BodyDroppedAt != nil)
	}
}

// replayable reports whether any of the rows can be replayed.
func (v RequestsView) replayable() bool {
	return slices.ContainsFunc(v.Rows, func(r models.Request) bool { return replayable(&r) })
}

func (v RequestsView) listed(sourceID string) bool {
	return slices.ContainsFunc(v.Sources, func(s models.Source) bool { return s.ID == sourceID })
}

func replayable(r *models.Request) bool {
	return r.State != inbound.Refused && r.Reason != models.ReasonHandshake && r.BodyDroppedAt == nil
}

// acceptable reports whether somebody may ask to take in a refused request. Only what
// is kept whole can be.
func (v RequestView) acceptable() bool {
	return v.Request.State == inbound.Refused && v.Request.Cause == inbound.CauseSignature && !v.Request.Cut() && v.Request.BodyDroppedAt == nil && v.Source != nil
}

// noLonger says what can't be done without the body.
func (v RequestView) noLonger() string {
	if v.Request.State == inbound.Refused {
		return "accepted"
	}
	return "replayed"
}

func noType(r *models.Request) string {
	if r.Reason == models.ReasonHandshake {
		return "Handshake"
	}
	return "No type"
}

// outcomeWords returns what a request without events became: a chip's word, or words.
func outcomeWords(r *models.Request) (chip, words string) {
	switch {
	case r.State == inbound.Refused:
		return string(r.Cause), ""
	case r.Processing == models.ProcessingFailed:
		return r.Reason, ""
	case r.Processing == models.ProcessingWaiting:
		return "", "Waiting to be processed"
	case r.Processing == models.ProcessingIgnored:
		return "", ignoredWords(r.Reason)
	}
	return "", "No event"
}

func ignoredWords(reason string) string {
	switch reason {
	case models.ReasonFiltered:
		return "Ignored by a filter"
	case models.ReasonUnmapped:
		return "No mapping for its type"
	case models.ReasonUnverified:
		return "Kept, not passed on"
	case models.ReasonRepeated:
		return "Its events were made before"
	case models.ReasonHandshake:
		return "The provider asked whether the URL is ours"
	}
	return "Ignored"
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

// refusedTitle says in one sentence why a request was refused.
func refusedTitle(cause inbound.Cause) string {
	switch cause {
	case inbound.CauseSourceDisabled:
		return "The source was paused"
	case inbound.CauseMethod:
		return "The provider doesn’t send with this method"
	case inbound.CauseAddress:
		return "The address isn’t on the source’s list"
	case inbound.CauseRate:
		return "More requests came than the source takes a second"
	case inbound.CauseTooLarge:
		return "The body is longer than the source takes"
	case inbound.CauseLoop:
		return "Hookwell sent this request itself"
	case inbound.CauseSignatureMissing:
		return "The request isn’t signed"
	case inbound.CauseSignatureMalformed:
		return "The signature can’t be read"
	case inbound.CauseTooOld:
		return "The signature is too old"
	case inbound.CauseTooNew:
		return "The signature’s time is in the future"
	}
	return "No secret of the source fits the signature"
}

// refusedAdvice says what to do where there is no diagnosis.
func refusedAdvice(cause inbound.Cause) string {
	switch cause {
	case inbound.CauseSourceDisabled:
		return "Providers that repeat what was refused send it again. Resume the source to take it in."
	case inbound.CauseMethod:
		return "Somebody opened the URL in a browser, most likely. Nothing needs to be done."
	case inbound.CauseAddress:
		return "If it is the provider’s, add its network to the source’s settings."
	case inbound.CauseRate:
		return "Providers repeat what was answered 429. Raise the source’s limit if this is its normal load."
	case inbound.CauseTooLarge:
		return "Raise the source’s limit if the provider sends bodies of this size."
	case inbound.CauseLoop:
		return "An endpoint leads back to a source of this installation. Change one of the two URLs."
	case inbound.CauseSignatureMissing:
		return "Somebody else sent it, or the provider has no secret yet."
	case inbound.CauseTooOld, inbound.CauseTooNew:
		return "Somebody sent an old request again, or one of the clocks is off."
	}
	return "Compare the secret at the provider with the source’s. A request that is kept whole can be accepted once the secret is right."
}

// bannerOf returns what the page says first of a request that needs somebody; ok is
// false if none does.
func (v RequestView) bannerOf() (class, icon, title, text string, ok bool) {
	r := v.Request
	switch {
	case r.State == inbound.Refused:
		text = r.Diagnosis
		if text == "" {
			text = refusedAdvice(r.Cause)
		}
		return "is-bad", "failed", refusedTitle(r.Cause), text, true
	case r.Processing == models.ProcessingFailed && r.Reason == models.ReasonNoOrganization:
		return "is-warn", "warn", "It belongs to no organization that Hookwell knows", r.Error, true
	case r.Processing == models.ProcessingFailed:
		return "is-warn", "warn", "It couldn’t be turned into events", strings.TrimSuffix(r.Error, ".") + ". It is kept. Fix the mapping, then replay it.", true
	}
	return "", "", "", "", false
}

// check is one line of what was checked.
type check struct{ class, icon, what, result string }

// checkedSteps are what a request's checks are, in their order, each with the causes
// that it refuses for.
func (v RequestView) checkedSteps() []struct {
	what, passed string
	causes       []inbound.Cause
} {
	r := v.Request
	type step = struct {
		what, passed string
		causes       []inbound.Cause
	}
	from := "from Hookwell itself"
	if r.RemoteAddress != "" {
		from = "from " + r.RemoteAddress
	}
	steps := []step{
		{"Source is on; method, address and rate are allowed", r.Method + " " + from, []inbound.Cause{inbound.CauseSourceDisabled, inbound.CauseMethod, inbound.CauseAddress, inbound.CauseRate}},
		{"Body is within the limit, and didn’t come from Hookwell", ui.FormatSize(r.BodyBytes), []inbound.Cause{inbound.CauseTooLarge, inbound.CauseLoop}},
	}
	if r.State == inbound.Unverified {
		return steps
	}
	credential := v.Source != nil && v.credential()
	if credential {
		return append(steps, step{"The credential is there", "", []inbound.Cause{inbound.CauseSignatureMissing, inbound.CauseSignatureMalformed}},
			step{"It is one of the source’s", "the body isn’t proven", []inbound.Cause{inbound.CauseSignature}})
	}
	return append(steps, step{"Signature is there and well formed", "", []inbound.Cause{inbound.CauseSignatureMissing, inbound.CauseSignatureMalformed}},
		step{"A secret of the source fits", "", []inbound.Cause{inbound.CauseSignature}},
		step{"Signed time is within the tolerance, if there is one", "", []inbound.Cause{inbound.CauseTooOld, inbound.CauseTooNew}})
}

func (v RequestView) credential() bool {
	p := inbound.Named(v.Source.Provider)
	return p != nil && (p.Scheme().Algorithm == "token" || p.Scheme().Algorithm == "basic")
}

// checks are the lines of what was checked. After the first failure they are grey.
func (v RequestView) checks() (list []check) {
	failed := false
	for _, s := range v.checkedSteps() {
		switch {
		case failed:
			list = append(list, check{"is-off", "pending", s.what, "not checked"})
		case slices.Contains(s.causes, v.Request.Cause) && v.Request.State == inbound.Refused:
			failed = true
			list = append(list, check{"is-failed", "failed", s.what, string(v.Request.Cause)})
		default:
			list = append(list, check{"is-ok", "check", s.what, s.passed})
		}
	}
	switch {
	case v.Request.Reason == models.ReasonHandshake:
		return append(list, check{"is-ok", "check", "A handshake: the challenge was answered", ""})
	case v.Request.State == inbound.Unverified:
		list = append(list, check{"is-warn", "unverified", "Nothing is verified", "the source checks nothing"})
	case failed:
		return append(list, check{"is-off", "pending", "Not a duplicate", "not checked"})
	}
	duplicates := "no repeat came"
	if v.Request.Duplicates > 0 {
		duplicates = ui.Plural(v.Request.Duplicates, "repeat") + " came later"
	}
	return append(list, check{"is-ok", "check", "Not a duplicate", duplicates})
}

// checkedWords returns how it was checked, as a sentence.
func checkedWords(r *models.Request) string {
	if r.Checked == "" {
		return ""
	}
	return strings.TrimSuffix(ui.UpperFirst(r.Checked), ".") + "."
}

// eventsShown are the events that the page lists, each with its deliveries: those that
// were mapped first.
func (v RequestView) eventsShown() []models.RequestEvent {
	events := slices.Clone(v.Request.Events)
	slices.SortStableFunc(events, func(a, b models.RequestEvent) int { return strings.Compare(madeTag(a), madeTag(b)) })
	return events[:min(len(events), shownEvents)]
}

// ShownEvents returns the ids of the events whose deliveries the page shows.
func (v RequestView) ShownEvents() (ids []string) {
	for _, e := range v.eventsShown() {
		ids = append(ids, e.EventID)
	}
	return ids
}

func (v RequestView) deliveriesOf(eventID string) (list []models.Delivery) {
	for _, d := range v.Deliveries {
		if d.EventID == eventID {
			list = append(list, d)
		}
	}
	return list
}

func madeTag(e models.RequestEvent) string {
	if e.Mapping == "" {
		return "relayed"
	}
	return "mapped"
}

// pathFacts is a delivery's line in the path: "200 in 151 ms, first attempt".
func pathFacts(d models.Delivery) string {
	if d.AttemptCount == 0 {
		return "no attempt yet"
	}
	answer := ui.AnswerText(d.LastStatusCode, d.LastCause)
	if took := d.LastDuration(); took > 0 {
		answer += " in " + ui.FormatTook(took)
	}
	return answer + ", attempt " + ui.FormatCount(d.AttemptCount)
}

// shownBody prepares the body in the form that was chosen.
func (v RequestView) shownBody() body {
	content := v.Request.Body
	b := body{size: len(content), raw: string(content)}
	switch {
	case v.Form == BodyHex || v.Form == BodyRaw && !utf8.Valid(content):
		b.lines = hexLines(content)
		if len(content) > maxHex {
			b.note = "The first " + ui.FormatSize(maxHex) + "."
		}
	case v.Form == BodyRaw:
		b.lines = strings.Split(visible(b.raw), "\n")
	default:
		if b = showBody(content, false); !utf8.Valid(content) {
			b.lines, b.note = hexLines(content), "Not UTF-8, shown as bytes."
		}
	}
	if len(content) == 0 {
		b.lines = nil
	}
	if v.Request.Cut() {
		b.note = strings.TrimSpace(b.note + " " + ui.FormatSize(v.Request.BodyBytes) + " came, and " + ui.FormatSize(len(content)) + " are kept.")
	}
	return b
}

// maxHex bounds how many bytes a page shows one by one.
const maxHex = 16 << 10

// hexLines shows bytes 16 to a line: place, bytes, text.
func hexLines(content []byte) []string {
	return strings.Split(strings.TrimSuffix(hex.Dump(content[:min(len(content), maxHex)]), "\n"), "\n")
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

// ReplayForm asks before many requests are replayed.
type ReplayForm struct {
	Query     RequestQuery
	Count     int
	PerSecond string
	Force     bool
	Faults    webhook.Faults
}

// MostReplayed is how many requests a replay takes a second at most.
const MostReplayed = 500

// words say what is chosen.
func (f ReplayForm) words() string {
	if !f.Query.narrowed() {
		return "No filter is set, so these are all requests that were taken in."
	}
	return "They are those that match the filters of the log."
}

// receivedAt returns "Mon 20 April, 11:41:52 UTC, answered 401".
func receivedAt(now time.Time, r *models.Request) string {
	return ui.FormatFull(now, r.ReceivedAt) + " UTC"
}

// maskedValue stands for a header's value that isn't kept.
const maskedValue = "••••"

func answeredText(status int) string {
	_, text := ui.Answered(status)
	return text
}

func noEventTitle(r *models.Request) string {
	switch r.Processing {
	case models.ProcessingWaiting:
		return "Waiting"
	case models.ProcessingFailed:
		return "No event yet"
	}
	return "No event"
}

// notSentWords says why an event has no delivery here.
func notSentWords(view RequestView, event models.RequestEvent) string {
	switch {
	case view.More:
		return "there are too many to show here"
	case event.Mapping == "":
		return "no endpoint subscribes to " + strings.SplitN(event.EventType, ".", 2)[0] + ".*"
	case view.Request.Test:
		return "a test reaches no endpoint by itself"
	}
	return "no endpoint was subscribed"
}
