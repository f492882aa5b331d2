package store

import (
	"context"
	"fmt"
	"iter"

	"gorm.io/gorm"

	"hookwell/models"
	"hookwell/models/database"
)

func filterAudit(f models.AuditFilter, query *gorm.DB) *gorm.DB {
	for column, value := range map[string]string{"actor_id": f.ActorID, "actor_kind": string(f.By), "action": f.Action, "target_id": f.TargetID} {
		if value != "" {
			query = query.Where(column+" = ?", value)
		}
	}
	return database.CreatedBetween(query, "id", models.PrefixAudit, f.Since, f.Until)
}

// Audit lists the organization's audit rows, newest first. A limit out of range, or
// a cursor that is none of this list's, is Invalid.
func (t *Tenant) Audit(ctx context.Context, filter models.AuditFilter, page models.Page) ([]models.AuditEntry, string, error) {
	query, err := database.Paginate(page, filterAudit(filter, t.rows(ctx)), models.PrefixAudit)
	if err != nil {
		return nil, "", err
	}
	entries, next, err := database.Paged(query, page, func(e *models.AuditEntry) string { return e.ID })
	if err != nil {
		return nil, "", fmt.Errorf("reading the audit log: %w", err)
	}
	return entries, next, nil
}

// AuditAll iterates over all rows that Audit lists, one page at a time, so that a
// long log takes little memory. It stops after an error.
func (t *Tenant) AuditAll(ctx context.Context, filter models.AuditFilter) iter.Seq2[models.AuditEntry, error] {
	return func(yield func(models.AuditEntry, error) bool) {
		page := models.Page{Limit: models.MaxLimit}
		for {
			entries, next, err := t.Audit(ctx, filter, page)
			if err != nil {
				yield(models.AuditEntry{}, err)
				return
			}
			for _, entry := range entries {
				if !yield(entry, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			page.Cursor = next
		}
	}
}

// NoteRefusal records that the actor lacked a role or a scope: what they tried,
// and why it was refused.
func (t *Tenant) NoteRefusal(ctx context.Context, tried, why string) error {
	return t.store.transaction(ctx, func(tx *database.Tx) error {
		return t.audit(tx, "access.refused", t.org.ID, tried, why)
	})
}
