package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"hookwell/models"
	"hookwell/models/database"
)

// Receiving is the sources of one organization, or of the installation, with what
// they took in. Rows of others are NotFound. Tenant.Receiving and
// Platform.Receiving make it.
type Receiving struct {
	store *Store
	owner string // the organization's id; empty for the installation
	actor models.Actor
	condition
	hides bool // bodies, headers and URLs, from a guest
}

// Receiving returns the organization's sources.
func (t *Tenant) Receiving() *Receiving {
	return &Receiving{store: t.store, owner: t.org.ID, actor: t.actor, condition: t.condition, hides: t.hidesAddresses}
}

// Receiving returns the sources of the installation.
func (p *Platform) Receiving() *Receiving { return &Receiving{store: p.store, actor: p.actor} }

// If is Tenant.If for edits of sources.
func (r *Receiving) If(holds func(models.Version) bool) *Receiving {
	conditional := *r
	conditional.holds = holds
	return &conditional
}

// OrganizationID returns whose sources these are; empty for the installation.
func (r *Receiving) OrganizationID() string { return r.owner }

// rows begins every query.
func (r *Receiving) rows(ctx context.Context) *gorm.DB {
	return r.within(r.store.db.WithContext(ctx))
}

// within scopes a query of a transaction.
func (r *Receiving) within(db *gorm.DB) *gorm.DB { return db.Where("organization_id = ?", r.owner) }

func (r *Receiving) audit(tx *database.Tx, action, targetID, targetName, details string) error {
	return r.store.db.Audit(tx, r.actor, r.owner, action, targetID, targetName, details)
}

// sourceSlugs returns the slugs that begin some of the patterns, of the sources of an
// organization and of the installation.
func (s *Store) sourceSlugs(ctx context.Context, organizationID string, patterns []string) ([]string, error) {
	var words []string
	known := s.catalog.FirstWords()
	for _, pattern := range patterns {
		word, _, ok := strings.Cut(strings.ToLower(strings.TrimSpace(pattern)), ".")
		if ok && !slices.Contains(known, word) && len(words) < models.MaxSources {
			words = append(words, word)
		}
	}
	if len(words) == 0 {
		return nil, nil
	}
	var slugs []string
	err := s.db.WithContext(ctx).Model(&models.Source{}).Where("organization_id IN ? AND slug IN ? AND deleted_at IS NULL", []string{organizationID, ""}, words).
		Distinct().Pluck("slug", &slugs).Error
	if err != nil {
		return nil, fmt.Errorf("reading slugs of sources: %w", err)
	}
	return slugs, nil
}

// close deletes all sources of an organization that is deleted, with their secrets
// and what finds the organization. What waits can become no event any more, and ends
// as failed.
func (r *Receiving) close(tx *database.Tx, now time.Time) error {
	if err := r.within(tx.DB).Delete(&models.SourceSecret{}).Error; err != nil {
		return fmt.Errorf("deleting secrets of sources: %w", err)
	}
	if err := r.within(tx.DB).Delete(&models.SourceReference{}).Error; err != nil {
		return fmt.Errorf("deleting references: %w", err)
	}
	ended := map[string]any{"state": models.RecoveryCancelled, "ended_at": now}
	if err := r.within(tx.DB).Model(&models.RequestReplay{}).Where("state = ?", models.RecoveryRunning).Updates(ended).Error; err != nil {
		return fmt.Errorf("stopping replays: %w", err)
	}
	gone := map[string]any{"deleted_at": now, "updated_at": now, "earlier_hash": nil, "earlier_token": nil, "earlier_until": nil, "revision": gorm.Expr("revision + 1")}
	if err := r.within(tx.DB).Model(&models.Source{}).Where("deleted_at IS NULL").Updates(gone).Error; err != nil {
		return fmt.Errorf("deleting sources: %w", err)
	}
	return nil
}

// CheckSources fails if the catalog has types that begin with a source's slug:
// nobody could tell what the source relays from the catalog's own.
func (s *Store) CheckSources(ctx context.Context) error {
	var slugs []string
	err := s.db.WithContext(ctx).Model(&models.Source{}).Where("slug IN ? AND deleted_at IS NULL", s.catalog.FirstWords()).Distinct().Limit(10).Pluck("slug", &slugs).Error
	if err != nil {
		return fmt.Errorf("comparing sources with the catalog: %w", err)
	}
	if len(slugs) > 0 {
		return fmt.Errorf("it has types that begin with %s, which is the slug of a source; rename the types, or delete the source", strings.Join(slugs, ", "))
	}
	return nil
}
