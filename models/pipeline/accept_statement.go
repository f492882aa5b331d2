package pipeline

import (
	"fmt"
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
	ok            bool     // what they were prepared by still stands; otherwise nothing was written
	claimsNothing bool     // nothing was written, since nothing may be claimed at once
	taken         []string // ids of events that were not written: their idempotency keys are taken
}

// writeIfUnchanged has nothing to gain on SQLite, where a round trip is a call.
func (sqliteStatements) writeIfUnchanged(*gorm.DB, *database.Clock, *fanOut, precondition, string) (written, error) {
	return written{}, nil
}

// writeIfUnchanged is a transaction in one statement: the check, idempotency
// keys, events, deliveries and work.
func (d postgresStatements) writeIfUnchanged(db *gorm.DB, c *database.Clock, f *fanOut, p precondition, worker string) (written, error) {
	w := &acceptStatement{statement: statement{next: database.Numbered()}}
	w.text = fmt.Sprintf(`WITH unchanged AS MATERIALIZED (SELECT
		(SELECT count(*) FROM organization_versions v JOIN unnest(%s::text[], %s::bigint[]) AS k(id, version) ON v.organization_id = k.id AND v.version = k.version) = %s
		AND (SELECT count(*) FROM api_keys WHERE id = ANY(%s) AND revoked_at IS NULL) = %s AS ok)`,
		w.bind(&p.organizationIDs), w.bind(&p.versions), w.bind(len(p.organizationIDs)), w.bind(&p.keyIDs), w.bind(len(p.keyIDs)))
	w.gate, w.results = "(SELECT ok FROM unchanged)", " SELECT ok, '', true FROM unchanged"
	if f.atOnce != nil {
		w.claim(f.atOnce.slots, worker, d.Now(c))
	}
	if len(f.keys) > 0 {
		insert, err := w.insertion(db, database.RowsOf(f.keys))
		if err != nil {
			return written{}, err
		}
		w.holdKeys(insert, f.keys)
	}
	insert, err := w.insertion(db, database.RowsOf(f.events))
	if err != nil {
		return written{}, err
	}
	w.insert("new_events", insert, "id")
	if f.atOnce != nil {
		row, some := f.atOnce.row, "true"
		if w.keyed {
			some = "(SELECT count(*) FROM taken) < " + w.bind(len(f.events))
		}
		w.text += fmt.Sprintf(", new_group AS (INSERT INTO accepted_groups (token, organization_ids, accepted_at, deliveries) SELECT %s, %s, %s, %s::text WHERE %s AND %s)",
			w.bind(row.Token), w.bind(row.OrganizationIDs), d.Now(c), w.bind(row.Deliveries), w.gate, some)
	}
	if deliveries, endpoints := f.apart(); len(deliveries) > 0 {
		if insert, err = w.insertion(db, database.RowsOf(deliveries)); err != nil {
			return written{}, err
		}
		w.insert("new_deliveries", insert, "event_id")
		w.insert("new_work", d.insertWork(c, deliveries, endpoints, w), "event_id")
	}
	return w.run(db)
}

// acceptStatement is the text and the parameters of a statement that accepts events.
type acceptStatement struct {
	statement
	gate    string // the condition under which it writes
	results string // what it selects: whether all stands, an event that is taken, whether it may claim
	keyed   bool   // some of the events have an idempotency key
}

// holdKeys inserts the keys that are free. It waits for a key that another
// transaction holds; one that has expired is left to the transaction that reads.
func (w *acceptStatement) holdKeys(insert string, keys []*idempotencyKey) {
	ids := make([]string, len(keys))
	for i, key := range keys {
		ids[i] = key.EventID
	}
	w.text += fmt.Sprintf(`, held AS (%s WHERE %s ON CONFLICT DO NOTHING RETURNING event_id),
		taken AS MATERIALIZED (SELECT unnest(%s::text[]) AS event_id EXCEPT SELECT event_id FROM held)`, insert, w.gate, w.bind(&ids))
	w.results += " UNION ALL SELECT true, event_id, true FROM taken"
	w.keyed = true
}

// claim lets the statement write only where this process is the sole worker, which
// it then stays until the commit, and none of the endpoints is held.
func (w *acceptStatement) claim(slots []Slots, worker, now string) {
	ids := endpointsOf(slots)
	w.text += fmt.Sprintf(`, sole AS MATERIALIZED (SELECT id FROM installations WHERE sole_worker = %s FOR SHARE),
		may AS MATERIALIZED (SELECT (SELECT count(*) FROM endpoint_states WHERE endpoint_id = ANY(%s) AND %s) = %s AND EXISTS (SELECT FROM sole) AS claim)`,
		w.bind(worker), w.bind(&ids), notHeld(now), w.bind(len(ids)))
	w.gate += " AND (SELECT claim FROM may)"
	w.results = " SELECT ok, '', claim FROM unchanged, may"
}

// insert adds rows of the events whose keys are free. The column names the event.
func (w *acceptStatement) insert(name, insert, column string) {
	w.text += ", " + name + " AS (" + insert + " WHERE " + w.gate
	if w.keyed {
		w.text += " AND " + column + " <> ALL(ARRAY(SELECT event_id FROM taken))"
	}
	w.text += ")"
}

func (w *acceptStatement) run(db *gorm.DB) (wrote written, err error) {
	w.text += w.results
	rows, err := w.query(db)
	if err != nil {
		return written{}, err
	}
	defer rows.Close()
	for rows.Next() {
		var ok, claims bool
		var taken string
		if err := rows.Scan(&ok, &taken, &claims); err != nil {
			return written{}, err
		}
		if taken != "" {
			wrote.taken = append(wrote.taken, taken)
		} else {
			wrote.ok, wrote.claimsNothing = ok && claims, ok && !claims
		}
	}
	return wrote, database.Outage(rows.Err())
}

// insertWork is NewWork by the database's clock, in SQL.
func (d postgresStatements) insertWork(c *database.Clock, deliveries []*models.Delivery, endpoints []*models.Endpoint, w *acceptStatement) string {
	n := len(deliveries)
	texts := [5][]string{}
	for i := range texts {
		texts[i] = make([]string, n)
	}
	first, expires := make([]float64, n), make([]float64, n) // seconds from now
	for i, row := range deliveries {
		texts[0][i], texts[1][i], texts[2][i], texts[3][i], texts[4][i] = row.ID, row.OrganizationID, row.EndpointID, row.EventID, row.EventType
		first[i], expires[i] = firstDelay(endpoints[i].Schedule).Seconds(), (endpoints[i].Schedule.Span() + WaitLimit).Seconds()
	}
	now := d.Now(c)
	arrays := make([]string, 0, len(texts)+2)
	for i := range texts {
		arrays = append(arrays, w.bind(&texts[i])+"::text[]")
	}
	arrays = append(arrays, w.bind(&first)+"::float8[]", w.bind(&expires)+"::float8[]")
	return fmt.Sprintf(`INSERT INTO delivery_work (delivery_id, organization_id, endpoint_id, event_id, event_type, trigger, priority, attempt, position,
			due_at, wake_at, expires_at, lease_token, cancelled, recovery_id)
		SELECT id, organization_id, endpoint_id, event_id, event_type, '%s', %d, 0, 0, %s, %s, %s, '', false, ''
		FROM unnest(%s) AS n(id, organization_id, endpoint_id, event_id, event_type, first, expires)`, models.TriggerSchedule, priorityFresh, d.SecondsAfter(now, "first"),
		d.SecondsAfter(now, fmt.Sprintf("first + %d", WakeGrace/time.Second)), d.SecondsAfter(now, "expires"), strings.Join(arrays, ", "))
}
