package store

import (
	"context"

	"gorm.io/gorm"

	"hookwell/models"
	"hookwell/models/database"
)

// Tenant is one organization's view of the store. Its methods reach only that
// organization's rows; rows of others are NotFound.
type Tenant struct {
	store *Store
	org   *models.Organization
	actor models.Actor
	named string // how a platform key that reports events named it
	condition

	hidesAddresses bool // people's, from a guest; see readBy
}

// Organization returns the tenant's organization.
func (t *Tenant) Organization() *models.Organization { return t.org }

// Expand lets the tenant see all that was accepted before the call. The Tenants of
// persons, portals and platforms come with it. It fails if the database does.
func (t *Tenant) Expand(ctx context.Context) error { return t.store.engine.Expand(ctx, t.org.ID) }

// rows begins every query of the tenant.
func (t *Tenant) rows(ctx context.Context) *gorm.DB { return t.within(t.store.db.WithContext(ctx)) }

// within scopes a query of a transaction to the organization.
func (t *Tenant) within(db *gorm.DB) *gorm.DB { return db.Where("organization_id = ?", t.org.ID) }

func (t *Tenant) audit(tx *database.Tx, action, targetID, targetName, details string) error {
	return t.store.db.Audit(tx, t.actor, t.org.ID, action, targetID, targetName, details)
}
