package store

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm/clause"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/webhook"
)

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
	r.forgetAfter(tx, *row)
	return row, r.check(row.Version())
}

// changedSources are sources as they were before a transaction changed them.
type changedSources []models.Source

// forgetAfter has this process receive by the source as it is once it is committed. The
// URLs are those from before: nothing is in memory of new ones.
func (r *Receiving) forgetAfter(tx *database.Tx, before models.Source) {
	changed := database.NoteIn(tx, func(all *changedSources) {
		for i := range *all {
			r.store.engine.ForgetSource(&(*all)[i])
		}
	})
	*changed = append(*changed, before)
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
