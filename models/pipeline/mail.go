package pipeline

import (
	"encoding/json"
	"fmt"

	"hookwell/models"
	"hookwell/models/database"
)

// Post queues a message in the transaction of the change that the message
// reports, so that it is sent after the commit and never without it. The
// transaction also spends the budgets that pay for it. If one is used up, the
// cause decides: Post fails with TooMany, or queues nothing.
func (p *Engine) Post(tx *database.Tx, why MailCause, actor models.Actor, m models.Mail) error {
	_, err := p.PostOne(tx, why, actor, m)
	return err
}

// PostOne does what Post does and returns the message's id, or "" if it queued
// none.
func (p *Engine) PostOne(tx *database.Tx, why MailCause, actor models.Actor, m models.Mail) (id string, err error) {
	err = p.SpendIn(tx, spendingsOf(&m, why, actor)...)
	if models.IsKind(err, models.TooMany) && !why.told() {
		p.log.Info("mail was left out: its budget is used up", "kind", m.Kind, "organization", m.OrganizationID)
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return p.queueMail(tx, m)
}

func (p *Engine) queueMail(tx *database.Tx, m models.Mail) (id string, err error) {
	now, err := tx.Now()
	if err != nil {
		return "", err
	}
	values, err := json.Marshal(m.Values)
	if err != nil {
		return "", fmt.Errorf("writing the values of mail: %w", err)
	}
	id = p.clock.NewID(models.PrefixMail, p.clock.Now())
	row := &models.MailMessage{ID: id, Recipient: m.To, Kind: m.Kind, Secret: m.Secret(), Sealed: p.vault.Seal(id, values),
		CreatedAt: now, DueAt: models.MailNeverDue, SendAt: &now}
	if m.OrganizationID != "" {
		row.OrganizationID = &m.OrganizationID
	}
	if err := tx.Create(row).Error; err != nil {
		return "", fmt.Errorf("queueing mail: %w", err)
	}
	p.Noted(tx).mail = true
	return id, nil
}
