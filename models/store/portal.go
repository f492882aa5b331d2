package store

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"gorm.io/gorm"

	"hookwell/models"
	"hookwell/models/database"
)

// Limits of a portal link and of its session.
const (
	// DefaultPortalMinutes is how long a link works if the request doesn't say.
	DefaultPortalMinutes = 10
	// PortalLife is how long a link's session lasts at most.
	PortalLife = 12 * time.Hour
)

// portalTokenSize is the length of a link's token: 240 bits.
const portalTokenSize = 48

// CreatePortalLink makes a link into an organization, named by its id or external
// id, and returns its token, which is shown once. It requires a key: the link's
// session ends when that key is revoked or expires. An unknown organization is
// NotFound; a caller without a platform key is Forbidden; wrong input is Invalid at
// its fields.
func (p *Platform) CreatePortalLink(ctx context.Context, organization string, n models.NewPortalLink) (*models.PortalLink, string, error) {
	org, err := p.Organization(ctx, organization)
	if err != nil {
		return nil, "", err
	}
	if p.actor.Kind != models.ActorKey {
		return nil, "", &models.Error{Kind: models.Forbidden, Code: "platform_key_required", Message: "Only a platform key may do this."}
	}
	role, err := n.Check()
	if err != nil {
		return nil, "", err
	}
	token, now := (rand.Text() + rand.Text())[:portalTokenSize], p.store.clock.Now()
	link := &models.PortalLink{ID: p.store.clock.NewID(models.PrefixPortalLink, now), OrganizationID: org.ID, TokenHash: models.HashToken(token), KeyID: p.actor.ID, Role: role,
		Name: n.Name, Navigation: n.Navigation, FrameOrigin: n.FrameOrigin, CreatedAt: now, ExpiresAt: now.Add(time.Duration(n.Minutes) * time.Minute)}
	err = p.store.transaction(ctx, func(tx *database.Tx) error {
		if err := tx.Create(link).Error; err != nil {
			return err
		}
		return p.store.db.Audit(tx, p.actor, org.ID, "portal_link.created", link.ID, link.Title(), string(role))
	})
	if err != nil {
		return nil, "", fmt.Errorf("making a portal link: %w", err)
	}
	return link, token, nil
}

// Portal is the view of a visitor who came by a link: one organization, and
// nothing that belongs to a person.
type Portal struct {
	models.PortalLink
	store *Store
	org   *models.Organization
	actor models.Actor
}

// portalLinkOver is what becomes of a link that was used, has expired, or never was.
func portalLinkOver() error {
	return &models.Error{Kind: models.NotFound, Code: "portal_link_over", Message: "This link was used already, or its time is over. Open it again from where you found it."}
}

// openLinks returns the links of a token that may still be used.
func (s *Store) openLinks(db *gorm.DB, token string) *gorm.DB {
	return s.livingLinks(db).Where("portal_links.token_hash = ? AND portal_links.used_at IS NULL AND portal_links.expires_at > ?", models.HashToken(token), s.clock.Now())
}

// livingLinks returns the links whose organization is there and whose key is good.
func (s *Store) livingLinks(db *gorm.DB) *gorm.DB {
	return db.Model(&models.PortalLink{}).Select(database.LinkColumns).
		Joins("JOIN organizations ON organizations.id = portal_links.organization_id AND organizations.deleted_at IS NULL").
		Joins("JOIN api_keys ON api_keys.id = portal_links.key_id AND api_keys.revoked_at IS NULL AND (api_keys.expires_at IS NULL OR api_keys.expires_at > ?)", s.clock.Now())
}

// PeekPortal returns the link of a token that may still be used, without using
// it, because scanners of mail follow links too. Any other token is NotFound.
func (s *Store) PeekPortal(ctx context.Context, token string) (*Portal, error) {
	link, err := database.Find[models.PortalLink](s.openLinks(s.db.WithContext(ctx), token), "link")
	if models.IsKind(err, models.NotFound) {
		return nil, portalLinkOver()
	}
	if err != nil {
		return nil, err
	}
	return s.portal(ctx, link, models.Actor{})
}

// EnterPortal uses up the link of a token. If two forms arrive at once, one gets
// in and the other is NotFound, as is an expired link. The same form, sent again
// at once, gets in again.
func (s *Store) EnterPortal(ctx context.Context, token string, actor models.Actor) (*Portal, error) {
	p, err := s.enterPortal(ctx, token, actor)
	if before := earlier(err); before != nil && before.shown != "" {
		return s.Portal(ctx, before.made, actor)
	} else if before != nil {
		return nil, portalLinkOver()
	}
	return p, err
}

func (s *Store) enterPortal(ctx context.Context, token string, actor models.Actor) (*Portal, error) {
	if err := s.sentBefore(ctx); err != nil {
		return nil, err
	}
	p, err := s.PeekPortal(ctx, token)
	if err != nil {
		return nil, err
	}
	p.actor = p.actorFrom(actor)
	now := s.clock.Now()
	err = s.transaction(once(ctx), func(tx *database.Tx) error {
		makes(tx, p.ID, p.ID)
		done := tx.Model(&models.PortalLink{}).Where("id = ? AND used_at IS NULL", p.ID).Update("used_at", now)
		if done.Error != nil {
			return done.Error
		}
		if done.RowsAffected == 0 {
			return portalLinkOver()
		}
		return s.db.Audit(tx, p.actor, p.OrganizationID, "portal.signed_in", p.ID, p.Title(), string(p.Role))
	})
	p.UsedAt = &now
	return p, err
}

// Portal returns the view for the session of a used link. It is NotFound after
// PortalLife, if the organization is deleted, and if the key that asked for the
// link was revoked or has expired.
func (s *Store) Portal(ctx context.Context, linkID string, actor models.Actor) (*Portal, error) {
	link, err := database.Find[models.PortalLink](s.livingLinks(s.db.WithContext(ctx)).
		Where("portal_links.id = ? AND portal_links.used_at > ?", linkID, s.clock.Now().Add(-PortalLife)), "session")
	if err != nil {
		return nil, err
	}
	return s.portal(ctx, link, actor)
}

func (s *Store) portal(ctx context.Context, link *models.PortalLink, actor models.Actor) (*Portal, error) {
	org, err := database.Find[models.Organization](s.db.WithContext(ctx).Where("id = ? AND deleted_at IS NULL", link.OrganizationID), "organization")
	if err != nil {
		return nil, err
	}
	p := &Portal{PortalLink: *link, store: s, org: org}
	p.actor = p.actorFrom(actor)
	return p, nil
}

func (p *Portal) actorFrom(actor models.Actor) models.Actor {
	actor.Kind, actor.ID, actor.Name, actor.Email = models.ActorPortal, p.ID, p.Title(), ""
	return actor
}

// Organization returns the link's organization.
func (p *Portal) Organization() *models.Organization { return p.org }

// Tenant returns the Tenant of the link's organization, by its slug; any other is
// NotFound.
func (p *Portal) Tenant(ctx context.Context, slug string) (*Tenant, models.Role, error) {
	if slug != p.org.Slug {
		return nil, "", models.NewNotFound("organization")
	}
	return (&Tenant{store: p.store, org: p.org, actor: p.actor}).readBy(p.Role), p.Role, p.store.engine.Expand(ctx, p.org.ID)
}

// PrunePortalLinks deletes links that can't be used any more and whose sessions have
// ended. It fails if the database does.
func (s *Store) PrunePortalLinks(ctx context.Context) error {
	return s.db.WithContext(ctx).Where("expires_at < ?", s.clock.Now().Add(-PortalLife)).Delete(&models.PortalLink{}).Error
}
