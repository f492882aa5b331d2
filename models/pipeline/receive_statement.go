package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/models/database"
)

// arrivalRows are a group as it is written.
type arrivalRows struct {
	sourceIDs []string
	revisions []int64 // of the sources, as the arrivals were checked by them
	keys      []*requestKey
	requests  []*models.Request
	work      []*requestWork // whose time the database sets
}

// receiveAtOnce commits a group in one statement, and reports whether it did. It
// does not, and writes nothing, if one of the group repeats another request, if a
// source has changed, or if a source's first request is among them: takeIn then
// tells them apart.
func (p *Engine) receiveAtOnce(ctx context.Context, group []*Arrival) (done bool, err error) {
	r := &arrivalRows{keys: p.keysOfArrivals(group)}
	count := 0
	for _, a := range group {
		if count += len(a.keys); a.Source.FirstVerifiedAt == nil && a.row.State != inbound.Unverified {
			return false, nil
		}
		switch at := slices.Index(r.sourceIDs, a.Source.ID); {
		case at < 0:
			r.sourceIDs, r.revisions = append(r.sourceIDs, a.Source.ID), append(r.revisions, a.Source.Revision)
		case r.revisions[at] != a.Source.Revision:
			return false, nil
		}
		r.requests, r.work = append(r.requests, a.row), append(r.work, newRequestWork(a.row))
	}
	if count > len(r.keys) {
		return false, nil
	}
	err = p.db.WithPartitions(ctx, func() (err error) {
		done, err = p.statements.receiveIfNew(p.db.WithContext(ctx), p.clock, r)
		return err
	})
	if err != nil || !done {
		return false, err
	}
	for _, a := range group {
		a.receipt, a.err, a.again = Receipt{RequestID: a.row.ID}, nil, false
	}
	return true, nil
}

// newRequestWork returns the work that a request is, without its time.
func newRequestWork(row *models.Request) *requestWork {
	return &requestWork{RequestID: row.ID, OrganizationID: row.OrganizationID, SourceID: row.SourceID}
}

// receiveIfNew has nothing to gain on SQLite, where a round trip is a call.
func (sqliteStatements) receiveIfNew(*gorm.DB, *database.Clock, *arrivalRows) (bool, error) {
	return false, nil
}

// receiveIfNew is a transaction in one statement: the check of sources and keys, then
// keys, requests and work. If another process takes a key meanwhile, nothing is
// written.
func (d postgresStatements) receiveIfNew(db *gorm.DB, c *database.Clock, r *arrivalRows) (done bool, err error) {
	w := &statement{next: database.Numbered()}
	w.text = fmt.Sprintf(`WITH unchanged AS MATERIALIZED (SELECT count(*) = %s AS ok FROM unnest(%s::text[], %s::bigint[]) AS k(id, revision)
		JOIN sources s ON s.id = k.id AND s.revision = k.revision AND s.deleted_at IS NULL AND s.disabled_at IS NULL)`,
		w.bind(len(r.sourceIDs)), w.bind(&r.sourceIDs), w.bind(&r.revisions))
	ready := "unchanged"
	if len(r.keys) > 0 {
		sources, keys := make([]string, len(r.keys)), make([][]byte, len(r.keys))
		for i, key := range r.keys {
			sources[i], keys[i] = key.SourceID, key.Key
		}
		// One by one: a join could go through the whole table.
		w.text += fmt.Sprintf(`, fresh AS MATERIALIZED (SELECT ok AND NOT EXISTS (SELECT FROM unnest(%s::text[], %s::bytea[]) AS n(source_id, key)
			CROSS JOIN LATERAL (SELECT FROM request_keys h WHERE h.source_id = n.source_id AND h.key = n.key LIMIT 1) held) AS ok FROM unchanged)`, w.bind(&sources), w.bind(&keys))
		ready = "fresh"
		insert, err := w.insertion(db, database.RowsOf(r.keys))
		if err != nil {
			return false, err
		}
		w.text += ", new_keys AS (" + insert + " WHERE (SELECT ok FROM fresh))"
	}
	insert, err := w.insertRequests(r.requests)
	if err != nil {
		return false, err
	}
	w.text += ", new_requests AS (" + insert + " WHERE (SELECT ok FROM " + ready + "))"
	w.text += ", new_work AS (" + d.insertRequestWork(c, r.work, w) + " WHERE (SELECT ok FROM " + ready + ")) SELECT ok FROM " + ready
	rows, err := w.query(db)
	if err != nil {
		if database.KeyTaken(err) {
			return false, nil
		}
		return false, err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&done); err != nil {
			return false, err
		}
	}
	if err := rows.Err(); err != nil {
		if database.KeyTaken(err) {
			return false, nil
		}
		return false, database.Outage(err)
	}
	return done, nil
}

// insertRequestWork inserts work that is due now, by the database's clock.
func (d postgresStatements) insertRequestWork(c *database.Clock, work []*requestWork, w *statement) string {
	texts := [3][]string{}
	for _, row := range work {
		for i, text := range []string{row.RequestID, row.OrganizationID, row.SourceID} {
			texts[i] = append(texts[i], text)
		}
	}
	return fmt.Sprintf(`INSERT INTO request_work (request_id, organization_id, source_id, due_at, tries, forced, replay_id)
		SELECT request_id, organization_id, source_id, %s, 0, false, '' FROM unnest(%s::text[], %s::text[], %s::text[]) AS n(request_id, organization_id, source_id)`,
		d.Now(c), w.bind(&texts[0]), w.bind(&texts[1]), w.bind(&texts[2]))
}

// insertRequests inserts requests that have just come. What is the same in all of them
// is in the text, so that neither side handles it row by row.
func (w *statement) insertRequests(rows []*models.Request) (string, error) {
	n := len(rows)
	ids, organizations, sources, states, checks := make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	methods, queries, addresses, externals, types := make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	headers, bodies := make([][]byte, n), make([][]byte, n)
	sizes, statuses := make([]int64, n), make([]int64, n)
	tests, times, received := make([]bool, n), make([]*time.Time, n), make([]time.Time, n)
	for i, q := range rows {
		ids[i], organizations[i], sources[i], states[i], checks[i] = q.ID, q.OrganizationID, q.SourceID, string(q.State), q.Checked
		methods[i], queries[i], addresses[i], externals[i], types[i] = q.Method, q.Query, q.RemoteAddress, q.ExternalID, q.ExternalType
		stored, err := q.Headers.Value()
		if err != nil {
			return "", fmt.Errorf("writing the headers of a request: %w", err)
		}
		headers[i], bodies[i] = stored.([]byte), q.Body
		if bodies[i] == nil {
			bodies[i] = []byte{}
		}
		sizes[i], statuses[i], tests[i], times[i], received[i] = int64(q.BodyBytes), int64(q.StatusCode), q.Test, q.ExternalTime, q.ReceivedAt
	}
	const columns = "id, organization_id, source_id, state, checked, method, query, remote_address, external_id, external_type, headers, body, body_bytes, status_code, test, external_time, received_at"
	arrays := make([]string, 0, 17)
	for _, texts := range []*[]string{&ids, &organizations, &sources, &states, &checks, &methods, &queries, &addresses, &externals, &types} {
		arrays = append(arrays, w.bind(texts)+"::text[]")
	}
	arrays = append(arrays, w.bind(&headers)+"::bytea[]", w.bind(&bodies)+"::bytea[]", w.bind(&sizes)+"::bigint[]", w.bind(&statuses)+"::bigint[]",
		w.bind(&tests)+"::boolean[]", w.bind(&times)+"::timestamptz[]", w.bind(&received)+"::timestamptz[]")
	return fmt.Sprintf(`INSERT INTO requests (%[1]s, cause, diagnosis, duplicates, processing, reason, error)
		SELECT %[1]s, '', '', 0, '%[2]s', '', '' FROM unnest(%[3]s) AS n(%[1]s)`, columns, models.ProcessingWaiting, strings.Join(arrays, ", ")), nil
}
