package store

import (
	"context"
	"fmt"

	"hookwell/models/database"
)

// sealedColumn is where the database keeps what the vault sealed, and whose.
type sealedColumn struct{ table, column, owner string }

var sealedColumns = []sealedColumn{
	{"endpoint_secrets", "sealed", "endpoint_id"},
	{"endpoints", "headers", "id"},
	{"two_factors", "sealed", "id"},
	{"mail_messages", "sealed", "id"},
	{"source_secrets", "sealed", "source_id"},
	{"sources", "token", "id"},
	{"sources", "earlier_token", "id"},
}

// sealedRow is one value that another key than the first sealed.
type sealedRow struct {
	ID     string
	Owner  string
	Sealed []byte
}

// rekeyBatch is how many rows one transaction seals anew: few enough that
// nobody waits long for its locks.
const rekeyBatch = 100

// RekeySecrets seals with the first key of HOOKWELL_SECRET_KEY all values that
// another key sealed, in small transactions while servers run, and returns how
// many it changed. It leaves values that no key opens, and its error says how
// many those are. Run it again to continue.
func (p *Platform) RekeySecrets(ctx context.Context) (int, error) {
	changed, locked := 0, 0
	var cause error
	for _, column := range sealedColumns {
		for after, more := "", true; more; {
			var batch rekeyed
			err := p.store.transaction(ctx, func(tx *database.Tx) (err error) {
				batch, err = p.rekey(tx, column, after)
				return err
			})
			if err != nil {
				return changed, fmt.Errorf("sealing %s anew: %w", column.table, err)
			}
			changed, locked = changed+batch.changed, locked+batch.locked
			if batch.cause != nil {
				cause = batch.cause
			}
			after, more = batch.last, batch.last != ""
		}
	}
	if locked > 0 {
		return changed, fmt.Errorf("%d could not be opened and stay as they are, such as: %w", locked, cause)
	}
	return changed, nil
}

// rekeyed is what came of one batch. last is the id to go on after, empty when
// there is nothing more.
type rekeyed struct {
	changed, locked int
	cause           error
	last            string
}

// rekey seals one batch anew. Its rows are locked from reading to writing, in
// the order of their ids, so that nothing that is saved meanwhile is lost.
func (p *Platform) rekey(tx *database.Tx, c sealedColumn, after string) (batch rekeyed, err error) {
	mark := p.store.vault.Mark()
	var rows []sealedRow
	query := fmt.Sprintf(`SELECT id, %[2]s AS owner, %[3]s AS sealed FROM %[1]s
		WHERE id > ? AND length(%[3]s) > 0 AND substr(%[3]s, 1, ?) <> ? ORDER BY id LIMIT ? %[4]s`,
		c.table, c.owner, c.column, p.store.db.Dialect.ForUpdate(false))
	if err := tx.Raw(query, after, len(mark), mark, rekeyBatch).Scan(&rows).Error; err != nil || len(rows) == 0 {
		return batch, err
	}
	batch.last = rows[len(rows)-1].ID
	fresh := make([][]any, 0, len(rows))
	for _, row := range rows {
		plain, err := p.store.vault.Open(row.Owner, row.Sealed)
		if err != nil {
			batch.locked, batch.cause = batch.locked+1, fmt.Errorf("%s of %s: %w", c.column, row.ID, err)
			continue
		}
		fresh = append(fresh, []any{row.ID, p.store.vault.Seal(row.Owner, plain)})
	}
	if batch.changed = len(fresh); len(fresh) == 0 {
		return batch, nil
	}
	list, parameters := database.Values(p.store.db.Dialect, []database.ValueKind{database.TextValue, database.BytesValue}, fresh)
	update := fmt.Sprintf("WITH fresh(id, sealed) AS (%[1]s) UPDATE %[2]s SET %[3]s = fresh.sealed FROM fresh WHERE %[2]s.id = fresh.id", list, c.table, c.column)
	if err := tx.Exec(update, parameters...).Error; err != nil {
		return batch, err
	}
	details := fmt.Sprintf("%d of %s", len(fresh), c.table)
	return batch, p.store.db.Audit(tx, p.actor, "", "secrets.rekeyed", p.store.vault.Primary, "HOOKWELL_SECRET_KEY", details)
}
