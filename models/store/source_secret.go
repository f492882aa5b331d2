package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/models/database"
	"hookwell/webhook"
)

// newSecrets checks and seals secrets of a source.
func (r *Receiving) newSecrets(row *models.Source, verifier *inbound.Verifier, texts []string) (rows []*models.SourceSecret, faults webhook.Faults) {
	if len(texts) > models.MaxSourceSecrets {
		return nil, webhook.Faults{{Field: "secrets", Message: fmt.Sprintf("A source has at most %d secrets.", models.MaxSourceSecrets)}}
	}
	if verifier == nil {
		return nil, nil
	}
	for i, text := range texts {
		sealed, err := r.newSecret(row, verifier, text)
		if err != nil {
			faults = append(faults, webhook.Fault{Field: fmt.Sprintf("secrets.%d", i), Message: err.Error()})
			continue
		}
		rows = append(rows, sealed)
	}
	return rows, faults
}

// told is an error that is a sentence for people.
type told string

func (t told) Error() string { return string(t) }

// newSecret checks and seals one secret. Its error is for people.
func (r *Receiving) newSecret(row *models.Source, verifier *inbound.Verifier, text string) (*models.SourceSecret, error) {
	if len(text) > models.MaxSourceSecret {
		return nil, told(fmt.Sprintf("A secret has at most %d bytes.", models.MaxSourceSecret))
	}
	secret, err := verifier.ParseSecret(text)
	if err != nil {
		return nil, err
	}
	plain, now := secret.Reveal(), r.store.clock.Now()
	return &models.SourceSecret{ID: r.store.clock.NewID(models.PrefixSecret, now), SourceID: row.ID, OrganizationID: r.owner, Sealed: r.store.vault.Seal(row.ID, []byte(plain)),
		Hint: secretHint(plain), CreatedBy: r.actor.Name, CreatedAt: now}, nil
}

// secretHint returns so little of a secret that it tells which one it is, and
// nothing of a short one.
func secretHint(plain string) string {
	if len(plain) < 16 {
		return ""
	}
	return strings.ToValidUTF8(plain[len(plain)-4:], "")
}

// SourceSecrets lists a source's secrets, newest first, ended ones included. Their
// texts are never shown again.
func (r *Receiving) SourceSecrets(ctx context.Context, id string) ([]models.SourceSecret, error) {
	var list []models.SourceSecret
	err := r.rows(ctx).Where("source_id = ?", id).Order("id DESC").Find(&list).Error
	return list, err
}

// AddSourceSecret adds a secret beside those that are there. With endOthers these end
// after so many hours; 0 is now.
func (r *Receiving) AddSourceSecret(ctx context.Context, id, text string, endOthers *int) (*models.Source, error) {
	if endOthers != nil && (*endOthers < 0 || *endOthers > models.MaxTokenOverlap) {
		return nil, models.InvalidField("overlapHours", fmt.Sprintf("Choose 0 to %d hours.", models.MaxTokenOverlap))
	}
	return r.changeSource(ctx, id, "source.secret_added", func(tx *database.Tx, row *models.Source) (string, error) {
		var have int64
		if err := r.within(tx.DB).Model(&models.SourceSecret{}).Where("source_id = ? AND (ended_at IS NULL OR ended_at > ?)", id, r.store.clock.Now()).Count(&have).Error; err != nil {
			return "", fmt.Errorf("counting secrets: %w", err)
		}
		if have >= models.MaxSourceSecrets {
			return "", models.InvalidField("secret", fmt.Sprintf("A source has at most %d secrets. End one first.", models.MaxSourceSecrets))
		}
		verifier, faults := r.store.compile(row)
		if len(faults) > 0 {
			return "", models.NewInvalid(faults)
		}
		secret, err := r.newSecret(row, verifier, text)
		if err != nil {
			return "", models.InvalidField("secret", err.Error())
		}
		if endOthers != nil {
			at := r.store.clock.Now().Add(time.Duration(*endOthers) * time.Hour)
			others := r.within(tx.DB).Model(&models.SourceSecret{}).Where("source_id = ? AND (ended_at IS NULL OR ended_at > ?)", id, at)
			if err := others.UpdateColumn("ended_at", at).Error; err != nil {
				return "", fmt.Errorf("ending earlier secrets: %w", err)
			}
		}
		return "", tx.Create(secret).Error
	})
}

// EndSourceSecret has a secret verify nothing any more after some hours; 0 is now.
func (r *Receiving) EndSourceSecret(ctx context.Context, id, secretID string, hours int) (*models.Source, error) {
	if hours < 0 || hours > models.MaxTokenOverlap {
		return nil, models.InvalidField("overlapHours", fmt.Sprintf("Choose 0 to %d hours.", models.MaxTokenOverlap))
	}
	at := r.store.clock.Now().Add(time.Duration(hours) * time.Hour)
	return r.setSecretEnd(ctx, id, secretID, "source.secret_ended", &at)
}

// RestoreSourceSecret has a secret verify again that has ended, or is about to.
func (r *Receiving) RestoreSourceSecret(ctx context.Context, id, secretID string) (*models.Source, error) {
	return r.setSecretEnd(ctx, id, secretID, "source.secret_restored", nil)
}

func (r *Receiving) setSecretEnd(ctx context.Context, id, secretID, action string, at *time.Time) (*models.Source, error) {
	return r.changeSource(ctx, id, action, func(tx *database.Tx, _ *models.Source) (string, error) {
		secret, err := database.Find[models.SourceSecret](r.within(tx.DB).Where("id = ? AND source_id = ?", secretID, id), "secret")
		if err != nil {
			return "", err
		}
		return secret.Hint, tx.Model(&models.SourceSecret{}).Where("id = ?", secret.ID).UpdateColumn("ended_at", at).Error
	})
}
