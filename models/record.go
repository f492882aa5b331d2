package models

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

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
		Cause: x.Cause, Error: storable(x.Error), Note: storable(x.Note), Requests: x.Requests, RemoteAddress: x.RemoteAddress, TLSVersion: x.TLSVersion,
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
		err = s.transact(ctx, func(tx *Tx) error { return s.record(tx, left) })
	}
	if err != nil {
		return fmt.Errorf("recording: %w", s.noteStorage(err))
	}
	s.attempted(results)
	return nil
}

// record writes results in one transaction. It locks the endpoints' states
// before the work, as claims do.
func (s *Store) record(tx *Tx, results []Result) error {
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
	if err := insertAll(s.dialect, tx.DB, attemptsOf(held), replaceTaken); err != nil {
		return fmt.Errorf("inserting attempts: %w", err)
	}
	if err := insertAll(s.dialect, tx.DB, attemptsOf(late), replaceInterrupted); err != nil {
		return fmt.Errorf("inserting late attempts: %w", err)
	}
	return s.settle(tx, held)
}

// lockStates locks the states of endpoints, in one order.
func (s *Store) lockStates(tx *Tx, endpointIDs []string) error {
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
func (s *Store) heldLeases(tx *Tx, results []Result) (held, late []Result, err error) {
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
