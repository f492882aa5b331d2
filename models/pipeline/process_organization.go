package pipeline

import (
	"fmt"
	"slices"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/models/database"
)

// findOrganizations finds the organization of each item: the source's own, or for
// a source of the installation the one that the item names.
func (b *batch) findOrganizations() error {
	var ids []string
	var references [][]any
	for _, r := range b.requests {
		if !r.row.Installation() {
			ids = append(ids, r.row.OrganizationID)
			continue
		}
		for i := range r.items {
			o := &r.items[i].organization
			if o.ID != "" {
				ids = append(ids, o.ID)
			}
			for _, reference := range o.References {
				references = append(references, []any{reference.System, reference.Value})
			}
		}
	}
	external := slices.ContainsFunc(b.requests, func(r *becoming) bool { return r.row.Installation() })
	if external {
		if err := b.shareReferences(); err != nil {
			return err
		}
	}
	if len(references) > 0 {
		var rows []models.SourceReference
		condition, parameters := database.AmongRows(b.engine.db.Dialect, []string{"name", "value"}, []database.ValueKind{database.TextValue, database.TextValue}, references)
		if err := b.tx.Select("name", "value", "organization_id").Where(condition, parameters...).Find(&rows).Error; err != nil {
			return fmt.Errorf("reading references: %w", err)
		}
		for _, row := range rows {
			b.references[inbound.Reference{System: row.Name, Value: row.Value}] = row.OrganizationID
			ids = append(ids, row.OrganizationID)
		}
	}
	if err := b.readOrganizations(ids, external); err != nil {
		return err
	}
	for _, r := range b.requests {
		for i := range r.items {
			r.items[i].organizationID = b.organizationOf(r, &r.items[i].organization)
		}
	}
	return nil
}

// shareReferences keeps references from being added until the transaction is
// committed: whoever adds one then finds every request that waits for it.
func (b *batch) shareReferences() error {
	return b.tx.Exec("SELECT 1" + b.engine.db.Dialect.Share(database.ReferenceLock)).Error
}

// readOrganizations finds the organizations of some ids with what accepting an event
// reads of them, from memory where that stands. An installation's items may name the
// external id as well.
func (b *batch) readOrganizations(ids []string, external bool) error {
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if len(ids) == 0 {
		return nil
	}
	var named []models.Organization
	if external {
		inID, parameter := b.engine.db.Dialect.Among("id", ids)
		inExternal, names := b.engine.db.Dialect.Among("external_id", ids)
		if err := b.tx.Select("id", "external_id").Where("("+inID+" OR "+inExternal+") AND deleted_at IS NULL", parameter, names).Find(&named).Error; err != nil {
			return fmt.Errorf("reading organizations: %w", err)
		}
		ids = ids[:0]
		for i := range named {
			ids = append(ids, named[i].ID)
		}
	}
	rules, err := b.engine.currentRules(b.tx, ids)
	if err != nil {
		return err
	}
	b.rules = rules
	for id, o := range rules {
		if o.organization.DeletedAt == nil && o.organization.ID == id {
			b.organizations[id] = &o.organization
		}
	}
	for i := range named {
		name := named[i].ExternalID
		if name == nil || b.organizations[named[i].ID] == nil {
			continue
		}
		if _, taken := b.organizations[*name]; !taken {
			b.organizations[*name] = b.organizations[named[i].ID]
		}
	}
	return nil
}

func (b *batch) organizationOf(r *becoming, o *inbound.Organization) string {
	if !r.row.Installation() {
		return r.row.OrganizationID
	}
	if found := b.organizations[o.ID]; o.ID != "" && found != nil {
		return found.ID
	}
	for _, reference := range o.References {
		if id := b.references[reference]; id != "" && b.organizations[id] != nil {
			return id
		}
	}
	return ""
}
