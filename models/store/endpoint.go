package store

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/pipeline"
	"hookwell/webhook"
)

// Endpoints lists the organization's endpoints by age, without deleted ones. It
// fails if the database does.
func (t *Tenant) Endpoints(ctx context.Context) ([]models.Endpoint, error) {
	var list []models.Endpoint
	err := t.rows(ctx).Where("deleted_at IS NULL").Order("id").Find(&list).Error
	return list, err
}

// Endpoint reads one endpoint that is not deleted. An unknown or deleted one is
// NotFound.
func (t *Tenant) Endpoint(ctx context.Context, id string) (*models.Endpoint, error) {
	return t.endpoint(t.rows(ctx), id)
}

func (t *Tenant) endpoint(scoped *gorm.DB, id string) (*models.Endpoint, error) {
	return database.Find[models.Endpoint](scoped.Where("id = ? AND deleted_at IS NULL", id), "endpoint")
}

// HeaderNames lists the names of the endpoint's own headers. Their values leave the
// store only on the way to the receiver. Another organization's endpoint is
// NotFound. It fails if the vault can't open them.
func (t *Tenant) HeaderNames(e *models.Endpoint) ([]string, error) {
	if e.OrganizationID != t.org.ID {
		return nil, models.NewNotFound("endpoint")
	}
	headers, err := t.store.engine.OwnHeaders(e)
	names := make([]string, len(headers))
	for i, h := range headers {
		names[i] = h.Name
	}
	return names, err
}

// CreateEndpoint registers an endpoint and returns its secret, which is shown
// again only by an explicit reveal. It makes one endpoint for each form; a form
// that is sent again late gets a zero secret. It is a Conflict if the
// organization has as many endpoints as it may have.
func (t *Tenant) CreateEndpoint(ctx context.Context, in models.EndpointInput) (*models.Endpoint, webhook.Secret, error) {
	var endpoint *models.Endpoint
	var secret webhook.Secret
	err := t.store.sentBefore(ctx)
	if err == nil {
		err = t.store.checkEndpoint(ctx, t.org.ID, &in)
	}
	if err == nil {
		err = t.store.transaction(once(ctx), func(tx *database.Tx) (err error) {
			if endpoint, secret, err = t.createEndpoint(tx, in); err == nil {
				makes(tx, endpoint.ID, secret.Reveal())
			}
			return err
		})
	}
	if before := earlier(err); before != nil {
		return t.madeEndpoint(ctx, before)
	}
	return endpoint, secret, err
}

// madeEndpoint returns the endpoint that a form made or rotated before; the secret is
// zero when it is not to be shown again.
func (t *Tenant) madeEndpoint(ctx context.Context, before *taken) (*models.Endpoint, webhook.Secret, error) {
	e, err := t.Endpoint(ctx, before.made)
	if err != nil || before.shown == "" {
		return e, webhook.Secret{}, err
	}
	secret, err := webhook.ParseSecret(before.shown)
	return e, secret, err
}

// createEndpoint inserts an endpoint whose input was checked.
func (t *Tenant) createEndpoint(tx *database.Tx, in models.EndpointInput) (*models.Endpoint, webhook.Secret, error) {
	if err := t.roomForEndpoint(tx); err != nil {
		return nil, webhook.Secret{}, err
	}
	now := t.store.clock.Now()
	e := &models.Endpoint{ID: t.store.clock.NewID(models.PrefixEndpoint, now), OrganizationID: t.org.ID, CreatedAt: now, UpdatedAt: now}
	if err := t.store.apply(e, in); err != nil {
		return nil, webhook.Secret{}, err
	}
	if in.Disabled {
		e.DisabledAt, e.DisabledReason, e.DisabledBy = &now, models.DisabledByPerson, t.actor.Title()
	}
	row, secret := t.newSecret(e, in.Secret, now)
	for _, record := range []any{e, &models.EndpointState{EndpointID: e.ID}, row} {
		if err := tx.Create(record).Error; err != nil {
			return nil, secret, fmt.Errorf("creating the endpoint: %w", err)
		}
	}
	if err := pipeline.AddHistory(tx, e, now); err != nil {
		return nil, secret, err
	}
	return e, secret, t.audit(tx, "endpoint.created", e.ID, e.Title(), e.URL)
}

// roomForEndpoint returns a Conflict when the organization has as many endpoints as
// it may have. Under the lock on its row nobody else adds one meanwhile.
func (t *Tenant) roomForEndpoint(tx *database.Tx) error {
	var locked []string
	if err := tx.Model(&models.Organization{}).Clauses(clause.Locking{Strength: "NO KEY UPDATE"}).Where("id = ?", t.org.ID).Pluck("id", &locked).Error; err != nil {
		return fmt.Errorf("locking the organization: %w", err)
	}
	var have int64
	if err := t.within(tx.DB).Model(&models.Endpoint{}).Where("deleted_at IS NULL").Count(&have).Error; err != nil {
		return fmt.Errorf("counting endpoints: %w", err)
	}
	if have >= int64(t.store.most) {
		return models.NewConflict(models.CodeTooManyEndpoints, fmt.Sprintf("The limit of endpoints is %[2]d, and this organization has %[1]d. Delete one that is no longer used, or ask whoever runs Hookwell to raise the limit.", have, t.store.most))
	}
	return nil
}

// editTries bounds how often an edit starts again because another came between.
const editTries = 5

// UpdateEndpoint applies change to the endpoint and saves the result. It may call
// change again if somebody else edits at the same moment. A URL of another origin
// removes what was given for the earlier one: see Moved. It refuses a Secret
// except to keep an imported one in that case. It fails with Outdated if the
// version isn't the one that If asks for.
func (t *Tenant) UpdateEndpoint(ctx context.Context, id string, change func(*models.EndpointInput) error) (*models.Endpoint, error) {
	for range editTries {
		e, err := t.Endpoint(ctx, id)
		if err != nil {
			return nil, err
		}
		if err := t.check(e.Version()); err != nil {
			return nil, err
		}
		in := e.Input()
		if err := change(&in); err != nil {
			return nil, err
		}
		move, err := t.move(e, &in)
		if err == nil || models.IsKind(err, models.Invalid) {
			err = joinFaults(err, t.store.checkEndpoint(ctx, t.org.ID, &in, e.EventTypes...))
		}
		if err != nil {
			return nil, err
		}
		saved, err := t.saveEndpoint(ctx, e, in, move)
		if err != nil || saved {
			return e, err
		}
	}
	return nil, models.NewConflict("edited_meanwhile", "Somebody else edited the endpoint at the same moment. Look at it again, then save.")
}

// saveEndpoint writes the row if it is still as it was read.
func (t *Tenant) saveEndpoint(ctx context.Context, e *models.Endpoint, in models.EndpointInput, m *move) (saved bool, err error) {
	read, before := e.UpdatedAt, e.EndpointPolicy
	e.UpdatedAt, e.FormVersion = database.StrictlyAfter(t.store.clock.Now(), read), e.FormVersion+1
	if err := t.store.apply(e, in); err != nil {
		return false, err
	}
	err = t.store.transaction(ctx, func(tx *database.Tx) error {
		if in.Enabled != nil {
			if err := t.lockState(tx, e.ID); err != nil {
				return err
			}
		}
		row := t.within(tx.DB).Model(&models.Endpoint{}).Where("id = ? AND updated_at = ? AND deleted_at IS NULL", e.ID, read).Select("*")
		if in.Headers == nil {
			row = row.Omit("headers") // which may have been sealed anew since
		}
		done := row.Updates(e)
		if saved = done.RowsAffected == 1; done.Error != nil || !saved {
			return done.Error
		}
		if err := pipeline.AddHistory(tx, e, e.UpdatedAt); err != nil {
			return err
		}
		moved, err := t.leaveBehind(tx, e, m)
		if err != nil {
			return err
		}
		if err := t.audit(tx, "endpoint.updated", e.ID, e.Title(), e.URL+moved.Words()+e.EndpointPolicy.ChangesOf(before)); err != nil {
			return err
		}
		if in.Enabled != nil {
			enabled, err := t.If(nil).setWithin(tx, e.ID, t.enabling(*in.Enabled))
			if err != nil {
				return err
			}
			*e = *enabled
		}
		e.Moved = moved
		return nil
	})
	return saved, err
}

// EnableEndpoint enables an endpoint; deliveries that wait for it continue. An
// unknown or deleted one is NotFound.
func (t *Tenant) EnableEndpoint(ctx context.Context, id string) (*models.Endpoint, error) {
	return t.setEndpoint(ctx, id, t.enabling(true))
}

func enable(e *models.Endpoint, _ time.Time) bool {
	changed := e.DisabledAt != nil
	e.DisabledAt, e.DisabledReason, e.DisabledBy = nil, "", ""
	return changed
}

// DisableEndpoint holds back deliveries that wait for the endpoint. New events make
// none for it. An unknown or deleted one is NotFound.
func (t *Tenant) DisableEndpoint(ctx context.Context, id string) (*models.Endpoint, error) {
	return t.setEndpoint(ctx, id, t.enabling(false))
}

// standingChange is a change of an endpoint's standing. The function answers whether
// anything changed; if so, what is to be done then is done in the same
// transaction.
type standingChange struct {
	action string
	set    func(*models.Endpoint, time.Time) bool
	then   func(tx *database.Tx, e *models.Endpoint) error // nil is nothing
}

func (t *Tenant) enabling(enabled bool) standingChange {
	if enabled {
		return standingChange{action: "endpoint.enabled", set: enable}
	}
	return standingChange{action: "endpoint.disabled", set: func(e *models.Endpoint, now time.Time) bool {
		if e.DisabledAt != nil {
			return false
		}
		e.DisabledAt, e.DisabledReason, e.DisabledBy = &now, models.DisabledByPerson, t.actor.Title()
		return true
	}}
}

// DeleteEndpoint deletes an endpoint with its secrets and cancels deliveries that
// wait for it. Its deliveries stay in the log. An unknown or deleted one is
// NotFound.
func (t *Tenant) DeleteEndpoint(ctx context.Context, id string) error {
	_, err := t.setEndpoint(once(ctx), id, standingChange{action: "endpoint.deleted", set: func(e *models.Endpoint, now time.Time) bool {
		e.DeletedAt, e.Headers = &now, nil
		return true
	}})
	return unlessTaken(err)
}

// setEndpoint changes an endpoint's standing.
func (t *Tenant) setEndpoint(ctx context.Context, id string, to standingChange) (*models.Endpoint, error) {
	var e *models.Endpoint
	err := t.store.transaction(ctx, func(tx *database.Tx) (err error) {
		e, err = t.setWithin(tx, id, to)
		return err
	})
	return e, err
}

// setWithin is setEndpoint in a transaction, under a lock on the endpoint's row.
func (t *Tenant) setWithin(tx *database.Tx, id string, to standingChange) (*models.Endpoint, error) {
	if err := t.lockState(tx, id); err != nil {
		return nil, err
	}
	e, err := t.endpoint(t.within(tx.DB).Clauses(clause.Locking{Strength: "UPDATE"}), id)
	if err != nil {
		return nil, err
	}
	if err := t.check(e.Version()); err != nil {
		return nil, err
	}
	now := database.StrictlyAfter(t.store.clock.Now(), e.UpdatedAt)
	if !to.set(e, now) {
		return e, nil
	}
	e.UpdatedAt = now
	if err := tx.Model(&models.Endpoint{}).Where("id = ?", e.ID).Select("*").Updates(e).Error; err != nil {
		return nil, err
	}
	if err := pipeline.AddHistory(tx, e, now); err != nil {
		return nil, err
	}
	if err := t.store.beginAnew(tx, e); err != nil {
		return nil, err
	}
	if e.DeletedAt != nil {
		if err := t.store.forgetEndpoint(tx, e); err != nil {
			return nil, err
		}
	}
	if to.then != nil {
		if err := to.then(tx, e); err != nil {
			return nil, err
		}
	}
	return e, t.audit(tx, to.action, e.ID, e.Title(), "")
}

// lockState locks the state of an endpoint of the organization: before its row,
// as those do who record what came of attempts.
func (t *Tenant) lockState(tx *database.Tx, id string) error {
	own := t.within(tx.DB).Model(&models.Endpoint{}).Select("id").Where("id = ?", id)
	var locked []string
	err := tx.Model(&models.EndpointState{}).Clauses(clause.Locking{Strength: "UPDATE"}).Where("endpoint_id IN (?)", own).Pluck("endpoint_id", &locked).Error
	if err == nil && len(locked) == 0 {
		return models.NewNotFound("endpoint")
	}
	return err
}

// beginAnew ends the notices of an endpoint whose standing a person has changed.
// One that is enabled is judged from now on.
func (s *Store) beginAnew(tx *database.Tx, e *models.Endpoint) error {
	if err := s.engine.EndNotices(tx, e.ID); err != nil || !e.Enabled() {
		return err
	}
	change := map[string]any{"failing_since": nil, "failing_days": "", "failing_stage": models.NotAnnounced, "noted_at": nil}
	return tx.Model(&models.EndpointState{}).Where("endpoint_id = ?", e.ID).Updates(change).Error
}

// forgetEndpoint removes a deleted endpoint's secrets and ends what waits for
// it; a long queue's rest is ended by the due scan. What is in flight is
// cancelled, as when a person does it: no attempt follows a failure.
func (s *Store) forgetEndpoint(tx *database.Tx, e *models.Endpoint) error {
	id := e.ID
	if err := s.engine.ExpandIn(tx, e.OrganizationID); err != nil {
		return err
	}
	if err := tx.Where("endpoint_id = ?", id).Delete(&models.EndpointSecret{}).Error; err != nil {
		return err
	}
	if err := s.endRecovery(tx, id); err != nil { // before the work's rows, as its steps lock them
		return err
	}
	if err := s.engine.EndDeliveriesTo(tx, []string{id}, models.Cancelled, ""); err != nil {
		return err
	}
	return s.cancelInFlight(tx, id)
}

// cancelInFlight cancels the deliveries that an endpoint has in flight. Its state
// is locked, so that no claim and no failure is recorded meanwhile.
func (s *Store) cancelInFlight(tx *database.Tx, id string) error {
	var inFlight, open []string
	err := tx.Model(&models.Work{}).Clauses(clause.Locking{Strength: "UPDATE"}).Where("endpoint_id = ? AND lease_until IS NOT NULL", id).
		Order("delivery_id").Pluck("delivery_id", &inFlight).Error
	if err != nil || len(inFlight) == 0 {
		return err
	}
	if err := tx.Model(&models.Delivery{}).Where("id IN ? AND ended_at IS NULL", inFlight).Pluck("id", &open).Error; err != nil {
		return err
	}
	return s.cancel(tx, nil, inFlight, open)
}
