package pipeline

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm/clause"

	"hookwell/models"
	"hookwell/models/database"
)

const (
	// mailGrain is how often a failing endpoint is written about at most, one
	// that comes and goes included.
	mailGrain = 24 * time.Hour
)

// WatchEndpoints announces, in one step, endpoints that fail or have recovered,
// and disables those that meet the rule. It returns how many endpoints it took;
// if that is FullStep, call it again. Only one process does it at a time.
func (p *Engine) WatchEndpoints(ctx context.Context) (int, error) {
	var taken int
	err := p.db.Transaction(ctx, func(tx *database.Tx) error {
		taken = 0
		free, err := p.db.Dialect.TrySerialize(tx.DB, database.WatchLock)
		if err != nil || !free {
			return err
		}
		now, err := tx.Now()
		if err != nil {
			return err
		}
		states, err := p.failing(tx, now)
		if err != nil || len(states) == 0 {
			return err
		}
		taken = len(states)
		return p.announce(tx, states, now)
	})
	if err != nil {
		return 0, fmt.Errorf("watching endpoints: %w", err)
	}
	return taken, nil
}

// threeDays is how long a list of DisableDays days is.
const threeDays = models.DisableDays*(len(time.DateOnly)+1) - 1

// failing locks the states of which something may be due.
func (p *Engine) failing(tx *database.Tx, now time.Time) (states []models.EndpointState, err error) {
	var ids []string
	err = tx.Raw(`SELECT s.endpoint_id FROM endpoint_states s JOIN endpoints e ON e.id = s.endpoint_id
		WHERE e.deleted_at IS NULL AND e.disabled_at IS NULL AND (s.failing_stage = ? OR s.failing_since IS NOT NULL AND (
			s.failing_stage = ? AND s.failing_since <= ?
			OR s.failing_stage <> ? AND s.failing_since <= ? AND length(s.failing_days) >= ?
			OR s.failing_stage = ? AND s.failing_since <= ? AND s.noted_at <= ?))
		ORDER BY s.endpoint_id LIMIT ?`,
		models.HasRecovered, models.NotAnnounced, now.Add(-models.FailingGrace), models.DisableAnnounced, now.Add(models.DisableNotice-models.DisableAfter), threeDays,
		models.DisableAnnounced, now.Add(-models.DisableAfter), now.Add(-models.DisableNotice), FullStep).Scan(&ids).Error
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	query := "SELECT " + database.StateColumns + " FROM endpoint_states WHERE endpoint_id IN ? ORDER BY endpoint_id " + p.db.Dialect.ForUpdate(false)
	return states, tx.Raw(query, ids).Scan(&states).Error
}

// announcement is what an organization's people are told at once, of all the
// endpoints that it holds for.
type announcement struct {
	kind models.NoticeKind
	of   []*models.EndpointState
	on   []*models.Endpoint
}

func (p *Engine) announce(tx *database.Tx, states []models.EndpointState, now time.Time) error {
	ids := make([]string, len(states))
	for i := range states {
		ids[i] = states[i].EndpointID
	}
	var endpoints []models.Endpoint
	// Locked like the states before them, in one order.
	if err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("id IN ?", ids).Order("id").Find(&endpoints).Error; err != nil {
		return err
	}
	byID := make(map[string]*models.Endpoint, len(endpoints))
	for i := range endpoints {
		byID[endpoints[i].ID] = &endpoints[i]
	}
	told := map[string]map[models.NoticeKind]*announcement{}
	for i := range states {
		state, e := &states[i], byID[states[i].EndpointID]
		kind := state.Due(now)
		if e == nil || e.DeletedAt != nil || !e.Enabled() || kind == "" {
			continue
		}
		mailed, err := p.enter(tx, state, e, kind, now)
		if err != nil {
			return err
		}
		if told[e.OrganizationID] == nil {
			told[e.OrganizationID] = map[models.NoticeKind]*announcement{}
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
			if err := p.mailAdmins(tx, organizationID, a); err != nil {
				return err
			}
		}
	}
	return nil
}

// enter moves an endpoint's state to what is announced now, and reports whether
// that is worth a message.
func (p *Engine) enter(tx *database.Tx, state *models.EndpointState, e *models.Endpoint, kind models.NoticeKind, now time.Time) (mailed bool, err error) {
	previous := state.NotedAt
	state.NotedAt, mailed = &now, true
	switch kind {
	case models.NoticeFailing:
		state.FailingStage = models.FailingAnnounced
		mailed = state.MailedAt == nil || now.Sub(*state.MailedAt) >= mailGrain
	case models.NoticeDisabling:
		state.FailingStage = models.DisableAnnounced
	case models.NoticeRecovered:
		state.FailingStage, state.NotedAt = models.NotAnnounced, nil
		mailed = previous != nil && state.MailedAt != nil && !state.MailedAt.Before(*previous)
	}
	if mailed && kind != models.NoticeRecovered {
		state.MailedAt = &now
	}
	change := map[string]any{"failing_stage": state.FailingStage, "noted_at": state.NotedAt, "mailed_at": state.MailedAt}
	if err := tx.Model(&models.EndpointState{}).Where("endpoint_id = ?", state.EndpointID).Updates(change).Error; err != nil {
		return false, err
	}
	p.log.Info("endpoint "+string(kind), "endpoint", e.ID, "organization", e.OrganizationID)
	if kind == models.NoticeDisabled {
		return mailed, p.disable(tx, e, models.DisabledFailing, kind, state, state.FailingWords())
	}
	at, _ := state.DisableAt()
	return mailed, p.notify(tx, models.Notice{OrganizationID: e.OrganizationID, EndpointID: e.ID, Kind: kind, Since: state.FailingSince, DueAt: at})
}

// disable parks an endpoint without anybody having asked for it, and opens the
// notice that says so. Its row is locked.
func (p *Engine) disable(tx *database.Tx, e *models.Endpoint, reason string, kind models.NoticeKind, state *models.EndpointState, details string) error {
	now := database.StrictlyAfter(p.clock.Now(), e.UpdatedAt)
	e.DisabledAt, e.DisabledReason, e.DisabledBy, e.UpdatedAt = &now, reason, models.SystemActor().Name, now
	if err := tx.Model(&models.Endpoint{}).Where("id = ?", e.ID).Select("disabled_at", "disabled_reason", "disabled_by", "updated_at").Updates(e).Error; err != nil {
		return err
	}
	if err := AddHistory(tx, e, now); err != nil {
		return err
	}
	n := models.Notice{OrganizationID: e.OrganizationID, EndpointID: e.ID, Kind: kind}
	if state != nil {
		n.Since = state.FailingSince
	}
	if err := p.notify(tx, n); err != nil {
		return err
	}
	return p.db.Audit(tx, models.SystemActor(), e.OrganizationID, "endpoint.disabled", e.ID, e.Title(), details)
}

// disableGone disables an endpoint whose receiver said that it is gone for good
// (410, RFC 9110, section 15.5.11).
func (p *Engine) disableGone(tx *database.Tx, id string) error {
	e, err := database.Find[models.Endpoint](tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ? AND deleted_at IS NULL AND disabled_at IS NULL", id), "endpoint")
	if models.IsKind(err, models.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := p.disable(tx, e, models.DisabledGone, models.NoticeGone, nil, "the receiver answered 410"); err != nil {
		return err
	}
	return p.mailAdmins(tx, e.OrganizationID, &announcement{kind: models.NoticeGone, of: []*models.EndpointState{nil}, on: []*models.Endpoint{e}})
}
