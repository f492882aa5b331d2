package database

import (
	"fmt"

	"hookwell/models"
)

// Audit writes who did what in the transaction of the change itself. An empty
// organizationID is for what belongs to no organization.
func (db *DB) Audit(tx *Tx, actor models.Actor, organizationID, action, targetID, targetName, details string) error {
	entry := db.AuditEntry(actor, organizationID, action, targetID, targetName, details)
	if err := tx.Create(&entry).Error; err != nil {
		return fmt.Errorf("writing the audit row: %w", err)
	}
	return nil
}

// AuditEntry returns the row that Audit writes, for several that are written
// together.
func (db *DB) AuditEntry(actor models.Actor, organizationID, action, targetID, targetName, details string) models.AuditEntry {
	entry := models.AuditEntry{
		ID: db.clock.NewID(models.PrefixAudit, db.clock.Now()), ActorKind: actor.Kind, ActorID: actor.ID, ActorName: actor.Name,
		Action: action, TargetID: targetID, TargetName: targetName, Details: details,
		RemoteAddress: actor.RemoteAddress, RequestID: actor.RequestID, CreatedAt: db.clock.Now(),
	}
	if organizationID != "" {
		entry.OrganizationID = &organizationID
	}
	return entry
}
