package pipeline

import (
	"fmt"
	"time"

	"gorm.io/gorm"

	"hookwell/models"
	"hookwell/models/database"
)

// precondition is what must still hold for what was prepared in memory.
type precondition struct {
	organizationIDs []string
	versions        []int64
	keyIDs          []string // none of them revoked
}

// written is what came of writing events in one statement.
type written struct {
	ok    bool     // what they were prepared by still stands; otherwise nothing was written
	taken []string // ids of events that were not written: their idempotency keys are taken
}

// writeIfUnchanged has nothing to gain on SQLite, where a round trip is a call.
func (sqliteStatements) writeIfUnchanged(*gorm.DB, *database.Clock, *fanOut, precondition) (written, error) {
	return written{}, nil
}

// writeIfUnchanged is a transaction in one statement: the check, idempotency
// keys, events, deliveries and work.
func (d postgresStatements) writeIfUnchanged(db *gorm.DB, c *database.Clock, f *fanOut, p precondition) (written, error) {
	w := &acceptStatement{text: `WITH unchanged AS MATERIALIZED (SELECT
		(SELECT count(*) FROM organization_versions v JOIN unnest(?::text[], ?::bigint[]) AS k(id, version) ON v.organization_id = k.id AND v.version = k.version) = ?
		AND (SELECT count(*) FROM api_keys WHERE id = ANY(?) AND revoked_at IS NULL) = ? AS ok)`,
		parameters: []any{&p.organizationIDs, &p.versions, len(p.organizationIDs), &p.keyIDs, len(p.keyIDs)}}
	result := " SELECT ok, '' FROM unchanged"
	if len(f.keys) > 0 {
		insert, parameters, err := database.Insertion(db, database.RowsOf(f.keys))
		if err != nil {
			return written{}, err
		}
		w.holdKeys(insert, parameters, f.keys)
		result = " SELECT ok, coalesce(event_id, '') FROM unchanged LEFT JOIN taken ON true"
	}
	insert, parameters, err := database.Insertion(db, database.RowsOf(f.events))
	if err != nil {
		return written{}, err
	}
	w.insert("new_events", insert, "id", parameters)
	if len(f.deliveries) > 0 {
		if insert, parameters, err = database.Insertion(db, database.RowsOf(f.deliveries)); err != nil {
			return written{}, err
		}
		w.insert("new_deliveries", insert, "event_id", parameters)
		insert, parameters = d.insertWork(c, f)
		w.insert("new_work", insert, "event_id", parameters)
	}
	w.text += result
	return w.run(db)
}

// acceptStatement is the text and the parameters of a statement that accepts events.
type acceptStatement struct {
	text       string
	parameters []any
	keyed      bool // some of the events have an idempotency key
}

// holdKeys inserts the keys that are free. It waits for a key that another
// transaction holds; one that has expired is left to the transaction that reads.
func (w *acceptStatement) holdKeys(insert string, parameters []any, keys []*IdempotencyKey) {
	ids := make([]string, len(keys))
	for i, key := range keys {
		ids[i] = key.EventID
	}
	w.text += ", held AS (" + insert + ` WHERE (SELECT ok FROM unchanged) ON CONFLICT DO NOTHING RETURNING event_id),
		taken AS MATERIALIZED (SELECT unnest(?::text[]) AS event_id EXCEPT SELECT event_id FROM held)`
	w.parameters = append(append(w.parameters, parameters...), &ids)
	w.keyed = true
}

// insert adds rows of the events whose keys are free. The column names the event.
func (w *acceptStatement) insert(name, insert, column string, parameters []any) {
	w.text += ", " + name + " AS (" + insert + " WHERE (SELECT ok FROM unchanged)"
	if w.keyed {
		w.text += " AND " + column + " <> ALL(ARRAY(SELECT event_id FROM taken))"
	}
	w.text += ")"
	w.parameters = append(w.parameters, parameters...)
}

func (w *acceptStatement) run(db *gorm.DB) (wrote written, err error) {
	pool := db.ConnPool.(*database.PostgresPool)
	if !pool.Chosen {
		// Kept as a prepared statement: an insert has one plan, however full its table is.
		w.parameters = append([]any{pool.Named()}, w.parameters...)
	}
	rows, err := pool.QueryContext(db.Statement.Context, database.Numbered(w.text), w.parameters...)
	if err != nil {
		return written{}, err
	}
	defer rows.Close()
	for rows.Next() {
		var taken string
		if err := rows.Scan(&wrote.ok, &taken); err != nil {
			return written{}, err
		}
		if taken != "" {
			wrote.taken = append(wrote.taken, taken)
		}
	}
	return wrote, database.Outage(rows.Err())
}

// insertWork is newWork by the database's clock, in SQL.
func (d postgresStatements) insertWork(c *database.Clock, f *fanOut) (string, []any) {
	n := len(f.deliveries)
	texts := [5][]string{}
	for i := range texts {
		texts[i] = make([]string, n)
	}
	first, expires := make([]float64, n), make([]float64, n) // seconds from now
	for i, row := range f.deliveries {
		texts[0][i], texts[1][i], texts[2][i], texts[3][i], texts[4][i] = row.ID, row.OrganizationID, row.EndpointID, row.EventID, row.EventType
		first[i], expires[i] = firstDelay(f.endpoints[i].Schedule).Seconds(), (f.endpoints[i].Schedule.Span() + WaitLimit).Seconds()
	}
	now := d.Now(c)
	return fmt.Sprintf(`INSERT INTO delivery_work (delivery_id, organization_id, endpoint_id, event_id, event_type, trigger, priority, attempt, position,
			due_at, wake_at, expires_at, lease_token, cancelled, recovery_id)
		SELECT id, organization_id, endpoint_id, event_id, event_type, '%s', %d, 0, 0, %s, %s, %s, '', false, ''
		FROM unnest(?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::float8[], ?::float8[]) AS n(id, organization_id, endpoint_id, event_id, event_type, first, expires)`,
			models.TriggerSchedule, priorityFresh, d.SecondsAfter(now, "first"), d.SecondsAfter(now, fmt.Sprintf("first + %d", WakeGrace/time.Second)), d.SecondsAfter(now, "expires")),
		[]any{&texts[0], &texts[1], &texts[2], &texts[3], &texts[4], &first, &expires}
}
