package pipeline

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/webhook"
)

// Result is the result of a job: the attempt as it was sent, or as it failed.
type Result struct {
	Job      *Job
	Exchange webhook.Exchange
}

// attempt returns the row that the result is kept as.
func (r *Result) attempt() *models.Attempt {
	x := &r.Exchange
	return &models.Attempt{
		DeliveryID: r.Job.DeliveryID, Number: r.Job.work.Attempt, OrganizationID: r.Job.work.OrganizationID, Trigger: r.Job.work.Trigger,
		StartedAt: r.started(), DurationUs: x.Duration.Microseconds(), StatusCode: x.StatusCode,
		Cause: x.Cause, Error: Storable(x.Error), Note: Storable(x.Note), Requests: x.Requests, RemoteAddress: x.RemoteAddress, TLSVersion: x.TLSVersion,
		DNSUs: x.Timings.DNS.Microseconds(), ConnectUs: x.Timings.Connect.Microseconds(), TLSUs: x.Timings.TLS.Microseconds(),
		FirstByteUs: x.Timings.FirstByte.Microseconds(), RequestURL: r.Job.Message.URL, RequestHeaders: x.RequestHeaders,
		ResponseHeaders: x.ResponseHeaders, ResponseBody: append([]byte{}, x.ResponseBody...), Truncated: x.Truncated,
	}
}

// Storable returns text as every database accepts it: valid UTF-8 without NUL.
func Storable(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

// started and ended are the exchange's times, as exact as every database keeps them.
func (r *Result) started() time.Time {
	return r.Exchange.StartedAt.UTC().Truncate(time.Microsecond)
}

func (r *Result) ended() time.Time {
	return r.Exchange.StartedAt.Add(r.Exchange.Duration).UTC().Truncate(time.Microsecond)
}

// Trigger returns why the attempt was made.
func (r *Result) Trigger() models.Trigger { return r.Job.work.Trigger }

// FirstWait returns how long a delivery waited for its first attempt: the time
// since the event was accepted, less the delay that its schedule asks for. It
// returns false for any other attempt, and for an attempt that was never sent.
func (r *Result) FirstWait() (time.Duration, bool) {
	w := &r.Job.work
	if w.Attempt != 1 || w.Trigger != models.TriggerSchedule || r.Exchange.Cause == webhook.CauseInterrupted {
		return 0, false
	}
	return max(0, r.Exchange.StartedAt.Sub(database.IDTime(r.Job.DeliveryID))-firstDelay(r.Job.retries.schedule)), true
}

// Record writes results: each attempt and, if its lease still holds, the changes
// that follow. A result whose lease was lost is kept as an attempt and changes no
// state. Recording a result twice changes nothing, so a partly written group can
// be recorded again. It fails if the database does, or refuses one of them; what was
// written by then stays.
func (p *Engine) Record(ctx context.Context, results []*Result) error {
	if len(results) == 0 {
		return nil
	}
	left, err := p.recordGrouped(ctx, results)
	if err == nil && len(left) > 0 {
		left, err = p.recordDelivered(ctx, left)
	}
	if err == nil && len(left) > 0 {
		err = p.db.Transaction(ctx, func(tx *database.Tx) error { return p.record(tx, left) })
	}
	if err != nil {
		return fmt.Errorf("recording: %w", p.db.NoteStorage(err))
	}
	p.attempted(results)
	return nil
}

// record writes results in one transaction. It locks the endpoints' states before
// accepted groups and the work, as claims do and who changes an endpoint.
func (p *Engine) record(tx *database.Tx, results []*Result) error {
	endpointIDs := make([]string, len(results))
	for i := range results {
		endpointIDs[i] = results[i].Job.EndpointID
	}
	if err := p.lockStates(tx, endpointIDs); err != nil {
		return err
	}
	if err := p.expandTokens(tx, p.groupsOf(results)); err != nil {
		return err
	}
	held, late, err := p.heldLeases(tx, results)
	if err != nil {
		return err
	}
	decisions := judged(held)
	attempts := attemptsOf(held)
	for i := range held {
		if decisions[i].cause == webhook.CauseNotRetried {
			attempts[i].Error += " " + held[i].Job.retries.statuses.WhyNotRetried()
		}
	}
	// An attempt that was taken for interrupted gets what really came of it. One
	// that was made twice, because its first claim was lost, keeps what its
	// delivery's state follows from.
	if err := database.InsertAll(p.db.Dialect, tx.DB, attempts, database.ReplaceTaken); err != nil {
		return fmt.Errorf("inserting attempts: %w", err)
	}
	if err := database.InsertAll(p.db.Dialect, tx.DB, attemptsOf(late), database.ReplaceInterrupted); err != nil {
		return fmt.Errorf("inserting late attempts: %w", err)
	}
	return p.advance(tx, held, decisions)
}

// lockStates locks the states of endpoints, in one order.
func (p *Engine) lockStates(tx *database.Tx, endpointIDs []string) error {
	condition, parameter := p.db.Dialect.Among("endpoint_id", endpointIDs)
	var locked []models.EndpointState
	err := tx.Raw("SELECT endpoint_id FROM endpoint_states WHERE "+condition+" ORDER BY endpoint_id "+p.db.Dialect.ForUpdate(false), parameter).Find(&locked).Error
	if err != nil {
		return fmt.Errorf("locking endpoints: %w", err)
	}
	return nil
}

func attemptsOf(results []*Result) []*models.Attempt {
	attempts := make([]*models.Attempt, len(results))
	for i := range results {
		attempts[i] = results[i].attempt()
	}
	return attempts
}

// heldLeases returns the results whose lease is still theirs, and locks their
// rows; the others are late. A claim does not wait for the disk, so that a crash of the database may
// have lost it: work that is free and one attempt behind was claimed by nobody
// since, and is still the result's. Not so where a person asked for an attempt
// meanwhile: that one is still to be made.
func (p *Engine) heldLeases(tx *database.Tx, results []*Result) (held, late []*Result, err error) {
	ids := make([]string, len(results))
	for i := range results {
		ids[i] = results[i].Job.DeliveryID
	}
	var rows []models.Work
	condition, parameter := p.db.Dialect.Among("delivery_id", ids)
	query := "SELECT delivery_id, due_at, lease_token, lease_until, attempt, cancelled FROM delivery_work WHERE " + condition + " ORDER BY delivery_id " + p.db.Dialect.ForUpdate(false)
	if err := tx.Raw(query, parameter).Find(&rows).Error; err != nil {
		return nil, nil, fmt.Errorf("reading leases: %w", err)
	}
	leases := make(map[string]models.Work, len(rows))
	for _, row := range rows {
		leases[row.DeliveryID] = row
	}
	held = make([]*Result, 0, len(results))
	for _, r := range results {
		row, ok := leases[r.Job.DeliveryID]
		leased := row.LeaseUntil != nil && row.LeaseToken == r.Job.work.LeaseToken && row.Attempt == r.Job.work.Attempt
		lost := row.LeaseUntil == nil && row.Attempt == r.Job.work.Attempt-1 && row.DueAt.Equal(r.Job.work.DueAt)
		if ok && (leased || lost) {
			r.Job.work.Cancelled = row.Cancelled
			held = append(held, r)
		} else {
			late = append(late, r)
		}
	}
	return held, late, nil
}

// decision is what follows from one result.
type decision struct {
	state  models.State  // of a delivery that has not ended before
	cause  webhook.Cause // why the delivery stands there; "" for success
	delay  time.Duration
	done   bool // no work is left
	resume bool // the attempt was a person's resend: the planned one that it came before is next
}

// judged are the decisions on results, made once for each: a delay has jitter.
func judged(results []*Result) []decision {
	decisions := make([]decision, len(results))
	for i := range results {
		decisions[i] = judge(results[i])
	}
	return decisions
}

// judge decides what follows. The schedule moves on by its own attempts alone:
// a person's leave it where it was.
func judge(r *Result) decision {
	w, cause := &r.Job.work, r.Exchange.Cause
	switch {
	case cause == "":
		return decision{state: models.Delivered, done: true}
	case w.Cancelled:
		return decision{state: models.Cancelled, cause: cause, done: true}
	case w.Trigger == models.TriggerTest:
		return decision{state: models.Failed, cause: cause, done: true}
	case w.Trigger == models.TriggerPerson:
		return decision{state: models.Retrying, cause: cause, resume: true}
	}
	delay, more := r.Job.retries.schedule.Delay(w.Position+1, rand.Float64())
	switch {
	case !more:
		return decision{state: models.Failed, cause: cause, done: true}
	case !r.Job.retries.statuses.Has(r.Exchange.StatusCode):
		if r.Exchange.StatusCode == http.StatusGone { // which has disabled the endpoint
			return decision{state: models.Failed, cause: cause, done: true}
		}
		return decision{state: models.Failed, cause: webhook.CauseNotRetried, done: true}
	}
	return decision{state: models.Retrying, cause: cause, delay: max(delay, r.Exchange.RetryAfter)}
}
