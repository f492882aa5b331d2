package store

import (
	"context"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"
	"gorm.io/gorm"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/webhook"
)

var (
	slugBreaks = regexp.MustCompile(`[^a-z0-9]+`)
)

// slugFrom makes a slug from a name; it may be empty.
func slugFrom(name string) string {
	plain := strings.Map(func(r rune) rune {
		if r >= 0x300 && r <= 0x36f { // the accents that NFKD splits off
			return -1
		}
		return r
	}, norm.NFKD.String(strings.ToLower(name)))
	slug := strings.Trim(slugBreaks.ReplaceAllString(plain, "-"), "-")
	if len(slug) > models.MaxSlug-5 {
		slug = strings.Trim(slug[:models.MaxSlug-5], "-")
	}
	return slug
}

// createOrganization inserts the organization and its endpoints. Its event is
// for the caller to emit, once the first member is there.
func (s *Store) createOrganization(tx *database.Tx, n models.NewOrganization, actor models.Actor) (*models.Organization, []webhook.Secret, error) {
	now := s.clock.Now()
	org := &models.Organization{ID: s.clock.NewID(models.PrefixOrganization, now), Name: n.Name, CreatedAt: now, UpdatedAt: now}
	if n.ExternalID != "" {
		org.ExternalID = &n.ExternalID
		// Asked first, so that a slug's conflict below can't be mistaken for it.
		if err := externalIDFree(tx, n.ExternalID); err != nil {
			return nil, nil, err
		}
	}
	if err := s.takeSlug(tx, org, n.Slug); err != nil {
		return nil, nil, err
	}
	if err := s.db.Audit(tx, actor, org.ID, "organization.created", org.ID, org.Name, ""); err != nil {
		return nil, nil, err
	}
	tenant := &Tenant{store: s, org: org, actor: actor}
	secrets := make([]webhook.Secret, len(n.Endpoints))
	for i, input := range n.Endpoints {
		_, secret, err := tenant.createEndpoint(tx, input)
		if err != nil {
			return nil, nil, err
		}
		secrets[i] = secret
	}
	return org, secrets, nil
}

// externalIDFree refuses an external id that another organization has.
func externalIDFree(tx *database.Tx, id string) error {
	_, err := database.Find[models.Organization](tx.Where("external_id = ?", id), "organization")
	switch {
	case err == nil:
		return models.NewConflict("external_id_taken", "There is an organization with this external id already.")
	case models.IsKind(err, models.NotFound):
		return nil
	}
	return err
}

// takeSlug inserts the organization under a slug that was never given. One
// that was asked for and is taken is Invalid; a made one gets a number.
func (s *Store) takeSlug(tx *database.Tx, org *models.Organization, asked string) error {
	base := asked
	if base == "" {
		base = slugFrom(org.Name)
	}
	if base == "" {
		base = "org"
	}
	var taken []string
	if err := tx.Table("slugs").Where("slug = ? OR slug LIKE ?", base, base+"-%").Pluck("slug", &taken).Error; err != nil {
		return err
	}
	used := make(map[string]bool, len(taken))
	for _, slug := range taken {
		used[slug] = true
	}
	if asked != "" && used[asked] {
		return slugTaken()
	}
	org.Slug = base
	for n := 2; used[org.Slug]; n++ {
		org.Slug = base + "-" + strconv.Itoa(n)
	}
	if err := tx.Create(org).Error; err != nil {
		return duplicateIsConflict(err, "Someone took this name at the same moment. Try again.")
	}
	return insertSlug(tx, org.ID, org.Slug, org.CreatedAt)
}

// insertSlug keeps the slug for ever.
func insertSlug(tx *database.Tx, organizationID, slug string, now time.Time) error {
	row := map[string]any{"slug": slug, "organization_id": organizationID, "created_at": now}
	return duplicateIsConflict(tx.Table("slugs").Create(row).Error, "Someone took this name at the same moment. Try again.")
}

func slugTaken() error {
	return models.InvalidField("slug", "This slug is taken, or was once. Choose another.")
}

func duplicateIsConflict(err error, message string) error {
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return models.NewConflict("taken", message)
	}
	return err
}

// Person is a signed-in user's view of the store: their own account, and the
// organizations that they are a member of.
type Person struct {
	store *Store
	user  *models.User
	actor models.Actor
	condition

	provedAt time.Time // who they are; zero is never
}

// As returns the store as one user sees it.
func (s *Store) As(user *models.User, actor models.Actor) *Person {
	return &Person{store: s, user: user, actor: actor.As(user)}
}

// User returns the person's account.
func (p *Person) User() *models.User { return p.user }

// Organizations lists the person's organizations by name.
func (p *Person) Organizations(ctx context.Context) ([]models.Membership, error) {
	var list []models.Membership
	err := p.memberships(ctx).Order("organizations.name, organizations.id").Find(&list).Error
	return list, err
}

func (p *Person) memberships(ctx context.Context) *gorm.DB {
	return p.store.db.WithContext(ctx).Table("organizations").Select(database.OrgColumns+", members.role").
		Joins("JOIN members ON members.organization_id = organizations.id").
		Where("members.user_id = ? AND organizations.deleted_at IS NULL", p.user.ID)
}

// Tenant returns the Tenant of one organization, by its slug. It is NotFound if
// the organization is unknown or the person is not a member. It is Forbidden,
// with CodeTwoFactor, if the organization requires a second factor that the
// person lacks.
func (p *Person) Tenant(ctx context.Context, slug string) (*Tenant, models.Role, error) {
	m, err := database.Find[models.Membership](p.memberships(ctx).Where("organizations.slug = ?", slug), "organization")
	if err != nil {
		return nil, "", err
	}
	if m.RequireTwoFactor {
		second, err := p.store.asksSecondFactor(ctx, p.user.ID)
		if err != nil {
			return nil, "", err
		}
		if !second {
			return nil, "", &models.Error{Kind: models.Forbidden, Code: models.CodeTwoFactor, Message: "This organization asks for two-factor sign-in. Set it up first."}
		}
	}
	return (&Tenant{store: p.store, org: &m.Organization, actor: p.actor}).readBy(m.Role), m.Role, nil
}

// CreateOrganization makes an organization that the person owns. It makes one for
// each form.
func (p *Person) CreateOrganization(ctx context.Context, name string) (*models.Organization, error) {
	n := models.NewOrganization{Name: name}
	if err := n.Check(); err != nil {
		return nil, err
	}
	var org *models.Organization
	err := p.store.transaction(once(ctx), func(tx *database.Tx) (err error) {
		if org, _, err = p.store.createOrganization(tx, n, p.actor); err != nil {
			return err
		}
		makes(tx, org.ID, "")
		added, err := p.store.addMember(tx, org, p.user, models.RoleOwner, nil, p.actor)
		if err != nil {
			return err
		}
		return p.store.engine.EmitAll(tx, organizationCreated(org, p.actor), added)
	})
	if before := earlier(err); before != nil {
		return database.Find[models.Organization](p.store.db.WithContext(ctx).Where("id = ? AND deleted_at IS NULL", before.made), "organization")
	}
	return org, err
}

func newOrganizationData(o *models.Organization) organizationData {
	return organizationData{o.ID, o.Name, o.Slug}
}
