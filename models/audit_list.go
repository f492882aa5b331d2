package models

import (
	"context"
	"fmt"
	"iter"
	"time"

	"gorm.io/gorm"
)

// AuditFilter narrows the audit log. Zero fields let everything pass. Since
// and Until bound when something was done, the first included.
type AuditFilter struct {
	ActorID  string
	By       ActorKind
	Action   string
	TargetID string
	Since    time.Time
	Until    time.Time
}

func (f AuditFilter) apply(query *gorm.DB) *gorm.DB {
	for column, value := range map[string]string{"actor_id": f.ActorID, "actor_kind": string(f.By), "action": f.Action, "target_id": f.TargetID} {
		if value != "" {
			query = query.Where(column+" = ?", value)
		}
	}
	if !f.Since.IsZero() {
		query = query.Where("id >= ?", lowestID(PrefixAudit, f.Since))
	}
	if !f.Until.IsZero() {
		query = query.Where("id < ?", lowestID(PrefixAudit, f.Until))
	}
	return query
}

// ActorKinds lists every kind of actor in the order in which pages show them.
func ActorKinds() []ActorKind {
	return []ActorKind{ActorUser, ActorKey, ActorPortal, ActorOperator, ActorSystem, ActorVisitor}
}

// Audit lists what was done in the organization, the newest first.
func (t *Tenant) Audit(ctx context.Context, filter AuditFilter, page Page) ([]AuditEntry, string, error) {
	query, err := page.apply(filter.apply(t.rows(ctx)), PrefixAudit)
	if err != nil {
		return nil, "", err
	}
	entries, next, err := paged(query, page, func(e *AuditEntry) string { return e.ID })
	if err != nil {
		return nil, "", fmt.Errorf("reading the audit log: %w", err)
	}
	return entries, next, nil
}

// AuditAll goes through all that Audit lists, a page at a time, so that
// however long a log takes little memory. After an error it ends.
func (t *Tenant) AuditAll(ctx context.Context, filter AuditFilter) iter.Seq2[AuditEntry, error] {
	return func(yield func(AuditEntry, error) bool) {
		page := Page{Limit: MaxLimit}
		for {
			entries, next, err := t.Audit(ctx, filter, page)
			if err != nil {
				yield(AuditEntry{}, err)
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

// NoteRefusal records that the actor was refused something for want of a role
// or a scope: what they tried, and why not.
func (t *Tenant) NoteRefusal(ctx context.Context, tried, why string) error {
	return t.store.transaction(ctx, func(tx *Tx) error {
		return t.audit(tx, "access.refused", t.org.ID, tried, why)
	})
}
