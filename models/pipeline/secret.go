package pipeline

import (
	"errors"

	"gorm.io/gorm"

	"hookwell/models"
	"hookwell/webhook"
)

// SecretsInForce narrows a query to the secrets that sign now, newest first.
func (p *Engine) SecretsInForce(db *gorm.DB) *gorm.DB {
	return db.Where("(expires_at IS NULL OR expires_at > ?)", p.clock.Now()).Order("created_at DESC, id DESC")
}

// OpenSecret decrypts a secret. It fails if the secret was sealed by another key, or is
// damaged; the error reveals nothing of it.
func (p *Engine) OpenSecret(row *models.EndpointSecret) (webhook.Secret, error) {
	text, err := p.vault.Open(row.EndpointID, row.Sealed)
	if err != nil {
		return webhook.Secret{}, err
	}
	secret, err := webhook.ParseSecret(string(text))
	if err != nil {
		return webhook.Secret{}, errors.New("its secret is not readable")
	}
	return secret, nil
}
