package pipeline

import (
	"context"
	"fmt"
	"sync"

	"hookwell/models"
	"hookwell/models/database"
)

// organizationVersion rises with every change of an organization, its
// endpoints and their secrets; triggers see to that.
type organizationVersion struct {
	OrganizationID string `gorm:"primaryKey"`
	Version        int64
}

// acceptRules is what accepting an event reads of its organization, as of one
// version. It is not changed once it is made.
type acceptRules struct {
	version      int64
	organization models.Organization
	endpoints    []models.Endpoint // the enabled ones: id, types and schedule

	mu          sync.Mutex
	subscribers map[string][]*models.Endpoint // by event type, found when first asked for
}

// subscribed returns the endpoints that want events of a type.
func (o *acceptRules) subscribed(eventType string) []*models.Endpoint {
	o.mu.Lock()
	defer o.mu.Unlock()
	found, ok := o.subscribers[eventType]
	if !ok {
		for i := range o.endpoints {
			if o.endpoints[i].EventTypes.Matches(eventType) {
				found = append(found, &o.endpoints[i])
			}
		}
		o.subscribers[eventType] = found
	}
	return found
}

// cachedRules returns the organizations' settings if all of them are in
// memory. Whether they still stand is for the database to say.
func (p *Engine) cachedRules(organizationIDs []string) (map[string]*acceptRules, bool) {
	found := make(map[string]*acceptRules, len(organizationIDs))
	for _, id := range organizationIDs {
		kept, ok := p.rules.Get(id)
		if !ok {
			return nil, false
		}
		found[id] = kept
	}
	return found, true
}

// currentRules returns the organizations' settings as they are now,
// reading those that have changed. The transaction must not have changed them
// itself: what it reads is kept.
func (p *Engine) currentRules(tx *database.Tx, organizationIDs []string) (map[string]*acceptRules, error) {
	condition, parameter := p.db.Dialect.Among("organization_id", organizationIDs)
	var versions []organizationVersion
	if err := tx.Where(condition, parameter).Find(&versions).Error; err != nil {
		return nil, fmt.Errorf("reading versions: %w", err)
	}
	found, stale := make(map[string]*acceptRules, len(organizationIDs)), []string(nil)
	for _, v := range versions {
		if kept, ok := p.rules.Get(v.OrganizationID); ok && kept.version == v.Version {
			found[v.OrganizationID] = kept
			continue
		}
		found[v.OrganizationID] = &acceptRules{version: v.Version, subscribers: map[string][]*models.Endpoint{}}
		stale = append(stale, v.OrganizationID)
	}
	if len(stale) == 0 {
		return found, nil
	}
	if err := p.readRules(tx, stale, found); err != nil {
		return nil, err
	}
	for _, id := range stale {
		p.rules.Put(id, found[id])
	}
	return found, nil
}

// readRules fills in settings. It reads after the version was read: what has
// changed in between is newer than its number, and read again next time.
func (p *Engine) readRules(tx *database.Tx, ids []string, into map[string]*acceptRules) error {
	var organizations []models.Organization
	if err := tx.Where("id IN ?", ids).Find(&organizations).Error; err != nil {
		return fmt.Errorf("reading organizations: %w", err)
	}
	for _, o := range organizations {
		into[o.ID].organization = o
	}
	endpoints, err := enabledEndpoints(tx, ids)
	if err != nil {
		return err
	}
	for _, e := range endpoints {
		into[e.OrganizationID].endpoints = append(into[e.OrganizationID].endpoints, e)
	}
	return nil
}

// enabledEndpoints reads what fanning out needs of the organizations' endpoints.
func enabledEndpoints(tx *database.Tx, organizationIDs []string) ([]models.Endpoint, error) {
	var endpoints []models.Endpoint
	err := tx.Select("id", "organization_id", "event_types", "schedule").
		Where("organization_id IN ? AND disabled_at IS NULL AND deleted_at IS NULL", organizationIDs).Find(&endpoints).Error
	if err != nil {
		return nil, fmt.Errorf("reading subscriptions: %w", err)
	}
	return endpoints, nil
}

// CachedOrganization returns an organization that is in memory and not deleted, as
// far as that is known there.
func (p *Engine) CachedOrganization(id string) (*models.Organization, bool) {
	if kept, ok := p.rules.Get(id); ok && kept.organization.DeletedAt == nil {
		return &kept.organization, true
	}
	return nil, false
}

// CurrentOrganization returns an organization, from memory where it is there:
// for whoever reports events, since accepting them asks again.
func (p *Engine) CurrentOrganization(ctx context.Context, id string) (*models.Organization, error) {
	if org, ok := p.CachedOrganization(id); ok {
		return org, nil
	}
	return database.Find[models.Organization](p.db.WithContext(ctx).Where("id = ? AND deleted_at IS NULL", id), "organization")
}
