package store

import (
	"context"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/pipeline"
)

// Revocations lists the keys and invitations that end when a member gets another
// role, or, with an empty role, leaves. An unknown member is NotFound.
func (t *Tenant) Revocations(ctx context.Context, memberID string, role models.Role) (*models.Revocations, error) {
	m, err := t.Member(ctx, memberID)
	if err != nil {
		return nil, err
	}
	return t.revocations(t.store.db.WithContext(ctx), m, role)
}

func (t *Tenant) revocations(db *gorm.DB, m *models.TeamMember, role models.Role) (*models.Revocations, error) {
	var keys []models.Key
	err := t.within(db).Where("created_by_user = ? AND revoked_at IS NULL", m.UserID).Order("id").Find(&keys).Error
	if err != nil {
		return nil, err
	}
	r := &models.Revocations{}
	for _, key := range keys {
		kept := slices.DeleteFunc(slices.Clone(key.Scopes), func(s models.Scope) bool { return !role.MayHold(s) })
		switch {
		case len(kept) == len(key.Scopes):
		case len(kept) > 0 && slices.Contains(kept, models.ScopeEventsWrite) == slices.Contains(key.Scopes, models.ScopeEventsWrite):
			r.Narrowed = append(r.Narrowed, models.NarrowedKey{Key: key, Kept: kept})
		default:
			// One that reports events is revoked and not narrowed: it may be in
			// memory, and the statement that commits asks only whether it was revoked.
			r.Keys = append(r.Keys, key)
		}
	}
	var invitations []models.Invitation
	err = t.openInvitations(db).Where("invited_by_user = ? AND expires_at > ?", m.UserID, t.store.clock.Now()).Order("id").Find(&invitations).Error
	for _, i := range invitations {
		if !role.Manages(i.Role) {
			r.Invitations = append(r.Invitations, i)
		}
	}
	return r, err
}

// revoke ends what is listed, in the transaction of the change and under the
// organization's lock. The events are for the caller to emit.
func (t *Tenant) revoke(tx *database.Tx, r *models.Revocations, reason string) ([]pipeline.AppEvent, error) {
	if len(r.Keys) > 0 {
		// Locked, since an admin may revoke one at this moment.
		ids := make([]string, len(r.Keys))
		for i := range r.Keys {
			ids[i] = r.Keys[i].ID
		}
		r.Keys = nil
		if err := t.within(tx.Clauses(clause.Locking{Strength: "UPDATE"})).Where("id IN ? AND revoked_at IS NULL", ids).Order("id").Find(&r.Keys).Error; err != nil {
			return nil, err
		}
	}
	events, err := t.store.revokeKeys(tx, t.org, r.Keys, reason, t.actor)
	if err != nil {
		return nil, err
	}
	if err := t.narrow(tx, r.Narrowed, reason); err != nil {
		return nil, err
	}
	return events, t.revokeInvitations(tx, r.Invitations, reason)
}

// narrow takes scopes from keys: one statement for those that keep the same.
func (t *Tenant) narrow(tx *database.Tx, keys []models.NarrowedKey, reason string) error {
	byKept, entries := map[string][]models.NarrowedKey{}, make([]models.AuditEntry, 0, len(keys))
	for _, key := range keys {
		after := key.Key
		after.Scopes = key.Kept
		byKept[after.Describe()] = append(byKept[after.Describe()], key)
		entries = append(entries, t.store.db.AuditEntry(t.actor, t.org.ID, "key.narrowed", key.ID, key.Name, models.ScopeNames(key.Scopes)+" to "+models.ScopeNames(key.Kept)+". "+reason))
	}
	for _, alike := range byKept {
		ids := make([]string, len(alike))
		for i := range alike {
			ids[i] = alike[i].ID
		}
		if err := t.within(tx.DB).Model(&models.Key{}).Where("id IN ?", ids).Select("scopes").Updates(&models.Key{Scopes: alike[0].Kept}).Error; err != nil {
			return err
		}
	}
	if len(entries) == 0 {
		return nil
	}
	return tx.Create(&entries).Error
}

func (t *Tenant) revokeInvitations(tx *database.Tx, list []models.Invitation, reason string) error {
	if len(list) == 0 {
		return nil
	}
	ids, entries := make([]string, len(list)), make([]models.AuditEntry, len(list))
	for i := range list {
		ids[i] = list[i].ID
		entries[i] = t.store.db.AuditEntry(t.actor, t.org.ID, "invitation.revoked", list[i].ID, list[i].Email, reason)
	}
	if err := t.openInvitations(tx.DB).Model(&models.Invitation{}).Where("id IN ?", ids).Update("revoked_at", t.store.clock.Now()).Error; err != nil {
		return err
	}
	return tx.Create(&entries).Error
}
