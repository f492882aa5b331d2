package models

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hookwell/webhook"
)

// Result is what came of a job.
type Result struct {
	Job      Job
	Exchange webhook.Exchange
}

// Attempt is the row that the result is kept as.
func (r *Result) Attempt() *Attempt {
	x := &r.Exchange
	return &Attempt{
		DeliveryID: r.Job.DeliveryID, Number: r.Job.work.Attempt, OrganizationID: r.Job.work.OrganizationID, Trigger: r.Job.work.Trigger,
		StartedAt: r.started(), DurationUs: x.Duration.Microseconds(), StatusCode: x.StatusCode,
		Cause: x.Cause, Error: storable(x.Error), Note: storable(x.Note), RemoteAddress: x.RemoteAddress, TLSVersion: x.TLSVersion,
		DNSUs: x.Timings.DNS.Microseconds(), ConnectUs: x.Timings.Connect.Microseconds(), TLSUs: x.Timings.TLS.Microseconds(),
		FirstByteUs: x.Timings.FirstByte.Microseconds(), RequestURL: r.Job.Message.URL, RequestHeaders: x.RequestHeaders,
		ResponseHeaders: x.ResponseHeaders, ResponseBody: append([]byte{}, x.ResponseBody...), Truncated: x.Truncated,
	}
}

// storable is text as every database takes it: valid UTF-8 without NUL.
func storable(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

// started and ended are the exchange's times, as exact as every database keeps them.
func (r *Result) started() time.Time {
	return r.Exchange.StartedAt.UTC().Truncate(time.Microsecond)
}

func (r *Result) ended() time.Time {
	return r.Exchange.StartedAt.Add(r.Exchange.Duration).UTC().Truncate(time.Microsecond)
}

// Trigger is why the attempt was made.
func (r *Result) Trigger() Trigger { return r.Job.work.Trigger }

// FirstWait is how long a delivery waited for its first attempt, from the event's
// acceptance and over what its schedule asks for; false for any other attempt
// and for one that was never sent.
func (r *Result) FirstWait() (time.Duration, bool) {
	w := &r.Job.work
	if w.Attempt != 1 || w.Trigger != TriggerSchedule || r.Exchange.Cause == webhook.CauseInterrupted {
		return 0, false
	}
	return max(0, r.Exchange.StartedAt.Sub(idTime(r.Job.DeliveryID))-firstDelay(r.Job.schedule)), true
}

// OrganizationID is whose delivery it was.
func (r *Result) OrganizationID() string { return r.Job.work.OrganizationID }

// Record writes results: each attempt, and, for those whose lease still holds,
// what follows from it. A result under a lost lease is kept as an attempt and
// changes no state. Recording a result again changes nothing, so that a group
// of which a part was written can be recorded again.
func (s *Store) Record(ctx context.Context, results []Result) error {
	if len(results) == 0 {
		return nil
	}
	left, err := s.recordDelivered(ctx, results)
	if err == nil && len(left) > 0 {
		err = s.transaction(ctx, func(tx *gorm.DB) error { return s.record(tx, left) })
	}
	if err != nil {
		return fmt.Errorf("recording: %w", err)
	}
	s.attempted(results)
	return nil
}

// record writes results in one transaction. It locks the endpoints' states
// before the work, as claims do.
func (s *Store) record(tx *gorm.DB, results []Result) error {
	endpointIDs := make([]string, len(results))
	for i := range results {
		endpointIDs[i] = results[i].Job.EndpointID
	}
	if err := s.lockStates(tx, endpointIDs); err != nil {
		return err
	}
	held, late, err := s.heldLeases(tx, results)
	if err != nil {
		return err
	}
	// An attempt that was taken for interrupted gets what really came of it. One
	// that was made twice, because its first claim was lost, keeps what its
	// delivery's state follows from.
	if err := insertAll(s, tx, attemptsOf(held), replaceTaken); err != nil {
		return fmt.Errorf("inserting attempts: %w", err)
	}
	if err := insertAll(s, tx, attemptsOf(late), replaceInterrupted); err != nil {
		return fmt.Errorf("inserting late attempts: %w", err)
	}
	return s.settle(tx, held)
}

// lockStates locks the states of endpoints, in one order.
func (s *Store) lockStates(tx *gorm.DB, endpointIDs []string) error {
	condition, parameter := s.dialect.among("endpoint_id", endpointIDs)
	var locked []EndpointState
	err := tx.Raw("SELECT endpoint_id FROM endpoint_states WHERE "+condition+" ORDER BY endpoint_id "+s.dialect.forUpdate(false), parameter).Find(&locked).Error
	if err != nil {
		return fmt.Errorf("locking endpoints: %w", err)
	}
	return nil
}

func attemptsOf(results []Result) []*Attempt {
	attempts := make([]*Attempt, len(results))
	for i := range results {
		attempts[i] = results[i].Attempt()
	}
	return attempts
}

// heldLeases answers the results whose lease is still theirs, and locks their
// rows; the others are late. A claim does not wait for the disk, so that a crash of the database may
// have lost it: work that is free and one attempt behind was claimed by nobody
// since, and is still the result's. Not so where a person asked for an attempt
// meanwhile: that one is still to be made.
func (s *Store) heldLeases(tx *gorm.DB, results []Result) (held, late []Result, err error) {
	ids := make([]string, len(results))
	for i := range results {
		ids[i] = results[i].Job.DeliveryID
	}
	var rows []Work
	condition, parameter := s.dialect.among("delivery_id", ids)
	query := "SELECT delivery_id, due_at, lease_token, lease_until, attempt, cancelled FROM delivery_work WHERE " + condition + " ORDER BY delivery_id " + s.dialect.forUpdate(false)
	if err := tx.Raw(query, parameter).Find(&rows).Error; err != nil {
		return nil, nil, fmt.Errorf("reading leases: %w", err)
	}
	leases := make(map[string]Work, len(rows))
	for _, row := range rows {
		leases[row.DeliveryID] = row
	}
	held = make([]Result, 0, len(results))
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

// verdict is what follows from one result.
type verdict struct {
	state   State // of a delivery that has not ended before
	delay   time.Duration
	trigger Trigger
	done    bool // no work is left
	resume  bool // the planned attempt that a resend came before is next
}

// judge decides what follows. The schedule moves on by its own attempts alone:
// a person's leave it where it was.
func judge(r *Result) verdict {
	w := &r.Job.work
	switch {
	case r.Exchange.Cause == "":
		return verdict{state: Delivered, done: true}
	case w.Cancelled:
		return verdict{state: Cancelled, done: true}
	case w.Trigger == TriggerTest:
		return verdict{state: Failed, done: true}
	case w.Trigger == TriggerPerson:
		return verdict{state: Retrying, resume: true}
	}
	delay, more := r.Job.schedule.Delay(w.Position+1, rand.Float64())
	if !more {
		return verdict{state: Failed, done: true}
	}
	return verdict{state: Retrying, delay: max(delay, r.Exchange.RetryAfter), trigger: TriggerSchedule}
}

// settle moves deliveries, work and endpoints on, for results whose lease holds.
func (s *Store) settle(tx *gorm.DB, held []Result) error {
	if len(held) == 0 {
		return nil
	}
	var finished []string
	var next [][]any
	t := committedOf(tx)
	var ends endings
	verdicts := make([]verdict, len(held))
	deliveries := make([][]any, 0, len(held))
	now, err := s.dialect.readNow(tx, s.clock)
	if err != nil {
		return fmt.Errorf("reading the database's clock: %w", err)
	}
	for i := range held {
		r := &held[i]
		v := judge(r)
		verdicts[i] = v
		ends.note(r, v)
		ended := r.ended()
		deliveries = append(deliveries, []any{r.Job.DeliveryID, string(v.state), r.Job.work.Attempt, r.Exchange.StatusCode,
			string(r.Exchange.Cause), r.Exchange.Duration.Microseconds(), r.started(), ended})
		switch {
		case v.done:
			finished = append(finished, r.Job.DeliveryID)
			if r.Job.work.Trigger != TriggerTest {
				t.end(v.state, r.Exchange.Cause, 1)
			}
		case v.resume:
			next = append(next, []any{r.Job.DeliveryID, r.Job.work.Attempt, r.Job.work.Position, nil})
		default:
			next = append(next, []any{r.Job.DeliveryID, r.Job.work.Attempt, r.Job.work.Position + 1, now.Add(v.delay).Truncate(time.Microsecond)})
		}
	}
	earlier, err := ends.earlier(tx)
	if err != nil {
		return err
	}
	if err := s.settleDeliveries(tx, deliveries); err != nil {
		return fmt.Errorf("updating deliveries: %w", err)
	}
	if err := ends.save(tx); err != nil {
		return err
	}
	if err := s.countResults(tx, held, verdicts, earlier); err != nil {
		return err
	}
	if err := s.settleWork(tx, finished, next); err != nil {
		return fmt.Errorf("updating work: %w", err)
	}
	return s.settleEndpoints(tx, held)
}

// countResults counts what came of results. Earlier is how deliveries had ended
// before they arrived.
func (s *Store) countResults(tx *gorm.DB, held []Result, verdicts []verdict, earlier map[string]Delivery) error {
	counted := traffic{}
	for i := range held {
		var before *Delivery
		if d, ok := earlier[held[i].Job.DeliveryID]; ok {
			before = &d
		}
		counted.count(&held[i], verdicts[i], before)
	}
	return counted.save(tx, s.clock)
}

// fewOf makes a list v of all, in a way that lets Postgres take it for one row: it
// then looks each of them up by its key. As many as they are, it would go through
// a table of which it believes that it is nearly empty, or through the whole list
// for each row. A list of the keys as a condition is no help, since each look-up
// would go through that.
//
// The conditions are on numbers: which texts lie between two others depends on the
// database's collation.
const fewOf = "v AS MATERIALIZED (SELECT * FROM every WHERE attempt BETWEEN 0 AND 2147483647 AND attempt + 1 BETWEEN 1 AND 2147483648)"

// daysOf are the bounds of the days that deliveries were made on. Between them,
// Postgres leaves the partitions of other days out when it plans; closer bounds
// would make it believe that there is next to nothing between them.
func daysOf(ids []string) (from, before string) {
	first, last := idTime(slices.Min(ids)).Truncate(Day), idTime(slices.Max(ids)).Truncate(Day)
	return lowestID(PrefixDelivery, first), lowestID(PrefixDelivery, last.Add(Day))
}

// settleDeliveries writes the last attempt's facts. A delivery that has ended
// keeps its state, unless the attempt succeeded: a resend adds, never undoes.
func (s *Store) settleDeliveries(tx *gorm.DB, rows [][]any) error {
	list, parameters := values(s.dialect, []valueKind{textValue, textValue, integerValue, integerValue, textValue, integerValue, timeValue, timeValue}, rows)
	from, before := daysOf(firstTexts(rows))
	return tx.Exec(`WITH every(id, state, attempt, status_code, cause, duration_us, started_at, ended_at) AS (`+list+`), `+fewOf+`
		UPDATE deliveries SET
			state = CASE WHEN v.state = 'delivered' OR deliveries.ended_at IS NULL THEN v.state ELSE deliveries.state END,
			delivered_at = CASE WHEN v.state = 'delivered' AND delivered_at IS NULL THEN v.ended_at ELSE delivered_at END,
			ended_at = CASE WHEN v.state IN ('delivered', 'failed') AND (deliveries.ended_at IS NULL OR deliveries.state <> 'delivered' AND v.state = 'delivered')
				THEN v.ended_at ELSE deliveries.ended_at END,
			attempt_count = v.attempt, last_status_code = v.status_code, last_cause = v.cause,
			last_duration_us = v.duration_us, last_attempt_at = v.started_at
		FROM v WHERE deliveries.id = v.id AND deliveries.id >= ? AND deliveries.id < ?`, append(parameters, from, before)...).Error
}

// settleWork removes what is finished and plans what is not. Where no time is
// given, the planned attempt that a resend came before is next; without one
// nothing is left to do.
func (s *Store) settleWork(tx *gorm.DB, finished []string, next [][]any) error {
	if len(next) > 0 {
		list, parameters := values(s.dialect, []valueKind{textValue, integerValue, integerValue, timeValue}, next)
		err := tx.Exec(`WITH every(id, attempt, position, due_at) AS (`+list+`), `+fewOf+`
			UPDATE delivery_work SET trigger = 'schedule', priority = ?, recovery_id = '', attempt = v.attempt, position = v.position,
				due_at = coalesce(v.due_at, resume_at, delivery_work.due_at), wake_at = coalesce(v.due_at, resume_at, wake_at),
				resume_at = NULL, lease_until = NULL, lease_token = CASE WHEN v.due_at IS NULL AND resume_at IS NULL THEN 'done' ELSE '' END
			FROM v WHERE delivery_id = v.id`, append(parameters, priorityRetry)...).Error
		if err != nil {
			return err
		}
		condition, ids := s.dialect.among("delivery_id", firstTexts(next))
		if err := tx.Where(condition, ids).Where("lease_token = 'done'").Delete(&Work{}).Error; err != nil {
			return err
		}
	}
	if len(finished) == 0 {
		return nil
	}
	condition, ids := s.dialect.among("delivery_id", finished)
	return tx.Where(condition, ids).Delete(&Work{}).Error
}

// firstTexts are the ids that rows of a list begin with.
func firstTexts(rows [][]any) []string {
	texts := make([]string, len(rows))
	for i, row := range rows {
		texts[i] = row[0].(string)
	}
	return texts
}

// disableGone disables an endpoint whose receiver said that it is gone for good
// (410, RFC 9110, section 15.5.11).
func (s *Store) disableGone(tx *gorm.DB, id string) error {
	e, err := find[Endpoint](tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ? AND deleted_at IS NULL AND disabled_at IS NULL", id), "endpoint")
	if IsKind(err, NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := s.disable(tx, e, DisabledGone, NoticeGone, nil, "the receiver answered 410"); err != nil {
		return err
	}
	return s.mailAdmins(tx, e.OrganizationID, &announcement{kind: NoticeGone, of: []*EndpointState{nil}, on: []*Endpoint{e}})
}
