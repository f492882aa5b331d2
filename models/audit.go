package models

import (
	"fmt"
)

// audit writes who did what in the transaction of the change itself. An empty
// organizationID is for what belongs to no organization.
func (s *Store) audit(tx *Tx, actor Actor, organizationID, action, targetID, targetName, details string) error {
	entry := s.auditEntry(actor, organizationID, action, targetID, targetName, details)
	if err := tx.Create(&entry).Error; err != nil {
		return fmt.Errorf("writing the audit row: %w", err)
	}
	return nil
}

func (s *Store) auditEntry(actor Actor, organizationID, action, targetID, targetName, details string) AuditEntry {
	entry := AuditEntry{
		ID: s.clock.newID(PrefixAudit, s.clock.Now()), ActorKind: actor.Kind, ActorID: actor.ID, ActorName: actor.Name,
		Action: action, TargetID: targetID, TargetName: targetName, Details: details,
		RemoteAddress: actor.RemoteAddress, RequestID: actor.RequestID, CreatedAt: s.clock.Now(),
	}
	if organizationID != "" {
		entry.OrganizationID = &organizationID
	}
	return entry
}
