package pipeline

import (
	"context"
	"fmt"
	"slices"

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
	insert, err := w.insertion(db, database.RowsOf(r.requests))
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
