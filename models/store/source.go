package store

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/models/database"
	"hookwell/webhook"
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

// newSecrets checks and seals secrets of a source.
func (r *Receiving) newSecrets(row *models.Source, verifier *inbound.Verifier, texts []string) (rows []*models.SourceSecret, faults webhook.Faults) {
	if len(texts) > models.MaxSourceSecrets {
		return nil, webhook.Faults{{Field: "secrets", Message: fmt.Sprintf("A source has at most %d secrets.", models.MaxSourceSecrets)}}
	}
	if verifier == nil {
		return nil, nil
	}
	for i, text := range texts {
		sealed, err := r.newSecret(row, verifier, text)
		if err != nil {
			faults = append(faults, webhook.Fault{Field: fmt.Sprintf("secrets.%d", i), Message: err.Error()})
			continue
		}
		rows = append(rows, sealed)
	}
	return rows, faults
}

// told is an error that is a sentence for people.
type told string

func (t told) Error() string { return string(t) }

// newSecret checks and seals one secret. Its error is for people.
func (r *Receiving) newSecret(row *models.Source, verifier *inbound.Verifier, text string) (*models.SourceSecret, error) {
	if len(text) > models.MaxSourceSecret {
		return nil, told(fmt.Sprintf("A secret has at most %d bytes.", models.MaxSourceSecret))
	}
	secret, err := verifier.ParseSecret(text)
	if err != nil {
		return nil, err
	}
	plain, now := secret.Reveal(), r.store.clock.Now()
	return &models.SourceSecret{ID: r.store.clock.NewID(models.PrefixSecret, now), SourceID: row.ID, OrganizationID: r.owner, Sealed: r.store.vault.Seal(row.ID, []byte(plain)),
		Hint: secretHint(plain), CreatedBy: r.actor.Name, CreatedAt: now}, nil
}

// secretHint returns so little of a secret that it tells which one it is, and
// nothing of a short one.
func secretHint(plain string) string {
	if len(plain) < 16 {
		return ""
	}
	return strings.ToValidUTF8(plain[len(plain)-4:], "")
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

// UpdateSource applies change to the source and saves the result. Slug and
// provider stay as they are. It fails with Outdated if the version isn't the one
// that If asks for.
func (r *Receiving) UpdateSource(ctx context.Context, id string, change func(*models.SourceInput) error) (*models.Source, error) {
	err := r.store.transaction(ctx, func(tx *database.Tx) error {
		row, err := r.lockSource(tx, id)
		if err != nil {
			return err
		}
		in := row.Input()
		if err := change(&in); err != nil {
			return err
		}
		faults := r.store.checkSource(&in)
		if in.Slug != row.Slug {
			faults = append(faults, webhook.Fault{Field: "slug", Message: "A slug never changes: endpoints subscribe by it."})
		}
		if in.Provider != row.Provider {
			faults = append(faults, webhook.Fault{Field: "provider", Message: "A source stays with its provider. Make another source."})
		}
		applySource(row, in)
		_, schemeFaults := r.store.compile(row)
		if faults = append(faults, schemeFaults...); len(faults) > 0 {
			return models.NewInvalid(faults)
		}
		if in.Enabled != nil && *in.Enabled != row.Enabled() {
			r.enable(row, *in.Enabled)
		}
		row.FormVersion++
		return r.saveSource(tx, row, "source.updated", "")
	})
	if err != nil {
		return nil, err
	}
	return r.Source(ctx, id)
}

// lockSource reads a source for a change, if it is the version that is asked for.
func (r *Receiving) lockSource(tx *database.Tx, id string) (*models.Source, error) {
	row, err := r.source(r.within(tx.DB).Clauses(clause.Locking{Strength: "UPDATE"}), id)
	if err != nil {
		return nil, err
	}
	return row, r.check(row.Version())
}

// saveSource writes a locked row. Its revision rises, so that no request is
// accepted by what it was before.
func (r *Receiving) saveSource(tx *database.Tx, row *models.Source, action, details string) error {
	row.UpdatedAt, row.Revision = database.StrictlyAfter(r.store.clock.Now(), row.UpdatedAt), row.Revision+1
	if err := tx.Model(&models.Source{}).Where("id = ?", row.ID).Select("*").Omit("first_verified_at").Updates(row).Error; err != nil {
		return fmt.Errorf("saving the source: %w", err)
	}
	return r.audit(tx, action, row.ID, row.Name, details)
}

func (r *Receiving) enable(row *models.Source, enabled bool) {
	if row.DisabledAt, row.DisabledBy = nil, ""; !enabled {
		now := r.store.clock.Now()
		row.DisabledAt, row.DisabledBy = &now, r.actor.Title()
	}
}

// changeSource changes a locked source.
func (r *Receiving) changeSource(ctx context.Context, id, action string, change func(tx *database.Tx, row *models.Source) (details string, err error)) (*models.Source, error) {
	err := r.store.transaction(once(ctx), func(tx *database.Tx) error {
		row, err := r.lockSource(tx, id)
		if err != nil {
			return err
		}
		details, err := change(tx, row)
		if err != nil {
			return err
		}
		return r.saveSource(tx, row, action, details)
	})
	if err := unlessTaken(err); err != nil {
		return nil, err
	}
	return r.Source(ctx, id)
}

// PauseSource has the source refuse every request with 429, which providers
// repeat.
func (r *Receiving) PauseSource(ctx context.Context, id string) (*models.Source, error) {
	return r.changeSource(ctx, id, "source.paused", func(_ *database.Tx, row *models.Source) (string, error) {
		r.enable(row, false)
		return "", nil
	})
}

// ResumeSource has a paused source take requests again.
func (r *Receiving) ResumeSource(ctx context.Context, id string) (*models.Source, error) {
	return r.changeSource(ctx, id, "source.resumed", func(_ *database.Tx, row *models.Source) (string, error) {
		r.enable(row, true)
		return "", nil
	})
}

// RotateURL gives the source a new URL. The present one goes on working for some
// hours; 0 ends it at once. The one before it ends.
func (r *Receiving) RotateURL(ctx context.Context, id string, overlapHours int) (*models.Source, error) {
	if overlapHours < 0 || overlapHours > models.MaxTokenOverlap {
		return nil, models.InvalidField("overlapHours", fmt.Sprintf("Choose 0 to %d hours.", models.MaxTokenOverlap))
	}
	return r.changeSource(ctx, id, "source.url_rotated", func(_ *database.Tx, row *models.Source) (string, error) {
		row.EarlierHash, row.EarlierToken, row.EarlierUntil = nil, nil, nil
		if overlapHours > 0 {
			until := r.store.clock.Now().Add(time.Duration(overlapHours) * time.Hour)
			row.EarlierHash, row.EarlierToken, row.EarlierUntil = row.TokenHash, row.Token, &until
		}
		r.store.newToken(row)
		return fmt.Sprintf("overlap %d h", overlapHours), nil
	})
}

// DeleteSource deletes a source with its secrets. What it took in stays in the
// log, and what waits is still turned into events.
func (r *Receiving) DeleteSource(ctx context.Context, id string) error {
	return unlessTaken(r.store.transaction(once(ctx), func(tx *database.Tx) error {
		row, err := r.lockSource(tx, id)
		if err != nil {
			return err
		}
		now := r.store.clock.Now()
		row.DeletedAt, row.EarlierHash, row.EarlierToken, row.EarlierUntil = &now, nil, nil, nil
		r.store.newToken(row) // which nobody knows
		if err := tx.Where("source_id = ?", row.ID).Delete(&models.SourceSecret{}).Error; err != nil {
			return fmt.Errorf("deleting the source's secrets: %w", err)
		}
		return r.saveSource(tx, row, "source.deleted", "")
	}))
}

// SourceSecrets lists a source's secrets, newest first, ended ones included. Their
// texts are never shown again.
func (r *Receiving) SourceSecrets(ctx context.Context, id string) ([]models.SourceSecret, error) {
	var list []models.SourceSecret
	err := r.rows(ctx).Where("source_id = ?", id).Order("id DESC").Find(&list).Error
	return list, err
}

// AddSourceSecret adds a secret beside those that are there. With endOthers these end
// after so many hours; 0 is now.
func (r *Receiving) AddSourceSecret(ctx context.Context, id, text string, endOthers *int) (*models.Source, error) {
	if endOthers != nil && (*endOthers < 0 || *endOthers > models.MaxTokenOverlap) {
		return nil, models.InvalidField("overlapHours", fmt.Sprintf("Choose 0 to %d hours.", models.MaxTokenOverlap))
	}
	return r.changeSource(ctx, id, "source.secret_added", func(tx *database.Tx, row *models.Source) (string, error) {
		var have int64
		if err := r.within(tx.DB).Model(&models.SourceSecret{}).Where("source_id = ? AND (ended_at IS NULL OR ended_at > ?)", id, r.store.clock.Now()).Count(&have).Error; err != nil {
			return "", fmt.Errorf("counting secrets: %w", err)
		}
		if have >= models.MaxSourceSecrets {
			return "", models.InvalidField("secret", fmt.Sprintf("A source has at most %d secrets. End one first.", models.MaxSourceSecrets))
		}
		verifier, faults := r.store.compile(row)
		if len(faults) > 0 {
			return "", models.NewInvalid(faults)
		}
		secret, err := r.newSecret(row, verifier, text)
		if err != nil {
			return "", models.InvalidField("secret", err.Error())
		}
		if endOthers != nil {
			at := r.store.clock.Now().Add(time.Duration(*endOthers) * time.Hour)
			others := r.within(tx.DB).Model(&models.SourceSecret{}).Where("source_id = ? AND (ended_at IS NULL OR ended_at > ?)", id, at)
			if err := others.UpdateColumn("ended_at", at).Error; err != nil {
				return "", fmt.Errorf("ending earlier secrets: %w", err)
			}
		}
		return "", tx.Create(secret).Error
	})
}

// EndSourceSecret has a secret verify nothing any more after some hours; 0 is now.
func (r *Receiving) EndSourceSecret(ctx context.Context, id, secretID string, hours int) (*models.Source, error) {
	if hours < 0 || hours > models.MaxTokenOverlap {
		return nil, models.InvalidField("overlapHours", fmt.Sprintf("Choose 0 to %d hours.", models.MaxTokenOverlap))
	}
	at := r.store.clock.Now().Add(time.Duration(hours) * time.Hour)
	return r.setSecretEnd(ctx, id, secretID, "source.secret_ended", &at)
}

// RestoreSourceSecret has a secret verify again that has ended, or is about to.
func (r *Receiving) RestoreSourceSecret(ctx context.Context, id, secretID string) (*models.Source, error) {
	return r.setSecretEnd(ctx, id, secretID, "source.secret_restored", nil)
}

func (r *Receiving) setSecretEnd(ctx context.Context, id, secretID, action string, at *time.Time) (*models.Source, error) {
	return r.changeSource(ctx, id, action, func(tx *database.Tx, _ *models.Source) (string, error) {
		secret, err := database.Find[models.SourceSecret](r.within(tx.DB).Where("id = ? AND source_id = ?", secretID, id), "secret")
		if err != nil {
			return "", err
		}
		return secret.Hint, tx.Model(&models.SourceSecret{}).Where("id = ?", secret.ID).UpdateColumn("ended_at", at).Error
	})
}

// SourceSummary reads one source that is not deleted, with what it took in within 24
// hours.
func (r *Receiving) SourceSummary(ctx context.Context, id string) (*models.SourceSummary, error) {
	source, err := r.Source(ctx, id)
	if err != nil {
		return nil, err
	}
	list, err := r.summarize(ctx, []models.Source{*source})
	if err != nil {
		return nil, err
	}
	return &list[0], nil
}

// SourceSummaries lists the sources with what they took in within 24 hours.
func (r *Receiving) SourceSummaries(ctx context.Context) ([]models.SourceSummary, error) {
	sources, err := r.Sources(ctx)
	if err != nil || len(sources) == 0 {
		return nil, err
	}
	return r.summarize(ctx, sources)
}

func (r *Receiving) summarize(ctx context.Context, sources []models.Source) (_ []models.SourceSummary, err error) {
	list, ids := make([]models.SourceSummary, len(sources)), make([]string, len(sources))
	for i := range sources {
		list[i].Source, ids[i] = sources[i], sources[i].ID
	}
	now := r.store.clock.Now()
	since := now.Add(-models.Day)
	var accepted []struct {
		SourceID string
		Accepted int
		Failed   int
	}
	err = r.rows(ctx).Model(&models.Request{}).Select("source_id, count(*) AS accepted, sum(CASE WHEN processing = 'failed' THEN 1 ELSE 0 END) AS failed").
		Where("source_id IN ? AND id >= ?", ids, database.LowestID(models.PrefixRequest, since)).Group("source_id").Scan(&accepted).Error
	if err != nil {
		return nil, fmt.Errorf("counting requests: %w", err)
	}
	var refused []struct {
		SourceID string
		Refused  int
	}
	err = r.rows(ctx).Table("refused_counts").Select("source_id, sum(count) AS refused").Where("source_id IN ? AND minute >= ?", ids, since.Truncate(time.Minute).Unix()).
		Group("source_id").Scan(&refused).Error
	if err != nil {
		return nil, fmt.Errorf("counting refused requests: %w", err)
	}
	last, err := r.lastRequests(ctx, ids)
	if err != nil {
		return nil, err
	}
	for i := range list {
		for _, a := range accepted {
			if a.SourceID == ids[i] {
				list[i].Accepted, list[i].Failed = a.Accepted, a.Failed
			}
		}
		for _, c := range refused {
			if c.SourceID == ids[i] {
				list[i].Refused = c.Refused
			}
		}
		if at, ok := last[ids[i]]; ok {
			list[i].LastRequestAt = &at
		}
	}
	return list, nil
}

// lastRequests returns when each source got its last request, refused ones
// included.
func (r *Receiving) lastRequests(ctx context.Context, sourceIDs []string) (map[string]time.Time, error) {
	found := map[string]time.Time{}
	for _, table := range []string{"requests", "refused_requests"} {
		var rows []struct{ SourceID, Last string }
		err := r.rows(ctx).Table("sources").Select("id AS source_id, (SELECT max(x.id) FROM "+table+" x WHERE x.source_id = sources.id) AS last").
			Where("id IN ?", sourceIDs).Where("EXISTS (SELECT 1 FROM " + table + " x WHERE x.source_id = sources.id)").Scan(&rows).Error
		if err != nil {
			return nil, fmt.Errorf("looking for the last requests: %w", err)
		}
		for _, row := range rows {
			if at := database.IDTime(row.Last); at.After(found[row.SourceID]) {
				found[row.SourceID] = at
			}
		}
	}
	return found, nil
}

// slugPattern is what a slug looks like.
func validSlug(slug string) bool {
	return slug != "" && len(slug) <= models.MaxSourceSlug && !slices.ContainsFunc([]byte(slug), func(b byte) bool {
		return (b < 'a' || b > 'z') && (b < '0' || b > '9') && b != '_'
	})
}
