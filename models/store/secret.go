package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm/clause"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/webhook"
)

// The default of a rotation's overlap, in hours.
const (
	DefaultOverlapHours = 24
)

// MaxSecrets is how many secrets of an endpoint may be in force at once. Each of
// them signs every request.
const MaxSecrets = 5

// secretGrace is how long a secret that has ended is kept, so that ending it a
// second time is no fault.
const secretGrace = time.Hour

// newSecret seals an endpoint's secret; a zero one is made.
func (t *Tenant) newSecret(e *models.Endpoint, secret webhook.Secret, now time.Time) (*models.EndpointSecret, webhook.Secret) {
	imported := !secret.IsZero()
	if !imported {
		secret = webhook.NewSecret()
	}
	return &models.EndpointSecret{ID: t.store.clock.NewID(models.PrefixSecret, now), EndpointID: e.ID, OrganizationID: t.org.ID, Imported: imported,
		Sealed: t.store.vault.Seal(e.ID, []byte(secret.Reveal())), CreatedBy: t.actor.Name, CreatedAt: now}, secret
}

// Secrets lists an endpoint's secrets in force, newest first, without their texts.
// An unknown or deleted endpoint is NotFound.
func (t *Tenant) Secrets(ctx context.Context, endpointID string) ([]models.EndpointSecret, error) {
	if _, err := t.Endpoint(ctx, endpointID); err != nil {
		return nil, err
	}
	var rows []models.EndpointSecret
	err := t.store.engine.SecretsInForce(t.rows(ctx)).Omit("sealed").Where("endpoint_id = ?", endpointID).Find(&rows).Error
	if len(rows) > 0 {
		rows[models.OlderSigner(rows)].SignsOlder = true
	}
	return rows, err
}

// RotateSecret gives an endpoint a new secret, which signs from the next attempt
// on, and returns it. The present secret also signs until the overlap ends;
// earlier ones keep their ends, unless the overlap is 0. It is a Conflict if
// MaxSecrets are in force already, and Invalid at "secret" if the imported secret
// is one of them. A form rotates once; a form that is sent again late gets a zero
// secret.
func (t *Tenant) RotateSecret(ctx context.Context, endpointID string, r models.Rotation) (*models.Endpoint, webhook.Secret, error) {
	if faults := r.Faults(); len(faults) > 0 {
		return nil, webhook.Secret{}, models.NewInvalid(faults)
	}
	var secret webhook.Secret
	e, err := t.changeSecrets(once(ctx), endpointID, func(tx *database.Tx, e *models.Endpoint, rows []models.EndpointSecret) error {
		if !r.Secret.IsZero() && t.store.anyIs(rows, r.Secret) {
			return models.InvalidField("secret", "This secret is in force already. Import another, or leave it empty for a new one.")
		}
		if r.OverlapHours > 0 && len(rows) >= MaxSecrets {
			return models.NewConflict("too_many_secrets", fmt.Sprintf("%d secrets are in force, which is the most. Let one expire now, or rotate with an overlap of 0 hours.", len(rows)))
		}
		now := t.store.clock.Now()
		if len(rows) > 0 {
			now = database.StrictlyAfter(now, rows[0].CreatedAt)
		}
		if err := t.endSecrets(tx, e, rows, r.OverlapHours, now); err != nil {
			return err
		}
		row, made := t.newSecret(e, r.Secret, now)
		secret = made
		if err := tx.Create(row).Error; err != nil {
			return fmt.Errorf("inserting the secret: %w", err)
		}
		makes(tx, e.ID, secret.Reveal())
		e.UpdatedAt = database.StrictlyAfter(t.store.clock.Now(), e.UpdatedAt)
		if err := tx.Model(e).UpdateColumn("updated_at", e.UpdatedAt).Error; err != nil {
			return err
		}
		return t.audit(tx, "endpoint.secret_rotated", e.ID, e.Title(), r.Words())
	})
	if before := earlier(err); before != nil {
		return t.madeEndpoint(ctx, before)
	}
	return e, secret, err
}

// endSecrets sets the end of those that a new secret follows.
func (t *Tenant) endSecrets(tx *database.Tx, e *models.Endpoint, rows []models.EndpointSecret, overlapHours int, now time.Time) error {
	ending := t.within(tx.DB).Model(&models.EndpointSecret{}).Where("endpoint_id = ?", e.ID)
	if overlapHours > 0 {
		return ending.Where("expires_at IS NULL").Update("expires_at", now.Add(time.Duration(overlapHours)*time.Hour)).Error
	}
	return ending.Where("id IN ?", secretIDs(rows)).Update("expires_at", now).Error
}

func secretIDs(rows []models.EndpointSecret) []string {
	ids := make([]string, len(rows))
	for i := range rows {
		ids[i] = rows[i].ID
	}
	return ids
}

// anyIs reports whether a secret is among the rows. What can't be opened is none:
// rotating is how an endpoint gets over the loss of a key.
func (s *Store) anyIs(rows []models.EndpointSecret, secret webhook.Secret) bool {
	return slices.ContainsFunc(rows, func(row models.EndpointSecret) bool {
		opened, err := s.engine.OpenSecret(&row)
		return err == nil && opened.Equal(secret)
	})
}

// ExpireSecret ends an earlier secret now. Ending the newest one is a Conflict.
// Ending one that has ended already changes nothing.
func (t *Tenant) ExpireSecret(ctx context.Context, endpointID, secretID string) (*models.Endpoint, error) {
	return t.changeSecrets(ctx, endpointID, func(tx *database.Tx, e *models.Endpoint, rows []models.EndpointSecret) error {
		row, err := database.Find[models.EndpointSecret](t.within(tx.DB).Where("endpoint_id = ? AND id = ?", e.ID, secretID), "secret")
		if err != nil {
			return err
		}
		if row.ExpiresAt == nil {
			return models.NewConflict("newest_secret", "This is the newest secret, and the endpoint needs one. Rotate it with an overlap of 0 hours instead.")
		}
		now := t.store.clock.Now()
		if !row.ExpiresAt.After(now) {
			return nil
		}
		if err := t.within(tx.DB).Model(&models.EndpointSecret{}).Where("id = ?", row.ID).Update("expires_at", now).Error; err != nil {
			return err
		}
		return t.audit(tx, "endpoint.secret_expired", e.ID, e.Title(), row.ID)
	})
}

// SwitchSignature makes the newest secret sign x-webhook-signature from now on.
// Otherwise the old one signs it until its overlap ends. A second call changes
// nothing. An unknown or deleted endpoint is NotFound.
func (t *Tenant) SwitchSignature(ctx context.Context, endpointID string) (*models.Endpoint, error) {
	return t.changeSecrets(ctx, endpointID, func(tx *database.Tx, e *models.Endpoint, rows []models.EndpointSecret) error {
		if models.OlderSigner(rows) == 0 {
			return nil
		}
		old := t.within(tx.DB).Model(&models.EndpointSecret{}).Where("id IN ? AND switched_at IS NULL", secretIDs(rows[1:]))
		if err := old.Update("switched_at", t.store.clock.Now()).Error; err != nil {
			return err
		}
		return t.audit(tx, "endpoint.signature_switched", e.ID, e.Title(), "")
	})
}

// changeSecrets changes an endpoint's secrets, given those in force newest
// first, under a lock on the endpoint's row.
func (t *Tenant) changeSecrets(ctx context.Context, endpointID string, change func(*database.Tx, *models.Endpoint, []models.EndpointSecret) error) (*models.Endpoint, error) {
	var e *models.Endpoint
	err := t.store.transaction(ctx, func(tx *database.Tx) (err error) {
		if e, err = t.endpoint(t.within(tx.DB).Clauses(clause.Locking{Strength: "UPDATE"}), endpointID); err != nil {
			return err
		}
		if err := t.check(e.Version()); err != nil {
			return err
		}
		rows, err := t.inForce(tx, e)
		if err != nil {
			return err
		}
		return change(tx, e, rows)
	})
	return e, err
}

func (t *Tenant) inForce(tx *database.Tx, e *models.Endpoint) ([]models.EndpointSecret, error) {
	var rows []models.EndpointSecret
	err := t.store.engine.SecretsInForce(t.within(tx.DB)).Where("endpoint_id = ?", e.ID).Find(&rows).Error
	return rows, err
}

// RevealSecrets returns the texts of an endpoint's secrets in force, newest
// first, if the password is right. A wrong one is Invalid at "password". Both the
// reveal and a wrong password are audited. For a person without a password it is
// Forbidden.
func (t *Tenant) RevealSecrets(ctx context.Context, endpointID, password string) ([]models.RevealedSecret, error) {
	e, err := t.Endpoint(ctx, endpointID)
	if err != nil {
		return nil, err
	}
	if err := t.confirm(ctx, e, password); err != nil {
		return nil, err
	}
	var revealed []models.RevealedSecret
	_, err = t.changeSecrets(ctx, endpointID, func(tx *database.Tx, e *models.Endpoint, rows []models.EndpointSecret) error {
		revealed = make([]models.RevealedSecret, len(rows))
		for i, row := range rows {
			secret, err := t.store.engine.OpenSecret(&row)
			if err != nil {
				return models.UnusableSecret()
			}
			revealed[i] = models.RevealedSecret{EndpointSecret: row, Secret: secret}
			revealed[i].SignsOlder = i == models.OlderSigner(rows)
		}
		return t.audit(tx, "endpoint.secret_revealed", e.ID, e.Title(), "")
	})
	if err != nil {
		return nil, err
	}
	return revealed, nil
}

// confirm checks the acting person's password before a secret is shown.
func (t *Tenant) confirm(ctx context.Context, e *models.Endpoint, password string) error {
	if t.actor.Kind != models.ActorUser {
		return &models.Error{Kind: models.Forbidden, Code: "person_required", Message: "Only a person can reveal a secret, by entering their password."}
	}
	user, err := t.store.User(ctx, t.actor.ID)
	if err != nil {
		return err
	}
	if err := t.store.confirm(ctx, user, t.actor, "password", password); !models.IsKind(err, models.Invalid) || !user.HasPassword() {
		return err
	}
	err = t.store.transaction(ctx, func(tx *database.Tx) error {
		return t.audit(tx, "endpoint.secret_refused", e.ID, e.Title(), "wrong password")
	})
	if err != nil {
		return err
	}
	return models.InvalidField("password", "This is not your password. Nothing was revealed, and the attempt is on record.")
}

// PruneSecrets deletes ended secrets. It fails if the database does.
func (s *Store) PruneSecrets(ctx context.Context) error {
	return s.db.WithContext(ctx).Where("expires_at <= ?", s.clock.Now().Add(-secretGrace)).Delete(&models.EndpointSecret{}).Error
}
