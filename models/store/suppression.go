package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hookwell/models"
	"hookwell/models/database"
)

// maxSuppressions is how many suppressions are listed at once.
const maxSuppressions = 1000

// Suppressions lists the addresses that get no invitations and alerts, the newest
// first, at most 1,000. It fails if the database does.
func (p *Platform) Suppressions(ctx context.Context) ([]models.Suppression, error) {
	var list []models.Suppression
	err := suppressed(p.store.db.WithContext(ctx)).Order("created_at DESC, address").Limit(maxSuppressions).Find(&list).Error
	return list, err
}

// LiftSuppression has an address get all mail again. One to which mail isn't stopped
// is NotFound.
func (p *Platform) LiftSuppression(ctx context.Context, address string) error {
	unknown := &models.Error{Kind: models.NotFound, Code: "not_found", Message: "Mail to this address isn’t stopped."}
	if models.HasControl(address) {
		return unknown
	}
	return p.store.transaction(ctx, func(tx *database.Tx) error {
		lifted, err := p.store.liftSuppression(tx, normalEmail(address), p.actor)
		if err == nil && !lifted {
			return unknown
		}
		return err
	})
}

// Suppression returns why the person's address gets no alerts; nil if it does. It
// fails if the database does.
func (p *Person) Suppression(ctx context.Context) (*models.Suppression, error) {
	s, err := database.Find[models.Suppression](suppressed(p.store.db.WithContext(ctx)).Where("address = ?", p.user.Email), "address")
	if models.IsKind(err, models.NotFound) {
		return nil, nil
	}
	return s, err
}

func suppressed(db *gorm.DB) *gorm.DB { return db.Where("lifted_at IS NULL") }

// liftSuppression ends the suppression of an address, if there is one. The row stays
// for as long as messages from before do: reports on those don't count any more.
func (s *Store) liftSuppression(tx *database.Tx, address string, actor models.Actor) (lifted bool, err error) {
	now, err := tx.Now()
	if err != nil {
		return false, err
	}
	var row models.Suppression
	stands := suppressed(tx.Model(&row)).Where("address = ?", address)
	found := stands.Session(&gorm.Session{}).Clauses(clause.Locking{Strength: "UPDATE"}).Select("message_id").Limit(1).Find(&row)
	if found.Error != nil || found.RowsAffected == 0 {
		return false, found.Error
	}
	if err := stands.Updates(map[string]any{"lifted_at": now, "lifted_by": actor.Title()}).Error; err != nil {
		return false, fmt.Errorf("lifting a suppression: %w", err)
	}
	return true, s.db.Audit(tx, actor, "", "mail.suppression_lifted", row.MessageID, address, "")
}

// MemberNews returns what became of the organization's last message to a member of
// which anything is known; nil if there is none. What became of other organizations'
// messages, and of those about the account, is the person's own affair. An unknown
// member is NotFound.
func (t *Tenant) MemberNews(ctx context.Context, id string) (*models.MailNews, error) {
	db := t.store.db.WithContext(ctx)
	m, err := t.member(db, id)
	if err != nil {
		return nil, err
	}
	news, err := t.mailNews(db, []string{m.Email})
	return news[m.Email], err
}

// addNews says of invitations what became of the message that took them out.
func (t *Tenant) addNews(db *gorm.DB, list []models.Invitation) error {
	if len(list) == 0 {
		return nil
	}
	addresses := make([]string, len(list))
	for i := range list {
		addresses[i] = list[i].Email
	}
	news, err := t.mailNews(db, addresses, models.MailInvitation)
	if err != nil {
		return err
	}
	var stopped []string
	lower := make([]string, len(addresses))
	for i, address := range addresses {
		lower[i] = strings.ToLower(address)
	}
	condition, parameter := t.store.db.Dialect.Among("address", lower)
	if err := db.Model(&models.Suppression{}).Where(condition, parameter).Scopes(suppressed).Pluck("address", &stopped).Error; err != nil {
		return fmt.Errorf("reading which mail is stopped: %w", err)
	}
	for i := range list {
		list[i].MailStopped = slices.Contains(stopped, lower[i])
		if n := news[list[i].Email]; n != nil && list[i].ByMail {
			list[i].News = n
		}
	}
	return nil
}

// mailNews returns, by address, what became of the organization's last message to it
// of which anything is known; of the kinds, or of any without one.
func (t *Tenant) mailNews(db *gorm.DB, addresses []string, kinds ...models.MailKind) (map[string]*models.MailNews, error) {
	condition, parameter := t.store.db.Dialect.Among("recipient", addresses)
	known := func() *gorm.DB {
		query := t.within(db).Model(&models.MailMessage{}).Where(condition, parameter).Where("feedback <> '' OR failed_at IS NOT NULL")
		if len(kinds) > 0 {
			query = query.Where("kind IN ?", kinds)
		}
		return query
	}
	var rows []models.MailMessage
	err := db.Select("recipient", "kind", "feedback", "feedback_at", "feedback_reason", "failed_at", "failure").
		Where("id IN (?)", known().Select("max(id)").Group("recipient")).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("reading what became of mail: %w", err)
	}
	news := make(map[string]*models.MailNews, len(rows))
	for i := range rows {
		m := &rows[i]
		n := &models.MailNews{Kind: m.Kind, Feedback: m.Feedback, Reason: m.FeedbackReason}
		if m.Feedback != models.MailUnreported {
			n.At = *m.FeedbackAt
		} else {
			n.At, n.Stopped = *m.FailedAt, m.Failure == models.ErrSuppressed.Error()
			if !n.Stopped {
				n.Reason = m.Failure
			}
		}
		news[m.Recipient] = n
	}
	return news, nil
}
