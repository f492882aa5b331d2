package store

import (
	"context"
	"time"

	"hookwell/models"
	"hookwell/models/database"
)

// replayMargin is how long accepting an event takes at the most, or nearly so.
const replayMargin = 2 * time.Second

// Missed returns how many events a disabled endpoint has missed since it was
// disabled; 0 for an enabled one. An unknown or deleted endpoint is NotFound.
func (t *Tenant) Missed(ctx context.Context, id string) (int, error) {
	e, err := t.Endpoint(ctx, id)
	if err != nil || e.Enabled() {
		return 0, err
	}
	r, err := t.missed(e)
	if err != nil {
		return 0, err
	}
	return countRecovery(r, t.store.db.WithContext(ctx), e)
}

// missed returns a recovery of what the endpoint did not get while it was disabled.
func (t *Tenant) missed(e *models.Endpoint) (*models.Recovery, error) {
	return t.newRecovery(e.ID, models.RecoveryInput{Kind: models.RecoverMissing, Since: *e.DisabledAt})
}

// EnableAndReplay enables the endpoint as EnableEndpoint does and starts a
// recovery that sends it the events that it missed while it was disabled. It
// returns the recovery, or nil if there were none or the endpoint was enabled
// already. It is a Conflict, and changes nothing, while another recovery of the
// endpoint runs.
func (t *Tenant) EnableAndReplay(ctx context.Context, id string) (*models.Endpoint, *models.Recovery, error) {
	e, r, err := t.enableAndReplay(ctx, id)
	before := earlier(err)
	if before == nil {
		return e, r, err
	}
	if e, err = t.Endpoint(ctx, id); err != nil || before.made == "" {
		return e, nil, err
	}
	r, err = t.Recovery(ctx, before.made)
	return e, r, err
}

func (t *Tenant) enableAndReplay(ctx context.Context, id string) (*models.Endpoint, *models.Recovery, error) {
	if err := t.store.sentBefore(ctx); err != nil {
		return nil, nil, err
	}
	before, err := t.Endpoint(ctx, id)
	if err == nil {
		err = t.check(before.Version())
	}
	if err != nil || before.Enabled() {
		return before, nil, err
	}
	r, err := t.missed(before)
	if err != nil {
		return nil, nil, err
	}
	e, err := t.setEndpoint(once(ctx), id, standingChange{action: "endpoint.enabled", set: enable, then: func(tx *database.Tx, e *models.Endpoint) error {
		// An event that is being accepted at this moment may not see it enabled;
		// of those that do, each has its delivery and is passed over.
		r.Until = t.store.clock.Now().Add(replayMargin)
		if n, err := countRecovery(r, tx.DB, e); err != nil || n == 0 {
			return err
		}
		return t.beginRecovery(tx, e, r)
	}})
	if err != nil || r.ID == "" {
		return e, nil, err
	}
	return e, r, nil
}
