package models

import (
	"context"
	"slices"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Revocations are what ends when a member's role changes, or the membership
// itself: what acts in the member's name beyond the role that is left.
type Revocations struct {
	Keys        []Key         // revoked
	Narrowed    []NarrowedKey // lose scopes
	Invitations []Invitation  // revoked
}

// NarrowedKey is a key that goes on with fewer scopes.
type NarrowedKey struct {
	Key
	Kept []Scope
}

// CodeRevokes is of a change of role that would end more than the person who
// asks for it was told.
const CodeRevokes = "role_revokes"

// IDs lists the ids of everything that ends or is narrowed.
func (r *Revocations) IDs() []string {
	var ids []string
	for i := range r.Keys {
		ids = append(ids, r.Keys[i].ID)
	}
	for i := range r.Narrowed {
		ids = append(ids, r.Narrowed[i].ID)
	}
	for i := range r.Invitations {
		ids = append(ids, r.Invitations[i].ID)
	}
	return ids
}

// Empty reports whether nothing ends.
func (r *Revocations) Empty() bool { return len(r.IDs()) == 0 }

// MayHold reports whether a key that somebody of this role made may have the
// scope. Keys read what members see, people's addresses included, so that a
// guest's reads nothing.
func (r Role) MayHold(scope Scope) bool {
	if scope == ScopeRead {
		return r.May(RightOperate)
	}
	return r.May(RightAdminister)
}

// Revocations lists what ends when a member gets another role, or, with an
// empty one, is no member anymore. An unknown member is NotFound.
func (t *Tenant) Revocations(ctx context.Context, memberID string, role Role) (*Revocations, error) {
	m, err := t.Member(ctx, memberID)
	if err != nil {
		return nil, err
	}
	return t.revocations(t.store.db.WithContext(ctx), m, role)
}

func (t *Tenant) revocations(db *gorm.DB, m *TeamMember, role Role) (*Revocations, error) {
	var keys []Key
	err := t.within(db).Where("created_by_user = ? AND revoked_at IS NULL", m.UserID).Order("id").Find(&keys).Error
	if err != nil {
		return nil, err
	}
	r := &Revocations{}
	for _, key := range keys {
		kept := slices.DeleteFunc(slices.Clone(key.Scopes), func(s Scope) bool { return !role.MayHold(s) })
		switch {
		case len(kept) == len(key.Scopes):
		case len(kept) > 0 && slices.Contains(kept, ScopeEventsWrite) == slices.Contains(key.Scopes, ScopeEventsWrite):
			r.Narrowed = append(r.Narrowed, NarrowedKey{Key: key, Kept: kept})
		default:
			// One that reports events is revoked and not narrowed: it may be in
			// memory, and the statement that commits asks only whether it was revoked.
			r.Keys = append(r.Keys, key)
		}
	}
	var invitations []Invitation
	err = t.openInvitations(db).Where("invited_by_user = ? AND expires_at > ?", m.UserID, t.store.clock.Now()).Order("id").Find(&invitations).Error
	for _, i := range invitations {
		if !role.Manages(i.Role) {
			r.Invitations = append(r.Invitations, i)
		}
	}
	return r, err
}

// agreed refuses what would end without having been listed to who asks for it.
func (r *Revocations) agreed(ids []string) error {
	for _, id := range r.IDs() {
		if !slices.Contains(ids, id) {
			return conflict(CodeRevokes, "This ends API keys or invitations that the member made. Look at what ends, then confirm it.")
		}
	}
	return nil
}

// revoke ends what is listed, in the transaction of the change and under the
// organization's lock. The events are for the caller to emit.
func (t *Tenant) revoke(tx *Tx, r *Revocations, reason string) ([]ownEvent, error) {
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
func (t *Tenant) narrow(tx *Tx, keys []NarrowedKey, reason string) error {
	byKept, entries := map[string][]NarrowedKey{}, make([]AuditEntry, 0, len(keys))
	for _, key := range keys {
		after := key.Key
		after.Scopes = key.Kept
		byKept[after.describe()] = append(byKept[after.describe()], key)
		entries = append(entries, t.store.auditEntry(t.actor, t.org.ID, "key.narrowed", key.ID, key.Name, scopeNames(key.Scopes)+" to "+scopeNames(key.Kept)+". "+reason))
	}
	for _, alike := range byKept {
		ids := make([]string, len(alike))
		for i := range alike {
			ids[i] = alike[i].ID
		}
		if err := t.within(tx.DB).Model(&Key{}).Where("id IN ?", ids).Select("scopes").Updates(&Key{Scopes: alike[0].Kept}).Error; err != nil {
			return err
		}
	}
	if len(entries) == 0 {
		return nil
	}
	return tx.Create(&entries).Error
}

func (t *Tenant) revokeInvitations(tx *Tx, list []Invitation, reason string) error {
	if len(list) == 0 {
		return nil
	}
	ids, entries := make([]string, len(list)), make([]AuditEntry, len(list))
	for i := range list {
		ids[i] = list[i].ID
		entries[i] = t.store.auditEntry(t.actor, t.org.ID, "invitation.revoked", list[i].ID, list[i].Email, reason)
	}
	if err := t.openInvitations(tx.DB).Model(&Invitation{}).Where("id IN ?", ids).Update("revoked_at", t.store.clock.Now()).Error; err != nil {
		return err
	}
	return tx.Create(&entries).Error
}

func scopeNames(scopes []Scope) string {
	names := make([]string, len(scopes))
	for i, scope := range scopes {
		names[i] = string(scope)
	}
	return strings.Join(names, " ")
}
