package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"hookwell/models"
	"hookwell/models/database"
)

// UpdateOrganization saves settings. If no value changed, it does nothing. Bad
// fields are Invalid; an external id that another organization has is a Conflict.
// If the version isn't the one that If asks for, it fails with Outdated and
// returns the organization as it is.
func (t *Tenant) UpdateOrganization(ctx context.Context, change models.OrganizationChange) (*models.Organization, error) {
	err := t.store.transaction(ctx, func(tx *database.Tx) error {
		if err := t.lock(tx); err != nil {
			return err
		}
		if err := t.check(t.org.Version()); err != nil {
			return err
		}
		changes, err := t.applySettings(tx, change)
		if err != nil || len(changes) == 0 {
			return err
		}
		if _, unshown := changes["externalId"]; !unshown || len(changes) > 1 {
			t.org.FormVersion++
		}
		t.org.UpdatedAt = database.StrictlyAfter(t.store.clock.Now(), t.org.UpdatedAt)
		if err := tx.Model(&models.Organization{}).Where("id = ?", t.org.ID).Select("*").Updates(t.org).Error; err != nil {
			return duplicateIsConflict(err, "Someone took this name at the same moment. Try again.")
		}
		if err := t.audit(tx, "organization.updated", t.org.ID, t.org.Name, describeChanges(changes)); err != nil {
			return err
		}
		return t.store.engine.EmitAll(tx, organizationUpdated(t.org, changes, t.actor))
	})
	return t.org, err
}

// applySettings changes the row that the transaction has locked and answers
// what changed.
func (t *Tenant) applySettings(tx *database.Tx, change models.OrganizationChange) (map[string]fieldChange, error) {
	n := models.NewOrganization{Name: t.org.Name, Slug: t.org.Slug}
	if t.org.ExternalID != nil {
		n.ExternalID = *t.org.ExternalID
	}
	before := n
	for _, field := range []struct{ to, from *string }{{&n.Name, change.Name}, {&n.Slug, change.Slug}, {&n.ExternalID, change.ExternalID}} {
		if field.from != nil {
			*field.to = *field.from
		}
	}
	if n.Slug == "" {
		return nil, models.InvalidField("slug", "Enter a slug.")
	}
	if err := n.Check(); err != nil {
		return nil, err
	}
	changes := map[string]fieldChange{}
	note := func(field, from, to string) bool {
		if from != to {
			changes[field] = textChange(from, to)
		}
		return from != to
	}
	note("name", before.Name, n.Name)
	if note("externalId", before.ExternalID, n.ExternalID) && n.ExternalID != "" {
		if err := externalIDFree(tx, n.ExternalID); err != nil {
			return nil, err
		}
	}
	if note("slug", before.Slug, n.Slug) {
		if err := changeSlug(tx, t.org.ID, n.Slug, t.store.clock.Now()); err != nil {
			return nil, err
		}
	}
	if to := change.RequireTwoFactor; to != nil && *to != t.org.RequireTwoFactor {
		if err := t.mayDemandTwoFactor(tx, *to); err != nil {
			return nil, err
		}
		changes["requireTwoFactor"] = fieldChange{t.org.RequireTwoFactor, *to}
		t.org.RequireTwoFactor = *to
	}
	t.org.Name, t.org.Slug, t.org.ExternalID = n.Name, n.Slug, nil
	if n.ExternalID != "" {
		t.org.ExternalID = &n.ExternalID
	}
	return changes, nil
}

// mayDemandTwoFactor refuses who would be locked out by their own demand.
func (t *Tenant) mayDemandTwoFactor(tx *database.Tx, demand bool) error {
	if !demand || t.actor.Kind != models.ActorUser {
		return nil
	}
	row, err := t.store.twoFactorOf(tx.DB, t.actor.ID)
	if models.IsKind(err, models.NotFound) || err == nil && row.EnabledAt == nil {
		return models.InvalidField("requireTwoFactor", "Turn on two-factor for your own account first.")
	}
	return err
}

// changeSlug takes a slug that was never given, not even to this organization.
func changeSlug(tx *database.Tx, organizationID, slug string, now time.Time) error {
	var taken int64
	if err := tx.Table("slugs").Where("slug = ?", slug).Count(&taken).Error; err != nil {
		return err
	}
	if taken > 0 {
		return slugTaken()
	}
	return insertSlug(tx, organizationID, slug, now)
}

// describeChanges is what the audit log keeps of changed settings.
func describeChanges(changes map[string]fieldChange) string {
	var parts []string
	for _, field := range slices.Sorted(maps.Keys(changes)) {
		parts = append(parts, fmt.Sprintf("%s: %v to %v", field, orNone(changes[field].From), orNone(changes[field].To)))
	}
	return strings.Join(parts, ", ")
}

func orNone(value any) any {
	if value == nil {
		return "none"
	}
	return value
}

// DeleteOrganization ends an organization. Its pages, keys and invitations stop at
// once, and nothing new is accepted. Deliveries that wait, including those of
// org.deleted, still go to its endpoints; CloseOrganizations deletes the endpoints
// afterwards. Its slug is never given again; its external id is free. Anybody below
// an owner is Forbidden; a version that is not the present one is Outdated.
func (t *Tenant) DeleteOrganization(ctx context.Context) error {
	return unlessTaken(t.store.transaction(once(ctx), func(tx *database.Tx) error {
		if err := t.lock(tx); err != nil {
			return err
		}
		if acting, err := t.actingRole(tx); err != nil {
			return err
		} else if !acting.May(models.RightOwn) {
			return forbiddenRole()
		}
		if err := t.check(t.org.Version()); err != nil {
			return err
		}
		now := database.StrictlyAfter(t.store.clock.Now(), t.org.UpdatedAt)
		if err := t.store.engine.EmitAll(tx, organizationDeleted(t.org, t.actor, now)); err != nil {
			return err
		}
		if err := t.openInvitations(tx.DB).Model(&models.Invitation{}).Update("revoked_at", now).Error; err != nil {
			return err
		}
		if err := t.Receiving().close(tx, now); err != nil {
			return err
		}
		details := ""
		if t.org.ExternalID != nil {
			details = "external id " + *t.org.ExternalID
		}
		t.org.DeletedAt, t.org.UpdatedAt, t.org.ExternalID = &now, now, nil
		if err := tx.Model(&models.Organization{}).Where("id = ?", t.org.ID).Select("*").Updates(t.org).Error; err != nil {
			return err
		}
		return t.audit(tx, "organization.deleted", t.org.ID, t.org.Name, details)
	}))
}
