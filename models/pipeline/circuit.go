package pipeline

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/webhook"
)

// circuitProbe is how long an open circuit waits for its probe, if nobody sets it.
const circuitProbe = 30 * time.Second

// stateGrain is how exactly an endpoint's last success and failure are kept:
// finer would make one row the bottleneck of a busy endpoint, and all of them
// that of a busy installation.
const stateGrain = 5 * time.Second

// resultsByEndpoint reads results, the earliest first. Test events count in no health, and
// what cut an attempt off here says nothing of the receiver.
func resultsByEndpoint(held []*Result) map[string]*models.EndpointResults {
	ordered := slices.Clone(held)
	slices.SortStableFunc(ordered, func(a, b *Result) int { return a.ended().Compare(b.ended()) })
	found := map[string]*models.EndpointResults{}
	for _, r := range ordered {
		if r.Job.work.Trigger == models.TriggerTest {
			continue
		}
		h := found[r.Job.EndpointID]
		if h == nil {
			h = &models.EndpointResults{EndpointID: r.Job.EndpointID}
			found[r.Job.EndpointID] = h
		}
		x := &r.Exchange
		h.Gone = h.Gone || x.StatusCode == http.StatusGone
		switch {
		case x.Cause == "":
			h.Success, h.Answered, h.Failures = r.ended(), true, 0
			h.MissedFrom, h.Missed = time.Time{}, time.Time{}
			continue
		case x.Cause == webhook.CauseInterrupted:
		case speaksAgainst(x):
			h.Failures++
		default:
			h.Answered, h.Failures = true, 0
		}
		h.Failure = r.ended()
		h.Miss(x, h.Failure)
	}
	return found
}

// speaksAgainst reports whether a failure counts for the circuit: no status at
// all, 408, 429 or 5xx. Any other answer shows that somebody is there.
func speaksAgainst(x *webhook.Exchange) bool {
	return x.StatusCode == 0 || x.StatusCode == http.StatusRequestTimeout || x.StatusCode == http.StatusTooManyRequests || x.StatusCode >= 500
}

// advanceEndpoints notes how endpoints fare, opens and closes their circuits,
// and disables those that answered 410.
func (p *Engine) advanceEndpoints(tx *database.Tx, held []*Result) error {
	found := resultsByEndpoint(held)
	ids := make([]string, 0, len(found))
	for id := range found {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	changing, err := p.changing(tx, ids, found)
	if err != nil {
		return fmt.Errorf("reading endpoints: %w", err)
	}
	if len(changing) > 0 {
		if err := p.moveStates(tx, changing, found); err != nil {
			return fmt.Errorf("updating endpoints: %w", err)
		}
	}
	for _, id := range ids {
		if found[id].Gone {
			if err := p.disableGone(tx, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// changing returns the endpoints whose state the results change. It reads
// without a lock: a busy healthy endpoint has nothing to write but once a
// second, and its claims are not to wait for that.
func (p *Engine) changing(tx *database.Tx, ids []string, found map[string]*models.EndpointResults) ([]string, error) {
	var states []models.EndpointState
	if err := tx.Where("endpoint_id IN ?", ids).Order("endpoint_id").Find(&states).Error; err != nil {
		return nil, err
	}
	stale := p.clock.Now().Add(-stateGrain)
	var changing []string
	for i := range states {
		if found[states[i].EndpointID].Changes(&states[i], stale) {
			changing = append(changing, states[i].EndpointID)
		}
	}
	return changing, nil
}

// moveStates writes the endpoints' states under a lock, taken in the order in
// which claims take it.
func (p *Engine) moveStates(tx *database.Tx, ids []string, found map[string]*models.EndpointResults) error {
	var states []models.EndpointState
	query := "SELECT " + database.StateColumns + " FROM endpoint_states WHERE endpoint_id IN ? ORDER BY endpoint_id " + p.db.Dialect.ForUpdate(false)
	if err := tx.Raw(query, ids).Find(&states).Error; err != nil {
		return err
	}
	rows := make([][]any, len(states))
	for i := range states {
		state, h := &states[i], found[states[i].EndpointID]
		was := state.HeldBecause
		failures, action := state.Judge(h)
		state.Follow(h, state.LastSuccessAt)
		rows[i] = []any{state.EndpointID, failures, action, latest(state.LastSuccessAt, h.Success), latest(state.LastFailureAt, h.Failure),
			timeOrNull(state.FailingSince), state.FailingDays, int(state.FailingStage)}
		if err := p.noteCircuit(tx, state.EndpointID, was, action); err != nil {
			return err
		}
	}
	list, parameters := database.Values(p.db.Dialect, []database.ValueKind{database.TextValue, database.IntegerValue, database.TextValue, database.TimeValue, database.TimeValue, database.TimeValue, database.TextValue, database.IntegerValue}, rows)
	now := p.db.Dialect.Now(p.clock)
	// A circuit that is open already is not held open longer by what was on its
	// way when it opened.
	return tx.Exec(`WITH v(id, failures, action, success_at, failure_at, failing_since, failing_days, failing_stage) AS (`+list+`)
		UPDATE endpoint_states SET failures = v.failures,
			held_until = CASE v.action WHEN 'close' THEN NULL WHEN 'open' THEN
				CASE WHEN held_until > `+now+` THEN held_until ELSE `+p.db.Dialect.SecondsAfter(now, fmt.Sprintf("%.3f", p.probe.Seconds()))+` END ELSE held_until END,
			held_because = CASE v.action WHEN 'close' THEN '' WHEN 'open' THEN 'circuit' ELSE held_because END,
			last_success_at = coalesce(v.success_at, last_success_at), last_failure_at = coalesce(v.failure_at, last_failure_at),
			failing_since = v.failing_since, failing_days = v.failing_days, failing_stage = v.failing_stage
		FROM v WHERE endpoint_id = v.id`, parameters...).Error
}

// noteCircuit keeps a circuit's transitions in the log and in the audit.
func (p *Engine) noteCircuit(tx *database.Tx, endpointID string, was models.Hold, action string) error {
	if action == models.KeepCircuit || action == models.OpenCircuit && was == models.HeldByCircuit {
		return nil
	}
	e, err := database.Find[models.Endpoint](tx.Select("id", "organization_id", "name", "url").Where("id = ?", endpointID), "endpoint")
	if err != nil {
		return err
	}
	word := map[string]string{models.OpenCircuit: "opened", models.CloseCircuit: "closed"}[action]
	p.log.Info("circuit "+word, "endpoint", endpointID)
	return p.db.Audit(tx, models.SystemActor(), e.OrganizationID, "endpoint.circuit_"+word, e.ID, e.Title(), "")
}

func timeOrNull(at *time.Time) any {
	if at == nil {
		return nil
	}
	return *at
}

// latest returns the later time: a slow exchange may be recorded after a quick one.
func latest(kept *time.Time, seen time.Time) any {
	switch {
	case kept != nil && kept.After(seen):
		return *kept
	case seen.IsZero():
		return nil
	}
	return seen
}
