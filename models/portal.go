package models

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"gorm.io/gorm"

	"hookwell/webhook"
)

// PortalLink signs a product's user in to one organization, once. FrameOrigin
// is the origin whose pages may show the session in a frame; empty for none.
type PortalLink struct {
	ID             string
	OrganizationID string
	TokenHash      []byte
	KeyID          string // that it was asked for with
	Role           Role
	Name           string // of the product's user
	Navigation     bool
	FrameOrigin    string
	CreatedAt      time.Time
	ExpiresAt      time.Time
	UsedAt         *time.Time
}

// NewPortalLink is what a link is asked for with. Role is admin at most;
// Minutes, from 1 to MaxPortalMinutes, is how long the link may wait to be used.
type NewPortalLink struct {
	Role        string
	Minutes     int
	Name        string // may be empty
	Navigation  bool
	FrameOrigin string // may be empty
}

// Bounds of a link, and of the session that it opens.
const (
	MaxPortalMinutes     = 60
	DefaultPortalMinutes = 10
	// PortalLife is how long a session of a link lasts at most.
	PortalLife = 12 * time.Hour
)

// portalTokenSize is the length of a link's token: 240 bits.
const portalTokenSize = 48

// originHost is the host of an origin that a header may name: letters, digits,
// dots and hyphens, so that it can end no directive and name no second origin.
var originHost = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`)

func (n *NewPortalLink) check() (Role, error) {
	var faults webhook.Faults
	role, err := ParseRole(n.Role)
	if err != nil || !RoleAdmin.Manages(role) {
		faults = append(faults, webhook.Fault{Field: "role", Message: "Choose admin, member or guest."})
	}
	if n.Minutes < 1 || n.Minutes > MaxPortalMinutes {
		faults = append(faults, webhook.Fault{Field: "minutes", Message: fmt.Sprintf("Use 1 to %d minutes.", MaxPortalMinutes)})
	}
	n.Name = strings.TrimSpace(n.Name)
	faults = append(faults, textFaults("name", webhook.NameFault(n.Name, maxName))...)
	if n.FrameOrigin = frameOrigin(n.FrameOrigin); n.FrameOrigin == noOrigin {
		faults = append(faults, webhook.Fault{Field: "frameOrigin", Message: "Name one origin by its scheme and host alone, such as https://app.example.com."})
	}
	if len(faults) > 0 {
		return "", invalid(faults)
	}
	return role, nil
}

// noOrigin is what is no origin of a frame.
const noOrigin = "none"

// frameOrigin returns an origin with its host normalized, as browsers compare
// it, or noOrigin. An empty one stays empty.
func frameOrigin(text string) string {
	if text == "" {
		return ""
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || len(text) > 255 || *u != (url.URL{Scheme: u.Scheme, Host: u.Host}) {
		return noOrigin
	}
	host, err := webhook.NormalizeHost(u.Scheme, u.Host)
	normal := &url.URL{Scheme: u.Scheme, Host: host}
	if err != nil || !originHost.MatchString(normal.Hostname()) {
		return noOrigin
	}
	return normal.String()
}

// CreatePortalLink makes a link into an organization, which is named by its id
// or external id, and answers its token, shown once. It asks for a key: the
// link's session ends when that is revoked or expires.
func (p *Platform) CreatePortalLink(ctx context.Context, organization string, n NewPortalLink) (*PortalLink, string, error) {
	org, err := p.Organization(ctx, organization)
	if err != nil {
		return nil, "", err
	}
	if p.actor.Kind != ActorKey {
		return nil, "", &Error{Kind: Forbidden, Code: "platform_key_required", Message: "Only a platform key may do this."}
	}
	role, err := n.check()
	if err != nil {
		return nil, "", err
	}
	token, now := (rand.Text() + rand.Text())[:portalTokenSize], p.store.clock.Now()
	link := &PortalLink{ID: p.store.clock.newID(PrefixPortalLink, now), OrganizationID: org.ID, TokenHash: hashToken(token), KeyID: p.actor.ID, Role: role,
		Name: n.Name, Navigation: n.Navigation, FrameOrigin: n.FrameOrigin, CreatedAt: now, ExpiresAt: now.Add(time.Duration(n.Minutes) * time.Minute)}
	err = p.store.transaction(ctx, func(tx *Tx) error {
		if err := tx.Create(link).Error; err != nil {
			return err
		}
		return p.store.audit(tx, p.actor, org.ID, "portal_link.created", link.ID, link.Title(), string(role))
	})
	if err != nil {
		return nil, "", fmt.Errorf("making a portal link: %w", err)
	}
	return link, token, nil
}

// Portal is the store as whoever came by a link sees it: one organization, and
// nothing that belongs to a person.
type Portal struct {
	PortalLink
	store *Store
	org   *Organization
	actor Actor
}

// portalLinkOver is what becomes of a link that was used, has expired, or never was.
func portalLinkOver() error {
	return &Error{Kind: NotFound, Code: "portal_link_over", Message: "This link was used already, or its time is over. Open it again from where you found it."}
}

// openLinks are the links of a token that may still be used.
func (s *Store) openLinks(db *gorm.DB, token string) *gorm.DB {
	return s.livingLinks(db).Where("portal_links.token_hash = ? AND portal_links.used_at IS NULL AND portal_links.expires_at > ?", hashToken(token), s.clock.Now())
}

// livingLinks are the links whose organization is there and whose key is good.
func (s *Store) livingLinks(db *gorm.DB) *gorm.DB {
	return db.Model(&PortalLink{}).Select(linkColumns).
		Joins("JOIN organizations ON organizations.id = portal_links.organization_id AND organizations.deleted_at IS NULL").
		Joins("JOIN api_keys ON api_keys.id = portal_links.key_id AND api_keys.revoked_at IS NULL AND (api_keys.expires_at IS NULL OR api_keys.expires_at > ?)", s.clock.Now())
}

// PeekPortal answers the link of a token that may still be used, and uses
// nothing: scanners of mail follow links too. Any other is NotFound.
func (s *Store) PeekPortal(ctx context.Context, token string) (*Portal, error) {
	link, err := find[PortalLink](s.openLinks(s.db.WithContext(ctx), token), "link")
	if IsKind(err, NotFound) {
		return nil, portalLinkOver()
	}
	if err != nil {
		return nil, err
	}
	return s.portal(ctx, link, Actor{})
}

// EnterPortal uses up the link of a token. Of two forms at once, one gets in;
// the other, and a link that is over, is NotFound. The same form sent again at
// once gets in again.
func (s *Store) EnterPortal(ctx context.Context, token string, actor Actor) (*Portal, error) {
	p, err := s.enterPortal(ctx, token, actor)
	if before := earlier(err); before != nil && before.shown != "" {
		return s.Portal(ctx, before.made, actor)
	} else if before != nil {
		return nil, portalLinkOver()
	}
	return p, err
}

func (s *Store) enterPortal(ctx context.Context, token string, actor Actor) (*Portal, error) {
	if err := s.sentBefore(ctx); err != nil {
		return nil, err
	}
	p, err := s.PeekPortal(ctx, token)
	if err != nil {
		return nil, err
	}
	p.actor = p.actorFrom(actor)
	now := s.clock.Now()
	err = s.transaction(once(ctx), func(tx *Tx) error {
		makes(tx, p.ID, p.ID)
		done := tx.Model(&PortalLink{}).Where("id = ? AND used_at IS NULL", p.ID).Update("used_at", now)
		if done.Error != nil {
			return done.Error
		}
		if done.RowsAffected == 0 {
			return portalLinkOver()
		}
		return s.audit(tx, p.actor, p.OrganizationID, "portal.signed_in", p.ID, p.Title(), string(p.Role))
	})
	p.UsedAt = &now
	return p, err
}

// Portal is the way back in, for the session of a link that was used. It is
// NotFound when PortalLife is over, when the organization is deleted, and when
// the key that asked for the link was revoked or has expired.
func (s *Store) Portal(ctx context.Context, linkID string, actor Actor) (*Portal, error) {
	link, err := find[PortalLink](s.livingLinks(s.db.WithContext(ctx)).
		Where("portal_links.id = ? AND portal_links.used_at > ?", linkID, s.clock.Now().Add(-PortalLife)), "session")
	if err != nil {
		return nil, err
	}
	return s.portal(ctx, link, actor)
}

func (s *Store) portal(ctx context.Context, link *PortalLink, actor Actor) (*Portal, error) {
	org, err := find[Organization](s.db.WithContext(ctx).Where("id = ? AND deleted_at IS NULL", link.OrganizationID), "organization")
	if err != nil {
		return nil, err
	}
	p := &Portal{PortalLink: *link, store: s, org: org}
	p.actor = p.actorFrom(actor)
	return p, nil
}

// PortalVisitor is what somebody is called whom the product did not name.
const PortalVisitor = "Portal visitor"

func (p *Portal) actorFrom(actor Actor) Actor {
	actor.Kind, actor.ID, actor.Name, actor.Email = ActorPortal, p.ID, p.Title(), ""
	return actor
}

// Title is what the visitor is called.
func (p *PortalLink) Title() string {
	if p.Name == "" {
		return PortalVisitor
	}
	return p.Name
}

// Organization is whose pages these are.
func (p *Portal) Organization() *Organization { return p.org }

// Tenant is the way into the link's organization, by its slug; any other is NotFound.
func (p *Portal) Tenant(slug string) (*Tenant, Role, error) {
	if slug != p.org.Slug {
		return nil, "", notFound("organization")
	}
	return (&Tenant{store: p.store, org: p.org, actor: p.actor}).readBy(p.Role), p.Role, nil
}

// PrunePortalLinks removes links that nobody can use any more, and whose
// sessions are over.
func (s *Store) PrunePortalLinks(ctx context.Context) error {
	return s.db.WithContext(ctx).Where("expires_at < ?", s.clock.Now().Add(-PortalLife)).Delete(&PortalLink{}).Error
}
