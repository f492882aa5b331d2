package pipeline

import (
	"encoding/json"
	"fmt"
	"strings"

	"hookwell/models"
	"hookwell/models/database"
)

// Post queues a message in the transaction of the change that the message
// reports, so that it is sent after the commit and never without it. The
// transaction also spends the budgets that pay for it. If one is used up, the
// cause decides: Post fails with TooMany, or queues nothing.
//
// An invitation to an address to which mail is stopped is Invalid at "email", and an
// alert is left out: see models.Suppression.
func (p *Engine) Post(tx *database.Tx, why MailCause, actor models.Actor, m models.Mail) error {
	_, err := p.PostOne(tx, why, actor, m)
	return err
}

// PostOne does what Post does and returns the message's id, or "" if it queued
// none.
func (p *Engine) PostOne(tx *database.Tx, why MailCause, actor models.Actor, m models.Mail) (id string, err error) {
	stopped, err := p.Suppressed(tx, m.To)
	if err != nil {
		return "", err
	}
	suppressed := stopped[strings.ToLower(m.To)] && m.Kind != models.MailTest // by which an operator finds out
	switch {
	case suppressed && m.Kind.Stops() && why.told():
		return "", models.InvalidField("email", "Mail to this address is stopped, since a message to it came back or its reader complained. Copy a link instead, and pass it on another way.")
	case suppressed && m.Kind.Stops():
		return "", p.leaveOut(tx, m)
	}
	spendings := spendingsOf(&m, why, actor)
	if suppressed {
		spendings = append(spendings, whileSuppressed(&m, why))
	}
	err = p.SpendIn(tx, spendings...)
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
