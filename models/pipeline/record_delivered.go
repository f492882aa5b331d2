package pipeline

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"gorm.io/gorm"

	"hookwell/models"
	"hookwell/models/database"
)

// recordDelivered records, of some results, planned attempts that delivered: on
// Postgres most of all that happens, and so done at the cost of one statement.
// It returns the results that are left: failures, resends and tests, and all of
// them where one lost its lease or was cancelled meanwhile.
func (p *Engine) recordDelivered(ctx context.Context, results []*Result) (left []*Result, err error) {
	var delivered []*Result
	for _, r := range results {
		if r.Exchange.Cause == "" && r.Job.work.Trigger == models.TriggerSchedule && !p.isGrouped(r) {
			delivered = append(delivered, r)
		} else {
			left = append(left, r)
		}
	}
	if len(delivered) == 0 {
		return left, nil
	}
	counted := traffic{}
	for i := range delivered {
		counted.count(delivered[i], decision{state: models.Delivered, done: true}, nil)
	}
	delta, err := counted.delta(p.clock)
	if err != nil {
		return nil, err
	}
	done, states, err := p.statements.recordDelivered(p.db.WithContext(ctx), delivered, delta)
	if err != nil {
		p.log.Warn("recording what was delivered in one statement", "error", err) // what is wrong shows one by one
	}
	if err != nil || !done {
		return results, nil
	}
	t := &committed{}
	t.CountEnded(models.Delivered, "", len(delivered))
	p.tell(t)
	return left, p.noteDelivered(ctx, delivered, states)
}

// noteDelivered notes how endpoints fare, where that is news: at once where it is
// their first success, or follows on failures; otherwise the next FlushSuccesses
// writes it together with others.
func (p *Engine) noteDelivered(ctx context.Context, finished []*Result, states []models.EndpointState) error {
	found, stale := resultsByEndpoint(finished), p.clock.Now().Add(-stateGrain)
	renewed := map[string]time.Time{}
	for i := range states {
		state, h := &states[i], found[states[i].EndpointID]
		switch {
		case h == nil || !h.Changes(state, stale):
		case h.Turns(state) || state.LastSuccessAt == nil:
			return p.db.Transaction(ctx, func(tx *database.Tx) error { return p.advanceEndpoints(tx, finished) })
		default:
			renewed[state.EndpointID] = h.Success
		}
	}
	p.successes.add(renewed)
	return nil
}

// recordDelivered has nothing to gain on SQLite, where a round trip is a call.
func (sqliteStatements) recordDelivered(*gorm.DB, []*Result, *rollupDelta) (bool, []models.EndpointState, error) {
	return false, nil, nil
}

func (d postgresStatements) recordDelivered(db *gorm.DB, results []*Result, delta *rollupDelta) (done bool, states []models.EndpointState, err error) {
	ids, rows, endpoints := make([]string, len(results)), make([][]any, len(results)), map[string]bool{}
	var endpointIDs []string
	for i := range results {
		r, x := results[i], results[i].Exchange
		ids[i] = r.Job.DeliveryID
		rows[i] = []any{ids[i], r.Job.work.LeaseToken, r.Job.work.Attempt, x.StatusCode, x.Duration.Microseconds(), r.started(), r.ended()}
		if !endpoints[r.Job.EndpointID] {
			endpoints[r.Job.EndpointID] = true
			endpointIDs = append(endpointIDs, r.Job.EndpointID)
		}
	}
	next := database.Numbered()
	list, parameters := database.Unnested(deliveredKinds, rows, next)
	parameters = append(parameters, &ids, len(results))
	wanted, all := next(), next()
	insert, insertion, err := database.Insertion(db, reflect.ValueOf(attemptsOf(results)), next)
	if err != nil {
		return false, nil, err
	}
	from, before := daysOf(models.PrefixDelivery, ids)
	parameters = append(append(parameters, insertion...), from, before, delta.ID, delta.Counts, &endpointIDs)
	query := fmt.Sprintf(recordDeliveredQuery, list, wanted, all, insert, next(), next(), next(), next(), next())
	answers, err := db.Statement.ConnPool.QueryContext(db.Statement.Context, query, parameters...)
	if err != nil {
		return false, nil, err
	}
	defer answers.Close()
	for answers.Next() {
		var state models.EndpointState
		if err := answers.Scan(&done, &state.EndpointID, &state.HeldBecause, &state.Failures, &state.LastSuccessAt, &state.FailingSince, &state.FailingStage); err != nil {
			return false, nil, err
		}
		states = append(states, state)
	}
	return done, states, answers.Err()
}

// deliveredKinds are the columns of recordDeliveredQuery's list.
var deliveredKinds = []database.ValueKind{database.TextValue, database.TextValue, database.IntegerValue, database.IntegerValue, database.IntegerValue, database.TimeValue, database.TimeValue}

// recordDeliveredQuery takes the work away first: whose lease that was has delivered.
// What somebody else holds at this moment, such as who cancels it, is left: to
// wait for several rows in no common order ends in deadlocks. Work is found by its
// key alone and judged after: with the lease beside it in one condition, the index
// of what is in flight serves too, and that is read whole, with all that was in
// flight since the last vacuum. Deliveries are found one by one, as fewOf says:
// what matched is taken for one row as well. It is all of them or none, so that
// what was counted beforehand is what is recorded.
const recordDeliveredQuery = `WITH r(id, token, attempt, status_code, duration_us, started_at, ended_at) AS MATERIALIZED (%s),
	free AS MATERIALIZED (
		SELECT w.delivery_id, w.lease_token, w.attempt, w.lease_until, w.cancelled FROM delivery_work w
		WHERE w.delivery_id = ANY(%s) FOR UPDATE SKIP LOCKED
	),
	matched AS MATERIALIZED (
		SELECT r.id, r.token, r.attempt, r.status_code, r.duration_us, r.started_at, r.ended_at FROM r JOIN free ON free.delivery_id = r.id AND free.lease_token = r.token AND free.attempt = r.attempt
		WHERE free.lease_until IS NOT NULL AND NOT free.cancelled
	),
	held AS MATERIALIZED (SELECT id, token, attempt, status_code, duration_us, started_at, ended_at FROM matched WHERE (SELECT count(*) FROM matched) = %s),
	removed AS (DELETE FROM delivery_work WHERE delivery_id = ANY(ARRAY(SELECT id FROM held))),
	recorded AS (%s WHERE EXISTS (SELECT FROM held)),
	settled AS (
		UPDATE deliveries d SET state = 'delivered', delivered_at = coalesce(d.delivered_at, held.ended_at),
			ended_at = CASE WHEN d.state = 'delivered' THEN coalesce(d.ended_at, held.ended_at) ELSE held.ended_at END,
			attempt_count = held.attempt, last_status_code = held.status_code, last_cause = '', last_duration_us = held.duration_us,
			last_attempt_at = held.started_at
		FROM held WHERE d.id = held.id AND d.id >= %s AND d.id < %s
	),
	counted AS (INSERT INTO rollup_deltas (id, counts) SELECT %s::text, %s::text WHERE EXISTS (SELECT FROM held))
	SELECT EXISTS (SELECT FROM held), endpoint_id, held_because, failures, last_success_at, failing_since, failing_stage
	FROM endpoint_states WHERE endpoint_id = ANY(%s)`
