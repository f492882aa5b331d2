package models

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"hookwell/webhook"
)

// A circuit opens after so many failures in a row and is probed with one
// request when it has been open for so long.
const (
	circuitThreshold = 5
	circuitProbe     = 30 * time.Second
)

// healthGrain is how exactly an endpoint's last success and failure are kept:
// finer would make one row the bottleneck of a busy endpoint, and all of them
// that of a busy installation.
const healthGrain = 5 * time.Second

// health is what a group of results says of one endpoint.
type health struct {
	endpointID       string
	success, failure time.Time
	answered         bool // something came back that speaks for the endpoint
	failures         int  // in a row, since then
	gone             bool

	// The first and the last failure since the success, if there was one, but for
	// what was cut off here.
	missedFrom, missed time.Time
}

// weigh reads results, the earliest first. Test events count in no health, and
// what cut an attempt off here says nothing of the receiver.
func weigh(held []Result) map[string]*health {
	ordered := slices.Clone(held)
	slices.SortStableFunc(ordered, func(a, b Result) int { return a.ended().Compare(b.ended()) })
	found := map[string]*health{}
	for i := range ordered {
		r := &ordered[i]
		if r.Job.work.Trigger == TriggerTest {
			continue
		}
		h := found[r.Job.EndpointID]
		if h == nil {
			h = &health{endpointID: r.Job.EndpointID}
			found[r.Job.EndpointID] = h
		}
		x := &r.Exchange
		h.gone = h.gone || x.StatusCode == http.StatusGone
		switch {
		case x.Cause == "":
			h.success, h.answered, h.failures = r.ended(), true, 0
			h.missedFrom, h.missed = time.Time{}, time.Time{}
			continue
		case x.Cause == webhook.CauseInterrupted:
		case speaksAgainst(x):
			h.failures++
		default:
			h.answered, h.failures = true, 0
		}
		h.failure = r.ended()
		h.miss(x, h.failure)
	}
	return found
}

// speaksAgainst tells whether a failure counts for the circuit: no status at
// all, 408, 429 or 5xx. Any other answer shows that somebody is there.
func speaksAgainst(x *webhook.Exchange) bool {
	return x.StatusCode == 0 || x.StatusCode == http.StatusRequestTimeout || x.StatusCode == http.StatusTooManyRequests || x.StatusCode >= 500
}

// settleEndpoints notes how endpoints fare, opens and closes their circuits,
// and disables those that answered 410.
func (s *Store) settleEndpoints(tx *Tx, held []Result) error {
	found := weigh(held)
	ids := make([]string, 0, len(found))
	for id := range found {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	changing, err := s.changing(tx, ids, found)
	if err != nil {
		return fmt.Errorf("reading endpoints: %w", err)
	}
	if len(changing) > 0 {
		if err := s.moveStates(tx, changing, found); err != nil {
			return fmt.Errorf("updating endpoints: %w", err)
		}
	}
	for _, id := range ids {
		if found[id].gone {
			if err := s.disableGone(tx, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// changing answers the endpoints whose state the results change. It reads
// without a lock: a busy healthy endpoint has nothing to write but once a
// second, and its claims are not to wait for that.
func (s *Store) changing(tx *Tx, ids []string, found map[string]*health) ([]string, error) {
	var states []EndpointState
	if err := tx.Where("endpoint_id IN ?", ids).Order("endpoint_id").Find(&states).Error; err != nil {
		return nil, err
	}
	stale := s.clock.Now().Add(-healthGrain)
	var changing []string
	for i := range states {
		if found[states[i].EndpointID].changes(&states[i], stale) {
			changing = append(changing, states[i].EndpointID)
		}
	}
	return changing, nil
}

// changes tells whether there is anything to write to a state. What is kept of
// the last success and failure is renewed only where it is from before stale.
func (h *health) changes(state *EndpointState, stale time.Time) bool {
	old := func(kept *time.Time, seen time.Time) bool {
		return !seen.IsZero() && (kept == nil || kept.Before(stale))
	}
	return h.turns(state) || old(state.LastSuccessAt, h.success) || old(state.LastFailureAt, h.failure)
}

// turns tells whether a state's circuit, or what it is judged by, changes.
func (h *health) turns(state *EndpointState) bool {
	return h.failures > 0 || state.moves(h) || h.answered && (state.Failures > 0 || state.HeldBecause == HeldByCircuit)
}

// moveStates writes the endpoints' states under a lock, taken in the order in
// which claims take it.
func (s *Store) moveStates(tx *Tx, ids []string, found map[string]*health) error {
	var states []EndpointState
	query := "SELECT " + stateColumns + " FROM endpoint_states WHERE endpoint_id IN ? ORDER BY endpoint_id " + s.dialect.forUpdate(false)
	if err := tx.Raw(query, ids).Find(&states).Error; err != nil {
		return err
	}
	rows := make([][]any, len(states))
	for i := range states {
		state, h := &states[i], found[states[i].EndpointID]
		was := state.HeldBecause
		failures, action := state.judge(h)
		state.follow(h, state.LastSuccessAt)
		rows[i] = []any{state.EndpointID, failures, action, latest(state.LastSuccessAt, h.success), latest(state.LastFailureAt, h.failure),
			timeOrNull(state.FailingSince), state.FailingDays, int(state.FailingStage)}
		if err := s.noteCircuit(tx, state.EndpointID, was, action); err != nil {
			return err
		}
	}
	list, parameters := values(s.dialect, []valueKind{textValue, integerValue, textValue, timeValue, timeValue, timeValue, textValue, integerValue}, rows)
	now := s.dialect.now(s.clock)
	// A circuit that is open already is not held open longer by what was on its
	// way when it opened.
	return tx.Exec(`WITH v(id, failures, action, success_at, failure_at, failing_since, failing_days, failing_stage) AS (`+list+`)
		UPDATE endpoint_states SET failures = v.failures,
			held_until = CASE v.action WHEN 'close' THEN NULL WHEN 'open' THEN
				CASE WHEN held_until > `+now+` THEN held_until ELSE `+s.dialect.secondsAfter(now, fmt.Sprintf("%.3f", s.probe.Seconds()))+` END ELSE held_until END,
			held_because = CASE v.action WHEN 'close' THEN '' WHEN 'open' THEN 'circuit' ELSE held_because END,
			last_success_at = coalesce(v.success_at, last_success_at), last_failure_at = coalesce(v.failure_at, last_failure_at),
			failing_since = v.failing_since, failing_days = v.failing_days, failing_stage = v.failing_stage
		FROM v WHERE endpoint_id = v.id`, parameters...).Error
}

// What becomes of a circuit.
const (
	keepCircuit  = ""
	openCircuit  = "open"
	closeCircuit = "close"
)

// judge answers the failures in a row and what becomes of the circuit.
func (s *EndpointState) judge(h *health) (failures int, action string) {
	failures = h.failures
	if !h.answered {
		failures += s.Failures
	}
	switch {
	case h.failures > 0 && failures >= circuitThreshold:
		return failures, openCircuit
	case h.answered && s.HeldBecause == HeldByCircuit:
		return failures, closeCircuit
	}
	return failures, keepCircuit
}

// noteCircuit keeps a circuit's transitions in the log and in the audit.
func (s *Store) noteCircuit(tx *Tx, endpointID string, was Hold, action string) error {
	if action == keepCircuit || action == openCircuit && was == HeldByCircuit {
		return nil
	}
	e, err := find[Endpoint](tx.Select("id", "organization_id", "name", "url").Where("id = ?", endpointID), "endpoint")
	if err != nil {
		return err
	}
	word := map[string]string{openCircuit: "opened", closeCircuit: "closed"}[action]
	s.log.Info("circuit "+word, "endpoint", endpointID)
	return s.audit(tx, systemActor(), e.OrganizationID, "endpoint.circuit_"+word, e.ID, e.Title(), "")
}

func timeOrNull(at *time.Time) any {
	if at == nil {
		return nil
	}
	return *at
}

// latest is the later time: a slow exchange may be recorded after a quick one.
func latest(kept *time.Time, seen time.Time) any {
	switch {
	case kept != nil && kept.After(seen):
		return *kept
	case seen.IsZero():
		return nil
	}
	return seen
}
