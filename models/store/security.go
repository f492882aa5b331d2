package store

import (
	"fmt"
	"time"

	"gorm.io/gorm"

	"hookwell/models"
	"hookwell/models/database"
)

// securityData is the data of the security.* types.
type securityData struct {
	UserID        string    `json:"userId"`
	Action        string    `json:"action"`
	Timestamp     time.Time `json:"timestamp"`
	Email         string    `json:"email"`
	PreviousEmail string    `json:"previousEmail,omitempty"`
	Method        string    `json:"method,omitempty"`
	Actor         actorData `json:"actor"`
}

// organizationsOf returns the organizations that a user belongs to, by id.
func (s *Store) organizationsOf(tx *database.Tx, userID string) ([]models.Organization, error) {
	var list []models.Organization
	err := tx.Where("deleted_at IS NULL AND id IN (?)", tx.Session(&gorm.Session{NewDB: true}).Model(&models.Member{}).Select("organization_id").Where("user_id = ?", userID)).
		Order("id").Find(&list).Error
	if err != nil {
		return nil, fmt.Errorf("reading the organizations of a user: %w", err)
	}
	return list, nil
}

// reportSecurity tells every organization of a user of a change of the account:
// by an audit row and, when the type is not empty, by an event of that type,
// whose data it completes. Who belongs to none has one audit row.
func (s *Store) reportSecurity(tx *database.Tx, actor models.Actor, user *models.User, auditAction, details, eventType string, data securityData) error {
	orgs, err := s.organizationsOf(tx, user.ID)
	if err != nil {
		return err
	}
	if err := s.auditIn(tx, orgs, s.db.AuditEntry(actor, "", auditAction, user.ID, user.Name, details)); err != nil {
		return err
	}
	if eventType == "" {
		return nil
	}
	data.UserID, data.Email, data.Timestamp = user.ID, user.Email, s.clock.Now()
	data.Actor = newActorData(actor)
	return s.engine.EmitTo(tx, orgs, eventType, data)
}

// auditIn writes a row in each of the organizations, or, without any, one that
// belongs to none.
func (s *Store) auditIn(tx *database.Tx, orgs []models.Organization, entry models.AuditEntry) error {
	entries := []models.AuditEntry{entry}
	for i := range orgs {
		if i > 0 {
			entry.ID = s.clock.NewID(models.PrefixAudit, s.clock.Now())
			entries = append(entries, entry)
		}
		entries[i].OrganizationID = &orgs[i].ID
	}
	if err := tx.Create(&entries).Error; err != nil {
		return fmt.Errorf("writing the audit rows: %w", err)
	}
	return nil
}

// auditOwn records, in every organization of the person, what they did to their
// own account.
func (p *Person) auditOwn(tx *database.Tx, action, details string) error {
	return p.store.reportSecurity(tx, p.actor, p.user, action, details, "", securityData{})
}
