package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"hookwell/models"
	"hookwell/models/database"
)

// groupOutcomes are attempts that delivered, of accepted groups.
type groupOutcomes struct {
	results    []*Result
	deliveries []*models.Delivery // as they ended
	tokens     []string           // of their groups
	finishing  []string           // of those that have no other outcome to come
	counted    traffic
}

// isGrouped reports whether a result's delivery has no row yet, as far as this
// process knows.
func (p *Engine) isGrouped(r *Result) bool {
	return r.Job.grouped != nil && p.groups.hasToken(r.Job.work.LeaseToken)
}

// groupsOf returns the tokens of the results' groups that may not be expanded.
func (p *Engine) groupsOf(results []*Result) []string {
	tokens := map[string]bool{}
	for i := range results {
		if p.isGrouped(results[i]) {
			tokens[results[i].Job.work.LeaseToken] = true
		}
	}
	return slices.Sorted(maps.Keys(tokens))
}

// recordGrouped records, of some results, those that delivered and have no rows
// yet. It returns the results that are left: all of them where one of the groups was
// expanded meanwhile, or is at this moment.
func (p *Engine) recordGrouped(ctx context.Context, results []*Result) (left []*Result, err error) {
	o := &groupOutcomes{counted: traffic{}}
	outcomes := map[string]int{}
	for _, r := range results {
		if r.Exchange.Cause != "" || !p.isGrouped(r) {
			left = append(left, r)
			continue
		}
		o.results = append(o.results, r)
		o.deliveries = append(o.deliveries, r.delivered())
		o.counted.count(r, decision{state: models.Delivered, done: true}, nil)
		outcomes[r.Job.work.LeaseToken]++
	}
	if len(o.results) == 0 {
		return left, nil
	}
	o.tokens, o.finishing = slices.Sorted(maps.Keys(outcomes)), p.groups.finishing(outcomes)
	done, states, err := p.statements.recordGrouped(ctx, p, o)
	if err != nil {
		p.log.Warn("recording accepted groups", "error", err) // what is wrong shows one by one
	}
	if err != nil || !done {
		return results, nil
	}
	p.groups.recorded(outcomes)
	t := &committed{}
	t.CountEnded(models.Delivered, "", len(o.results))
	p.tell(t)
	return left, p.noteDelivered(ctx, o.results, states)
}

// delivered returns the row of a delivery that ended with its first attempt.
func (r *Result) delivered() *models.Delivery {
	d := *r.Job.grouped
	started, ended := r.started(), r.ended()
	d.State, d.DeliveredAt, d.EndedAt, d.LastAttemptAt = models.Delivered, &ended, &ended, &started
	d.AttemptCount, d.LastStatusCode, d.LastDurationUs = r.Job.work.Attempt, r.Exchange.StatusCode, r.Exchange.Duration.Microseconds()
	return &d
}

// recordGrouped implements statements in a transaction.
func (sqliteStatements) recordGrouped(ctx context.Context, p *Engine, o *groupOutcomes) (done bool, states []models.EndpointState, err error) {
	err = p.db.Transaction(ctx, func(tx *database.Tx) error {
		var held int64
		if err := tx.Model(&acceptedGroup{}).Where("token IN ?", o.tokens).Count(&held).Error; err != nil || int(held) < len(o.tokens) {
			return err
		}
		if err := database.InsertAll(p.db.Dialect, tx.DB, o.deliveries, database.RefuseTaken); err != nil {
			return err
		}
		if err := database.InsertAll(p.db.Dialect, tx.DB, attemptsOf(o.results), database.RefuseTaken); err != nil {
			return err
		}
		if err := tx.Where("token IN ?", o.finishing).Delete(&acceptedGroup{}).Error; err != nil {
			return err
		}
		if err := o.counted.save(tx.DB, p.clock); err != nil {
			return err
		}
		done = true
		return tx.Select("endpoint_id, held_because, failures, last_success_at, failing_since, failing_stage").
			Where("endpoint_id IN ?", endpointIDsOf(o.results)).Find(&states).Error
	})
	return done && err == nil, states, err
}

// recordGrouped implements statements in one statement, which is kept prepared: its
// inserts have one plan, and groups are few.
func (d postgresStatements) recordGrouped(ctx context.Context, p *Engine, o *groupOutcomes) (done bool, states []models.EndpointState, err error) {
	delta, err := o.counted.delta(p.clock)
	if err != nil {
		return false, nil, err
	}
	w := &statement{next: database.Numbered()}
	db := p.db.WithContext(ctx)
	endpointIDs := endpointIDsOf(o.results)
	tokens, all := w.bind(&o.tokens), w.bind(len(o.tokens))
	deliveries, err := w.insertion(db, database.RowsOf(o.deliveries))
	if err != nil {
		return false, nil, err
	}
	attempts, err := w.insertion(db, database.RowsOf(attemptsOf(o.results)))
	if err != nil {
		return false, nil, err
	}
	w.text = fmt.Sprintf(recordGroupedQuery, tokens, all, deliveries, attempts, w.bind(&o.finishing), w.bind(delta.ID), w.bind(delta.Counts), w.bind(&endpointIDs))
	answers, err := w.query(db)
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

// recordGroupedQuery locks the groups first. One that somebody expands at this moment
// is passed over, and then nothing is written.
const recordGroupedQuery = `WITH free AS MATERIALIZED (SELECT token FROM accepted_groups WHERE token = ANY(%s) FOR UPDATE SKIP LOCKED),
	held AS MATERIALIZED (SELECT count(*) = %s AS ok FROM free),
	settled AS (%s WHERE (SELECT ok FROM held)),
	recorded AS (%s WHERE (SELECT ok FROM held)),
	finished AS (DELETE FROM accepted_groups WHERE token = ANY(%s) AND (SELECT ok FROM held)),
	counted AS (INSERT INTO rollup_deltas (id, counts) SELECT %s::text, %s::text WHERE (SELECT ok FROM held))
	SELECT (SELECT ok FROM held), endpoint_id, held_because, failures, last_success_at, failing_since, failing_stage
	FROM endpoint_states WHERE endpoint_id = ANY(%s)`

// endpointIDsOf returns the results' endpoints, each once.
func endpointIDsOf(results []*Result) []string {
	seen := map[string]bool{}
	var ids []string
	for i := range results {
		if id := results[i].Job.EndpointID; !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids
}
