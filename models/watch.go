package models

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm/clause"
)

// WatchEndpoints announces, in one step, what is due of endpoints that fail or
// have recovered, and disables those that the rule is met for. It answers how
// many it took; call it again when the step was full. Of several processes, one
// does it at a time.
func (s *Store) WatchEndpoints(ctx context.Context) (int, error) {
	var taken int
	err := s.transaction(ctx, func(tx *Tx) error {
		taken = 0
		free, err := s.dialect.trySerialize(tx.DB, watchLock)
		if err != nil || !free {
			return err
		}
		now, err := tx.Now()
		if err != nil {
			return err
		}
		states, err := s.failing(tx, now)
		if err != nil || len(states) == 0 {
			return err
		}
		taken = len(states)
		return s.announce(tx, states, now)
	})
	if err != nil {
		return 0, fmt.Errorf("watching endpoints: %w", err)
	}
	return taken, nil
}

// threeDays is how long a list of DisableDays days is.
const threeDays = DisableDays*(len(time.DateOnly)+1) - 1

// failing locks the states of which something may be due.
func (s *Store) failing(tx *Tx, now time.Time) (states []EndpointState, err error) {
	var ids []string
	err = tx.Raw(`SELECT s.endpoint_id FROM endpoint_states s JOIN endpoints e ON e.id = s.endpoint_id
		WHERE e.deleted_at IS NULL AND e.disabled_at IS NULL AND (s.failing_stage = ? OR s.failing_since IS NOT NULL AND (
			s.failing_stage = ? AND s.failing_since <= ?
			OR s.failing_stage <> ? AND s.failing_since <= ? AND length(s.failing_days) >= ?
			OR s.failing_stage = ? AND s.failing_since <= ? AND s.noted_at <= ?))
		ORDER BY s.endpoint_id LIMIT ?`,
		hasRecovered, NotAnnounced, now.Add(-failingGrace), DisableAnnounced, now.Add(DisableNotice-DisableAfter), threeDays,
		DisableAnnounced, now.Add(-DisableAfter), now.Add(-DisableNotice), FullStep).Scan(&ids).Error
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	query := "SELECT " + stateColumns + " FROM endpoint_states WHERE endpoint_id IN ? ORDER BY endpoint_id " + s.dialect.forUpdate(false)
	return states, tx.Raw(query, ids).Scan(&states).Error
}

// announcement is what an organization's people are told at once, of all the
// endpoints that it holds for.
type announcement struct {
	kind NoticeKind
	of   []*EndpointState
	on   []*Endpoint
}

func (s *Store) announce(tx *Tx, states []EndpointState, now time.Time) error {
	ids := make([]string, len(states))
	for i := range states {
		ids[i] = states[i].EndpointID
	}
	var endpoints []Endpoint
	// Locked like the states before them, in one order.
	if err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("id IN ?", ids).Order("id").Find(&endpoints).Error; err != nil {
		return err
	}
	byID := make(map[string]*Endpoint, len(endpoints))
	for i := range endpoints {
		byID[endpoints[i].ID] = &endpoints[i]
	}
	told := map[string]map[NoticeKind]*announcement{}
	for i := range states {
		state, e := &states[i], byID[states[i].EndpointID]
		kind := state.due(now)
		if e == nil || e.DeletedAt != nil || !e.Enabled() || kind == "" {
			continue
		}
		mailed, err := s.enter(tx, state, e, kind, now)
		if err != nil {
			return err
		}
		if told[e.OrganizationID] == nil {
			told[e.OrganizationID] = map[NoticeKind]*announcement{}
		}
		if !mailed {
			continue
		}
		a := told[e.OrganizationID][kind]
		if a == nil {
			a = &announcement{kind: kind}
			told[e.OrganizationID][kind] = a
		}
		a.of, a.on = append(a.of, state), append(a.on, e)
	}
	for organizationID, kinds := range told {
		for _, a := range kinds {
			if err := s.mailAdmins(tx, organizationID, a); err != nil {
				return err
			}
		}
	}
	return nil
}

// enter moves an endpoint's state to what is announced now, and answers whether
// that is worth a message.
func (s *Store) enter(tx *Tx, state *EndpointState, e *Endpoint, kind NoticeKind, now time.Time) (mailed bool, err error) {
	previous := state.NotedAt
	state.NotedAt, mailed = &now, true
	switch kind {
	case NoticeFailing:
		state.FailingStage = FailingAnnounced
		mailed = state.MailedAt == nil || now.Sub(*state.MailedAt) >= mailGrain
	case NoticeDisabling:
		state.FailingStage = DisableAnnounced
	case NoticeRecovered:
		state.FailingStage, state.NotedAt = NotAnnounced, nil
		mailed = previous != nil && state.MailedAt != nil && !state.MailedAt.Before(*previous)
	}
	if mailed && kind != NoticeRecovered {
		state.MailedAt = &now
	}
	change := map[string]any{"failing_stage": state.FailingStage, "noted_at": state.NotedAt, "mailed_at": state.MailedAt}
	if err := tx.Model(&EndpointState{}).Where("endpoint_id = ?", state.EndpointID).Updates(change).Error; err != nil {
		return false, err
	}
	s.log.Info("endpoint "+string(kind), "endpoint", e.ID, "organization", e.OrganizationID)
	if kind == NoticeDisabled {
		return mailed, s.disable(tx, e, DisabledFailing, kind, state, state.failingWords())
	}
	at, _ := state.DisableAt()
	return mailed, s.notify(tx, Notice{OrganizationID: e.OrganizationID, EndpointID: e.ID, Kind: kind, Since: state.FailingSince, DueAt: at})
}

// failingWords is since when and on which days, for the audit.
func (f *Failing) failingWords() string {
	if f.FailingSince == nil {
		return ""
	}
	return "nothing succeeded since " + f.FailingSince.UTC().Format("2006-01-02 15:04") + " UTC; it failed on " + strings.ReplaceAll(f.FailingDays, ",", ", ")
}

// disable parks an endpoint without anybody having asked for it, and opens the
// notice that says so. Its row is locked.
func (s *Store) disable(tx *Tx, e *Endpoint, reason string, kind NoticeKind, state *EndpointState, details string) error {
	now := later(s.clock.Now(), e.UpdatedAt)
	e.DisabledAt, e.DisabledReason, e.DisabledBy, e.UpdatedAt = &now, reason, systemActor().Name, now
	if err := tx.Model(&Endpoint{}).Where("id = ?", e.ID).Select("disabled_at", "disabled_reason", "disabled_by", "updated_at").Updates(e).Error; err != nil {
		return err
	}
	if err := noteSettings(tx, e, now); err != nil {
		return err
	}
	n := Notice{OrganizationID: e.OrganizationID, EndpointID: e.ID, Kind: kind}
	if state != nil {
		n.Since = state.FailingSince
	}
	if err := s.notify(tx, n); err != nil {
		return err
	}
	return s.audit(tx, systemActor(), e.OrganizationID, "endpoint.disabled", e.ID, e.Title(), details)
}

// disableGone disables an endpoint whose receiver said that it is gone for good
// (410, RFC 9110, section 15.5.11).
func (s *Store) disableGone(tx *Tx, id string) error {
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
