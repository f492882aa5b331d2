package pipeline

import (
	"fmt"
	"reflect"
	"strings"
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
	open  []string // ids of endpoints whose deliveries were claimed, of those that may be sent at once
}

// writeIfUnchanged has nothing to gain on SQLite, where a round trip is a call.
func (sqliteStatements) writeIfUnchanged(*gorm.DB, *database.Clock, *fanOut, precondition, string) (written, error) {
	return written{}, nil
}

// writeIfUnchanged is a transaction in one statement: the check, idempotency
// keys, events, deliveries and work.
func (d postgresStatements) writeIfUnchanged(db *gorm.DB, c *database.Clock, f *fanOut, p precondition, worker string) (written, error) {
	w := &acceptStatement{next: database.Numbered()}
	w.text = fmt.Sprintf(`WITH unchanged AS MATERIALIZED (SELECT
		(SELECT count(*) FROM organization_versions v JOIN unnest(%s::text[], %s::bigint[]) AS k(id, version) ON v.organization_id = k.id AND v.version = k.version) = %s
		AND (SELECT count(*) FROM api_keys WHERE id = ANY(%s) AND revoked_at IS NULL) = %s AS ok)`,
		w.bind(&p.organizationIDs), w.bind(&p.versions), w.bind(len(p.organizationIDs)), w.bind(&p.keyIDs), w.bind(len(p.keyIDs)))
	w.results = " SELECT ok, '', '' FROM unchanged"
	if len(f.keys) > 0 {
		insert, err := w.insertion(db, database.RowsOf(f.keys))
		if err != nil {
			return written{}, err
		}
		w.holdKeys(insert, f.keys)
	}
	if f.atOnce != nil {
		w.findOpen(f.atOnce.slots, worker, d.Now(c))
	}
	insert, err := w.insertion(db, database.RowsOf(f.events))
	if err != nil {
		return written{}, err
	}
	w.insert("new_events", insert, "id")
	if len(f.deliveries) > 0 {
		if insert, err = w.insertion(db, database.RowsOf(f.deliveries)); err != nil {
			return written{}, err
		}
		w.insert("new_deliveries", insert, "event_id")
		w.insert("new_work", d.insertWork(c, f, w), "event_id")
	}
	return w.run(db)
}

// acceptStatement is the text and the parameters of a statement that accepts events.
type acceptStatement struct {
	text       string
	parameters []any
	next       database.Placeholder
	results    string // what it selects: whether all stands, an event that is taken, an endpoint that is open
	keyed      bool   // some of the events have an idempotency key
}

// bind adds a parameter and returns what stands for it.
func (w *acceptStatement) bind(parameter any) string {
	w.parameters = append(w.parameters, parameter)
	return w.next()
}

// insertion adds rows' values and returns what inserts them.
func (w *acceptStatement) insertion(db *gorm.DB, rows reflect.Value) (string, error) {
	insert, parameters, err := database.Insertion(db, rows, w.next)
	w.parameters = append(w.parameters, parameters...)
	return insert, err
}

// holdKeys inserts the keys that are free. It waits for a key that another
// transaction holds; one that has expired is left to the transaction that reads.
func (w *acceptStatement) holdKeys(insert string, keys []*idempotencyKey) {
	ids := make([]string, len(keys))
	for i, key := range keys {
		ids[i] = key.EventID
	}
	w.text += fmt.Sprintf(`, held AS (%s WHERE (SELECT ok FROM unchanged) ON CONFLICT DO NOTHING RETURNING event_id),
		taken AS MATERIALIZED (SELECT unnest(%s::text[]) AS event_id EXCEPT SELECT event_id FROM held)`, insert, w.bind(&ids))
	w.results += " UNION ALL SELECT true, event_id, '' FROM taken"
	w.keyed = true
}

// findOpen names the endpoints whose deliveries are claimed: none unless this
// process is the sole worker, which it stays until the commit.
func (w *acceptStatement) findOpen(slots []Slots, worker, now string) {
	ids := make([]string, len(slots))
	for i := range slots {
		ids[i] = slots[i].EndpointID
	}
	w.text += fmt.Sprintf(`, sole AS MATERIALIZED (SELECT id FROM installations WHERE sole_worker = %s FOR SHARE),
		open AS MATERIALIZED (SELECT endpoint_id FROM endpoint_states WHERE endpoint_id = ANY(%s) AND %s AND EXISTS (SELECT FROM sole))`,
		w.bind(worker), w.bind(&ids), notHeld(now))
	w.results += " UNION ALL SELECT true, '', endpoint_id FROM open"
}

// insert adds rows of the events whose keys are free. The column names the event.
func (w *acceptStatement) insert(name, insert, column string) {
	w.text += ", " + name + " AS (" + insert + " WHERE (SELECT ok FROM unchanged)"
	if w.keyed {
		w.text += " AND " + column + " <> ALL(ARRAY(SELECT event_id FROM taken))"
	}
	w.text += ")"
}

func (w *acceptStatement) run(db *gorm.DB) (wrote written, err error) {
	pool := db.ConnPool.(*database.PostgresPool)
	if !pool.Chosen {
		// Kept as a prepared statement: an insert has one plan, however full its table is.
		w.parameters = append([]any{pool.Named()}, w.parameters...)
	}
	rows, err := pool.QueryContext(db.Statement.Context, w.text+w.results, w.parameters...)
	if err != nil {
		return written{}, err
	}
	defer rows.Close()
	for rows.Next() {
		var ok bool
		var taken, open string
		if err := rows.Scan(&ok, &taken, &open); err != nil {
			return written{}, err
		}
		switch {
		case taken != "":
			wrote.taken = append(wrote.taken, taken)
		case open != "":
			wrote.open = append(wrote.open, open)
		default:
			wrote.ok = ok
		}
	}
	return wrote, database.Outage(rows.Err())
}

// insertWork is NewWork by the database's clock, in SQL, and claims what may be
// sent at once.
func (d postgresStatements) insertWork(c *database.Clock, f *fanOut, w *acceptStatement) string {
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
	arrays := make([]string, 0, len(texts)+3)
	for i := range texts {
		arrays = append(arrays, w.bind(&texts[i])+"::text[]")
	}
	arrays = append(arrays, w.bind(&first)+"::float8[]", w.bind(&expires)+"::float8[]")
	columns := "id, organization_id, endpoint_id, event_id, event_type, first, expires"
	rows := "unnest(%s) AS n(%s)"
	attempt, token, claimed, until := "0", "''", "NULL::timestamptz", "NULL::timestamptz"
	if a := f.atOnce; a != nil {
		lease := make([]float64, n) // seconds; 0 is none
		for i, t := range a.templates {
			if t != nil {
				lease[i] = t.leaseTime().Seconds()
			}
		}
		arrays, columns = append(arrays, w.bind(&lease)+"::float8[]"), columns+", lease"
		rows = "(SELECT " + columns + ", lease > 0 AND endpoint_id = ANY(ARRAY(SELECT endpoint_id FROM open)) AS mine FROM " + rows + ") n"
		attempt, token = "CASE WHEN mine THEN 1 ELSE 0 END", "CASE WHEN mine THEN "+w.bind(a.token)+" ELSE '' END"
		claimed, until = "CASE WHEN mine THEN "+now+" END", "CASE WHEN mine THEN "+d.SecondsAfter(now, "lease")+" END"
	}
	return fmt.Sprintf(`INSERT INTO delivery_work (delivery_id, organization_id, endpoint_id, event_id, event_type, trigger, priority, attempt, position,
			due_at, wake_at, expires_at, lease_token, claimed_at, lease_until, cancelled, recovery_id)
		SELECT id, organization_id, endpoint_id, event_id, event_type, '%s', %d, %s, 0, %s, %s, %s, %s, %s, %s, false, ''
		FROM `, models.TriggerSchedule, priorityFresh, attempt, d.SecondsAfter(now, "first"), d.SecondsAfter(now, fmt.Sprintf("first + %d", WakeGrace/time.Second)),
		d.SecondsAfter(now, "expires"), token, claimed, until) + fmt.Sprintf(rows, strings.Join(arrays, ", "), columns)
}
