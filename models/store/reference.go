package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/webhook"
)

// References returns by what the installation's sources find an organization, by
// system, such as {"stripe": "cus_9"}. An unknown organization is NotFound.
func (p *Platform) References(ctx context.Context, organizationID string) (map[string]string, error) {
	if _, err := p.Organization(ctx, organizationID); err != nil {
		return nil, err
	}
	var rows []models.SourceReference
	if err := p.store.db.WithContext(ctx).Where("organization_id = ?", organizationID).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("reading references: %w", err)
	}
	list := make(map[string]string, len(rows))
	for _, row := range rows {
		list[row.Name] = row.Value
	}
	return list, nil
}

// SetReferences replaces an organization's references. Requests that waited for one
// of them are processed again. It is a Conflict if another organization has one of
// them, and NotFound if the organization is unknown.
func (p *Platform) SetReferences(ctx context.Context, organizationID string, references map[string]string) error {
	if faults := referenceFaults(references); len(faults) > 0 {
		return models.NewInvalid(faults)
	}
	return p.store.transaction(ctx, func(tx *database.Tx) error {
		// Whoever processes a request now sees the references of before, and is waited for.
		if err := p.store.db.Dialect.Serialize(tx.DB, database.ReferenceLock); err != nil {
			return fmt.Errorf("locking references: %w", err)
		}
		org, err := database.Find[models.Organization](tx.Where("id = ? AND deleted_at IS NULL", organizationID), "organization")
		if err != nil {
			return err
		}
		if err := tx.Where("organization_id = ?", org.ID).Delete(&models.SourceReference{}).Error; err != nil {
			return fmt.Errorf("replacing references: %w", err)
		}
		names := slices.Sorted(maps.Keys(references))
		if err := p.addReferences(tx, org, names, references); err != nil {
			return err
		}
		return p.store.db.Audit(tx, p.actor, org.ID, "organization.references_set", org.ID, org.Name, strings.Join(names, ", "))
	})
}

func referenceFaults(references map[string]string) (faults webhook.Faults) {
	if len(references) > models.MaxReferenceNames {
		return webhook.Faults{{Field: "references", Message: fmt.Sprintf("An organization has at most %d references.", models.MaxReferenceNames)}}
	}
	for _, name := range slices.Sorted(maps.Keys(references)) {
		value := references[name]
		if !validSlug(name) {
			faults = append(faults, webhook.Fault{Field: name, Message: fmt.Sprintf("Name a system in 1 to %d small letters, digits and underscores, such as stripe.", models.MaxSourceSlug)})
		}
		if value == "" || len(value) > models.MaxReferenceValue || models.HasControl(value) {
			faults = append(faults, webhook.Fault{Field: name, Message: fmt.Sprintf("Use 1 to %d characters without control characters.", models.MaxReferenceValue)})
		}
	}
	return faults
}

// addReferences inserts references that the organization doesn't have, and queues
// what waited for them.
func (p *Platform) addReferences(tx *database.Tx, org *models.Organization, names []string, references map[string]string) error {
	if len(names) == 0 {
		return nil
	}
	now := p.store.clock.Now()
	rows := make([]*models.SourceReference, len(names))
	pairs := make([][]any, len(names))
	for i, name := range names {
		rows[i] = &models.SourceReference{Name: name, Value: references[name], OrganizationID: org.ID, CreatedAt: now}
		pairs[i] = []any{name, references[name]}
	}
	var taken []models.SourceReference
	if err := tx.Where("(name, value) IN ?", pairs).Find(&taken).Error; err != nil {
		return fmt.Errorf("looking for references: %w", err)
	}
	if len(taken) > 0 {
		return models.NewConflict("reference_taken", "Another organization has the reference "+quote(taken[0].Value)+" of "+taken[0].Name+" already.")
	}
	if err := database.CreateAll(tx.DB, rows); err != nil {
		return fmt.Errorf("adding references: %w", err)
	}
	var waiting []models.Request
	awaited := tx.Model(&models.AwaitedReference{}).Select("request_id").Where("(name, value) IN ?", pairs)
	if err := queueable(tx.DB).Where("id IN (?)", awaited).Find(&waiting).Error; err != nil {
		return fmt.Errorf("looking for requests that wait: %w", err)
	}
	_, err := p.store.engine.QueueRequests(tx, waiting, false, "")
	return err
}
