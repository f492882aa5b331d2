package store

import (
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

func newOrganizationData(o *models.Organization) organizationData {
	return organizationData{o.ID, o.Name, o.Slug}
}
