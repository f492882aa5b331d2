package pipeline

import (
	"fmt"
	"slices"
	"time"

	"hookwell/models"
	"hookwell/models/database"
)

// advance moves deliveries, work and endpoints on by what was decided on results
// whose lease holds.
func (p *Engine) advance(tx *database.Tx, held []*Result, decisions []decision) error {
	if len(held) == 0 {
		return nil
	}
	var finished []string
	var next [][]any
	t := p.Noted(tx)
	var ends endings
	deliveries := make([][]any, 0, len(held))
	now, err := tx.Now()
	if err != nil {
		return err
	}
	for i := range held {
		r := held[i]
		v := decisions[i]
		ends.note(r, v)
		ended := r.ended()
		deliveries = append(deliveries, []any{r.Job.DeliveryID, string(v.state), r.Job.work.Attempt, r.Exchange.StatusCode,
			string(v.cause), r.Exchange.Duration.Microseconds(), r.started(), ended})
		switch {
		case v.done:
			finished = append(finished, r.Job.DeliveryID)
			if r.Job.work.Trigger != models.TriggerTest {
				t.CountEnded(v.state, v.cause, 1)
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
	if err := p.advanceDeliveries(tx, deliveries); err != nil {
		return fmt.Errorf("updating deliveries: %w", err)
	}
	if err := ends.save(tx.DB); err != nil {
		return err
	}
	if err := p.countResults(tx, held, decisions, earlier); err != nil {
		return err
	}
	if err := p.advanceWork(tx, finished, next); err != nil {
		return fmt.Errorf("updating work: %w", err)
	}
	return p.advanceEndpoints(tx, held)
}

// countResults counts what came of results. Earlier is how deliveries had ended
// before they arrived.
func (p *Engine) countResults(tx *database.Tx, held []*Result, decisions []decision, earlier map[string]models.Delivery) error {
	counted := traffic{}
	for i := range held {
		var before *models.Delivery
		if d, ok := earlier[held[i].Job.DeliveryID]; ok {
			before = &d
		}
		counted.count(held[i], decisions[i], before)
	}
	return counted.save(tx.DB, p.clock)
}

// fewOf makes a list v of all, in a way that lets Postgres take it for one row: it
// then looks each of them up by its key. As many as they are, it would go through
// a table of which it believes that it is nearly empty, or through the whole list
// for each row. A list of the keys as a condition is no help, since each look-up
// would go through that.
//
// The conditions are on one of the columns that is a number: which texts lie between two others depends on the
// database's collation.
func fewOf(columns, number string) string {
	return "v AS MATERIALIZED (SELECT " + columns + " FROM every WHERE " + number + " BETWEEN 0 AND 2147483647 AND " + number + " + 1 BETWEEN 1 AND 2147483648)"
}

// daysOf returns the bounds of the days that rows with a prefix were made on. Between them,
// Postgres leaves the partitions of other days out when it plans; closer bounds
// would make it believe that there is next to nothing between them.
func daysOf(prefix string, ids []string) (from, before string) {
	first, last := database.IDTime(slices.Min(ids)).Truncate(models.Day), database.IDTime(slices.Max(ids)).Truncate(models.Day)
	return database.LowestID(prefix, first), database.LowestID(prefix, last.Add(models.Day))
}

// advanceDeliveries writes the last attempt's facts. A delivery that has ended
// keeps its state, unless the attempt succeeded: a resend adds, never undoes.
func (p *Engine) advanceDeliveries(tx *database.Tx, rows [][]any) error {
	list, parameters := database.Values(p.db.Dialect, []database.ValueKind{database.TextValue, database.TextValue, database.IntegerValue, database.IntegerValue, database.TextValue, database.IntegerValue, database.TimeValue, database.TimeValue}, rows)
	from, before := daysOf(models.PrefixDelivery, firstTexts(rows))
	const columns = "id, state, attempt, status_code, cause, duration_us, started_at, ended_at"
	return tx.Exec(`WITH every(`+columns+`) AS (`+list+`), `+fewOf(columns, "attempt")+`
		UPDATE deliveries SET
			state = CASE WHEN v.state = 'delivered' OR deliveries.ended_at IS NULL THEN v.state ELSE deliveries.state END,
			delivered_at = CASE WHEN v.state = 'delivered' AND delivered_at IS NULL THEN v.ended_at ELSE delivered_at END,
			ended_at = CASE WHEN v.state IN ('delivered', 'failed') AND (deliveries.ended_at IS NULL OR deliveries.state <> 'delivered' AND v.state = 'delivered')
				THEN v.ended_at ELSE deliveries.ended_at END,
			attempt_count = v.attempt, last_status_code = v.status_code, last_cause = v.cause,
			last_duration_us = v.duration_us, last_attempt_at = v.started_at
		FROM v WHERE deliveries.id = v.id AND deliveries.id >= ? AND deliveries.id < ?`, append(parameters, from, before)...).Error
}

// advanceWork removes what is finished and plans what is not. Where no time is
// given, the planned attempt that a resend came before is next; without one
// nothing is left to do.
func (p *Engine) advanceWork(tx *database.Tx, finished []string, next [][]any) error {
	if len(next) > 0 {
		list, parameters := database.Values(p.db.Dialect, []database.ValueKind{database.TextValue, database.IntegerValue, database.IntegerValue, database.TimeValue}, next)
		const columns = "id, attempt, position, due_at"
		err := tx.Exec(`WITH every(`+columns+`) AS (`+list+`), `+fewOf(columns, "attempt")+`
			UPDATE delivery_work SET trigger = 'schedule', priority = ?, recovery_id = '', attempt = v.attempt, position = v.position,
				due_at = coalesce(v.due_at, resume_at, delivery_work.due_at), wake_at = coalesce(v.due_at, resume_at, wake_at),
				resume_at = NULL, lease_until = NULL, lease_token = CASE WHEN v.due_at IS NULL AND resume_at IS NULL THEN 'done' ELSE '' END
			FROM v WHERE delivery_id = v.id`, append(parameters, PriorityRetry)...).Error
		if err != nil {
			return err
		}
		condition, ids := p.db.Dialect.Among("delivery_id", firstTexts(next))
		if err := tx.Where(condition, ids).Where("lease_token = 'done'").Delete(&models.Work{}).Error; err != nil {
			return err
		}
	}
	if len(finished) == 0 {
		return nil
	}
	condition, ids := p.db.Dialect.Among("delivery_id", finished)
	return tx.Where(condition, ids).Delete(&models.Work{}).Error
}

// firstTexts returns the ids that rows of a list begin with.
func firstTexts(rows [][]any) []string {
	texts := make([]string, len(rows))
	for i, row := range rows {
		texts[i] = row[0].(string)
	}
	return texts
}
