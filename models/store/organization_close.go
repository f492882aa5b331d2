package store

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm/clause"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/pipeline"
)

// closeAfter is how long the endpoints of a deleted organization stay at least:
// longer than a request that began before may take.
const closeAfter = 2 * time.Minute

// CloseOrganizations deletes, in one step, the endpoints and secrets of deleted
// organizations for which no deliveries wait any more. It returns how many
// organizations it closed; if that is a full step, call it again. It fails if the
// database does.
func (s *Store) CloseOrganizations(ctx context.Context) (int, error) {
	var closed int
	err := s.transaction(ctx, func(tx *database.Tx) error {
		var orgs []models.Organization
		err := tx.Clauses(clause.Locking{Strength: "UPDATE", Options: "SKIP LOCKED"}).
			Where("deleted_at <= ? AND closed_at IS NULL", s.clock.Now().Add(-closeAfter)).
			Where("NOT EXISTS (SELECT 1 FROM delivery_work w JOIN endpoints e ON e.id = w.endpoint_id WHERE e.organization_id = organizations.id)").
			Where("NOT EXISTS (SELECT 1 FROM recoveries r JOIN endpoints e ON e.id = r.endpoint_id WHERE e.organization_id = organizations.id AND r.state = ?)", models.RecoveryRunning).
			Order("deleted_at").Limit(pipeline.FullStep).Find(&orgs).Error
		if err != nil || len(orgs) == 0 {
			return err
		}
		closed = len(orgs)
		return s.closeOrganizations(tx, orgs)
	})
	if err != nil {
		return 0, fmt.Errorf("closing deleted organizations: %w", err)
	}
	return closed, nil
}

// closeOrganizations deletes the endpoints of organizations that the transaction has locked.
func (s *Store) closeOrganizations(tx *database.Tx, orgs []models.Organization) error {
	now, ids, entries := s.clock.Now(), make([]string, len(orgs)), make([]models.AuditEntry, len(orgs))
	for i, org := range orgs {
		ids[i] = org.ID
		entries[i] = s.db.AuditEntry(models.SystemActor(), org.ID, "organization.closed", org.ID, org.Name, "")
	}
	var endpoints []models.Endpoint
	if err := tx.Where("organization_id IN ? AND deleted_at IS NULL", ids).Find(&endpoints).Error; err != nil {
		return err
	}
	lines := make([]*models.EndpointHistory, len(endpoints))
	for i := range endpoints {
		e := &endpoints[i]
		e.DeletedAt = &now
		lines[i] = models.NewEndpointHistory(e, database.StrictlyAfter(now, e.UpdatedAt))
	}
	if err := tx.Model(&models.Endpoint{}).Where("organization_id IN ? AND deleted_at IS NULL", ids).
		Updates(map[string]any{"deleted_at": now, "updated_at": now, "headers": nil}).Error; err != nil {
		return err
	}
	if err := database.CreateAll(tx.DB, lines); err != nil {
		return err
	}
	if err := tx.Where("organization_id IN ?", ids).Delete(&models.EndpointSecret{}).Error; err != nil {
		return err
	}
	if err := tx.Model(&models.Organization{}).Where("id IN ?", ids).Update("closed_at", now).Error; err != nil {
		return err
	}
	return tx.Create(&entries).Error
}
