package store

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"

	"gorm.io/gorm"

	"hookwell/models"
	"hookwell/models/database"
)

// Sources lists the sources that are not deleted, by age, each with how many
// secrets it has.
func (r *Receiving) Sources(ctx context.Context) ([]models.Source, error) {
	var list []models.Source
	if err := r.rows(ctx).Where("deleted_at IS NULL").Order("id").Find(&list).Error; err != nil {
		return nil, fmt.Errorf("listing sources: %w", err)
	}
	return list, r.complete(ctx, list)
}

// Source reads one source that is not deleted.
func (r *Receiving) Source(ctx context.Context, id string) (*models.Source, error) {
	s, err := r.source(r.rows(ctx), id)
	if err != nil {
		return nil, err
	}
	list := []models.Source{*s}
	return &list[0], r.complete(ctx, list)
}

func (r *Receiving) source(scoped *gorm.DB, id string) (*models.Source, error) {
	return database.Find[models.Source](scoped.Where("id = ? AND deleted_at IS NULL", id), "source")
}

// complete fills what sources show of other tables, and the paths of their URLs
// for who may see them.
func (r *Receiving) complete(ctx context.Context, list []models.Source) error {
	if len(list) == 0 {
		return nil
	}
	ids := make([]string, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	var counts []struct {
		SourceID string
		Secrets  int
	}
	err := r.rows(ctx).Model(&models.SourceSecret{}).Select("source_id, count(*) AS secrets").Where("source_id IN ? AND (ended_at IS NULL OR ended_at > ?)", ids, r.store.clock.Now()).
		Group("source_id").Scan(&counts).Error
	if err != nil {
		return fmt.Errorf("counting secrets: %w", err)
	}
	for i := range list {
		for _, c := range counts {
			if c.SourceID == list[i].ID {
				list[i].Secrets = c.Secrets
			}
		}
		if r.hides {
			continue
		}
		if token, err := r.store.vault.Open(list[i].ID, list[i].Token); err == nil {
			list[i].Path = models.ReceivePath + string(token)
		}
	}
	return nil
}

// tokenEncoding writes a token in lower case without what is easily mistaken.
var tokenEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// newToken gives a source a new URL: 160 random bits.
func (s *Store) newToken(row *models.Source) string {
	var bits [20]byte
	rand.Read(bits[:]) // which never fails
	token := tokenEncoding.EncodeToString(bits[:])
	row.TokenHash, row.Token = models.HashToken(token), s.vault.Seal(row.ID, []byte(token))
	return token
}

// CreateSource makes a source with its secrets. It makes one for each form. It is
// a Conflict if there are as many sources as there may be, and Invalid at its
// fields otherwise.
func (r *Receiving) CreateSource(ctx context.Context, in models.SourceInput) (*models.Source, error) {
	row, secrets, err := r.newSource(in)
	if err != nil {
		return nil, err
	}
	err = r.store.transaction(once(ctx), func(tx *database.Tx) error {
		if err := r.roomForSource(tx, row); err != nil {
			return err
		}
		makes(tx, row.ID, "")
		if err := tx.Create(row).Error; err != nil {
			return fmt.Errorf("creating the source: %w", err)
		}
		if err := database.CreateAll(tx.DB, secrets); err != nil {
			return fmt.Errorf("saving the source's secrets: %w", err)
		}
		return r.audit(tx, "source.created", row.ID, row.Name, row.Provider+", "+row.Slug)
	})
	id := row.ID
	if before := earlier(err); before != nil {
		id, err = before.made, nil
	}
	if err != nil {
		return nil, err
	}
	return r.Source(ctx, id)
}

// newSource checks the input and makes the rows.
func (r *Receiving) newSource(in models.SourceInput) (*models.Source, []*models.SourceSecret, error) {
	now := r.store.clock.Now()
	row := &models.Source{ID: r.store.clock.NewID(models.PrefixSource, now), OrganizationID: r.owner, Provider: in.Provider, CreatedAt: now, UpdatedAt: now, Revision: 1}
	faults := r.store.checkSource(&in)
	slug, slugFaults := r.store.checkSlug(in)
	faults = append(faults, slugFaults...)
	row.Slug = slug
	applySource(row, in)
	verifier, schemeFaults := r.store.compile(row)
	faults = append(faults, schemeFaults...)
	secrets, secretFaults := r.newSecrets(row, verifier, in.Secrets)
	if faults = append(faults, secretFaults...); len(faults) > 0 {
		return nil, nil, models.NewInvalid(faults)
	}
	if in.Enabled != nil && !*in.Enabled {
		row.DisabledAt, row.DisabledBy = &now, r.actor.Title()
	}
	r.store.newToken(row)
	return row, secrets, nil
}

// roomForSource refuses a source beyond the limit and a slug that is taken. Under
// the lock nobody else adds one meanwhile.
func (r *Receiving) roomForSource(tx *database.Tx, row *models.Source) error {
	if err := r.store.db.Dialect.Serialize(tx.DB, database.SourceLock); err != nil {
		return fmt.Errorf("locking sources: %w", err)
	}
	var have, taken int64
	if err := r.within(tx.DB).Model(&models.Source{}).Where("deleted_at IS NULL").Count(&have).Error; err != nil {
		return fmt.Errorf("counting sources: %w", err)
	}
	if have >= models.MaxSources {
		return models.NewConflict("too_many_sources", fmt.Sprintf("The limit of sources is %d. Delete one that is no longer used.", models.MaxSources))
	}
	same := tx.Model(&models.Source{}).Where("slug = ? AND deleted_at IS NULL", row.Slug)
	if r.owner != "" { // one of the installation sends to every organization
		same = same.Where("organization_id IN ?", []string{r.owner, ""})
	}
	if err := same.Count(&taken).Error; err != nil {
		return fmt.Errorf("looking for the slug: %w", err)
	}
	if taken > 0 {
		return models.InvalidField("slug", "There is a source with this slug already. Choose another one.")
	}
	return nil
}
