package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"hookwell/models"
	"hookwell/models/database"
)

// acceptEach commits drafts in one transaction. If that fails they are halved
// until what is at fault stands alone: one can't fail its neighbours. It
// returns those that turned out to be too many for one transaction, which are
// neither accepted nor refused.
func (p *Engine) acceptEach(ctx context.Context, drafts []*Draft) (tooMany []*Draft) {
	err := p.accept(ctx, drafts)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errTooHeavy):
		for _, d := range drafts {
			d.reset()
		}
		return drafts
	case len(drafts) > 1 && !models.IsCode(err, models.CodeDatabaseBusy) && p.db.Ping(ctx) == nil:
		half := len(drafts) / 2
		return append(p.acceptEach(ctx, drafts[:half]), p.acceptEach(ctx, drafts[half:])...)
	}
	for _, d := range drafts {
		d.reset()
		d.refused = err
	}
	return nil
}

// errTooHeavy is of drafts that have more deliveries together than a
// transaction writes, which was not known before they were planned.
var errTooHeavy = errors.New("too many deliveries for one transaction")

// weigh is how many deliveries a draft has, as far as memory knows: what it
// does not know is found out when the draft is planned.
func (p *Engine) weigh(d *Draft) int {
	if d.committed {
		return len(d.rest)
	}
	if o, ok := p.rules.Get(d.Event.OrganizationID); ok {
		return len(o.subscribed(d.Event.Type))
	}
	return max(d.Event.Deliveries, 1) // as it was planned before
}

// accept commits drafts and wakes their deliveries.
func (p *Engine) accept(ctx context.Context, drafts []*Draft) error {
	done, err := p.acceptCached(ctx, drafts)
	if err == nil && !done {
		err = p.db.Transaction(ctx, func(tx *database.Tx) error { return p.acceptRead(tx, drafts) })
	}
	if err != nil {
		return fmt.Errorf("accepting events: %w", p.db.NoteStorage(err))
	}
	var woken []models.Woken
	for _, d := range drafts {
		if d.twin != nil {
			replayed := *d.twin.accepted
			replayed.Replayed = true
			d.accepted = &replayed
		}
		if d.accepted != nil && !d.accepted.Replayed {
			p.bodies.put(&d.Event)
		}
		woken = append(woken, d.woken...)
	}
	p.Wake(woken)
	return nil
}

// acceptCached commits drafts by the settings that are in memory, in a statement
// that writes only if they still stand. It answers false, having written
// nothing, where they don't, and where a draft asks for more.
func (p *Engine) acceptCached(ctx context.Context, drafts []*Draft) (bool, error) {
	organizationIDs, keyIDs := namesOf(drafts)
	found, ok := p.cachedRules(organizationIDs)
	if !ok {
		return false, nil
	}
	for _, d := range drafts {
		d.reset()
		organization := &found[d.Event.OrganizationID].organization
		if d.key != "" || organization.DeletedAt != nil || !d.fits(organization) {
			return false, nil
		}
	}
	f, err := p.groupTo(drafts, found)
	if err != nil || len(f.unfinished) > 0 {
		return false, err
	}
	unchanged := precondition{keyIDs: keyIDs}
	for id, o := range found {
		unchanged.organizationIDs, unchanged.versions = append(unchanged.organizationIDs, id), append(unchanged.versions, o.version)
	}
	var done bool
	err = p.db.WithPartitions(ctx, func() (err error) {
		done, err = p.statements.writeIfUnchanged(p.db.WithContext(ctx), p.clock, f, unchanged)
		return err
	})
	if done {
		t := &committed{}
		t.AcceptAll(f.events)
		p.tell(t)
	}
	return done, err
}

// acceptRead commits drafts by the settings as the transaction reads them.
func (p *Engine) acceptRead(tx *database.Tx, drafts []*Draft) error {
	organizationIDs, keyIDs := namesOf(drafts)
	found, err := p.currentRules(tx, organizationIDs)
	if err != nil {
		return err
	}
	revoked, err := p.revokedKeys(tx, keyIDs)
	if err != nil {
		return err
	}
	var good []*Draft
	for _, d := range drafts {
		d.reset()
		switch o := found[d.Event.OrganizationID]; {
		case revoked[d.keyID]:
			d.refused = UnknownKey()
		case o == nil || o.organization.DeletedAt != nil:
			d.refused = models.NewNotFound("organization")
		case !d.fits(&o.organization):
			if d.refused = d.refit(&o.organization); d.refused == nil {
				good = append(good, d)
			}
		default:
			good = append(good, d)
		}
	}
	fresh, err := p.claimKeys(tx, good)
	if err != nil || len(fresh) == 0 {
		return err
	}
	f, err := p.groupTo(fresh, found)
	if err != nil {
		return err
	}
	return p.write(tx, f)
}

// groupTo is fanOutTo for drafts of a group, by their organizations' settings.
// It fails with errTooHeavy where they are to be written in several groups.
func (p *Engine) groupTo(drafts []*Draft, found map[string]*acceptRules) (*fanOut, error) {
	f := p.fanOutTo(drafts, func(d *Draft) []*models.Endpoint { return found[d.Event.OrganizationID].subscribed(d.Event.Type) })
	if len(drafts) > 1 && len(f.deliveries) > p.db.Dialect.GroupWeight() {
		return nil, errTooHeavy
	}
	return f, nil
}

// namesOf lists the drafts' organizations and the keys that reported them,
// each once.
func namesOf(drafts []*Draft) (organizationIDs, keyIDs []string) {
	seen := make(map[string]bool, 2)
	add := func(list []string, id string) []string {
		if id == "" || seen[id] {
			return list
		}
		seen[id] = true
		return append(list, id)
	}
	for _, d := range drafts {
		organizationIDs, keyIDs = add(organizationIDs, d.Event.OrganizationID), add(keyIDs, d.keyID)
	}
	return organizationIDs, keyIDs
}

// fanOut writes events and one delivery for each endpoint that is subscribed
// and enabled at this moment, in the given transaction, by what that sees. It
// is how what happens in the app gets into the log.
func (p *Engine) fanOut(tx *database.Tx, drafts []*Draft) error {
	organizationIDs, _ := namesOf(drafts)
	endpoints, err := enabledEndpoints(tx, organizationIDs)
	if err != nil {
		return err
	}
	return p.write(tx, p.fanOutTo(drafts, func(d *Draft) (subscribed []*models.Endpoint) {
		for i := range endpoints {
			if e := &endpoints[i]; e.OrganizationID == d.Event.OrganizationID && e.EventTypes.Matches(d.Event.Type) {
				subscribed = append(subscribed, e)
			}
		}
		return subscribed
	}))
}

// fanOut is events and their deliveries, to be written together.
type fanOut struct {
	events     []*models.Event
	deliveries []*models.Delivery
	endpoints  []*models.Endpoint  // of each delivery
	unfinished []*UnfinishedFanOut // of the events that have more deliveries than these
}

// fanOutTo plans one delivery of each draft to each of its endpoints, of those
// with many to as many as a transaction writes.
func (p *Engine) fanOutTo(drafts []*Draft, subscribed func(*Draft) []*models.Endpoint) *fanOut {
	f := &fanOut{events: make([]*models.Event, 0, len(drafts)), deliveries: make([]*models.Delivery, 0, len(drafts)), endpoints: make([]*models.Endpoint, 0, len(drafts))}
	for _, d := range drafts {
		endpoints := subscribed(d)
		d.Event.Deliveries = len(endpoints)
		if len(endpoints) > p.db.Dialect.GroupWeight() {
			most, _ := p.publish.slice(time.Now())
			endpoints, d.rest, d.written = endpoints[:most], endpoints[most:], most
			f.unfinished = append(f.unfinished, unfinishedOf(d))
		}
		p.addDeliveries(f, d, endpoints)
		d.accepted = &models.Accepted{ID: d.Event.ID, Type: d.Event.Type, Deliveries: d.Event.Deliveries}
		f.events = append(f.events, &d.Event)
	}
	return f
}

// addDeliveries plans deliveries of a draft's event. An endpoint that is gone
// gets none.
func (p *Engine) addDeliveries(f *fanOut, d *Draft, endpoints []*models.Endpoint) {
	d.woken = make([]models.Woken, 0, len(endpoints))
	for _, e := range endpoints {
		if e == nil {
			continue
		}
		delivery := p.NewDelivery(&d.Event, e)
		f.deliveries, f.endpoints = append(f.deliveries, delivery), append(f.endpoints, e)
		d.woken = append(d.woken, models.Woken{OrganizationID: e.OrganizationID, EndpointID: e.ID, DeliveryID: delivery.ID})
	}
}

// write inserts a fan-out, with the work that its deliveries are.
func (p *Engine) write(tx *database.Tx, f *fanOut) error {
	now, err := tx.Now()
	if err != nil {
		return err
	}
	work := make([]*models.Work, len(f.deliveries))
	for i, d := range f.deliveries {
		work[i] = NewWork(d, f.endpoints[i], models.TriggerSchedule, now)
	}
	if err := database.InsertAll(p.db.Dialect, tx.DB, f.events, database.RefuseTaken); err != nil {
		return fmt.Errorf("inserting events: %w", err)
	}
	if err := database.InsertAll(p.db.Dialect, tx.DB, f.deliveries, database.RefuseTaken); err != nil {
		return fmt.Errorf("inserting deliveries: %w", err)
	}
	if err := database.InsertAll(p.db.Dialect, tx.DB, work, database.RefuseTaken); err != nil {
		return fmt.Errorf("inserting work: %w", err)
	}
	if err := p.saveUnfinished(tx, f.unfinished, now); err != nil {
		return err
	}
	p.Noted(tx).AcceptAll(f.events)
	return nil
}

// precondition is what must still hold for what was prepared in memory.
type precondition struct {
	organizationIDs []string
	versions        []int64
	keyIDs          []string // none of them revoked
}

// writeIfUnchanged has nothing to gain on SQLite, where a round trip is a call.
func (sqliteStatements) writeIfUnchanged(*gorm.DB, *database.Clock, *fanOut, precondition) (bool, error) {
	return false, nil
}

// writeIfUnchanged is a transaction in one statement: the check, events,
// deliveries and work.
func (d postgresStatements) writeIfUnchanged(db *gorm.DB, c *database.Clock, f *fanOut, p precondition) (done bool, err error) {
	next := database.Numbered()
	statement := fmt.Sprintf(`WITH unchanged AS MATERIALIZED (SELECT
		(SELECT count(*) FROM organization_versions v JOIN unnest(%s::text[], %s::bigint[]) AS k(id, version) ON v.organization_id = k.id AND v.version = k.version) = %s
		AND (SELECT count(*) FROM api_keys WHERE id = ANY(%s) AND revoked_at IS NULL) = %s AS ok)`, next(), next(), next(), next(), next())
	parameters := []any{&p.organizationIDs, &p.versions, len(p.organizationIDs), &p.keyIDs, len(p.keyIDs)}
	add := func(name, insert string, more []any) {
		statement += ", " + name + " AS (" + insert + " WHERE (SELECT ok FROM unchanged))"
		parameters = append(parameters, more...)
	}
	insert, more, err := database.Insertion(db, database.RowsOf(f.events), next)
	if err != nil {
		return false, err
	}
	add("new_events", insert, more)
	if len(f.deliveries) > 0 {
		if insert, more, err = database.Insertion(db, database.RowsOf(f.deliveries), next); err != nil {
			return false, err
		}
		add("new_deliveries", insert, more)
		insert, more = d.insertWork(c, f, next)
		add("new_work", insert, more)
	}
	pool := db.ConnPool.(*database.PostgresPool)
	if !pool.Chosen {
		// Kept as a prepared statement: an insert has one plan, however full its table is.
		parameters = append([]any{pool.Named()}, parameters...)
	}
	rows, err := pool.QueryContext(db.Statement.Context, statement+" SELECT ok FROM unchanged", parameters...)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&done); err != nil {
			return false, err
		}
	}
	return done, database.Outage(rows.Err())
}

// insertWork is newWork by the database's clock, in SQL.
func (d postgresStatements) insertWork(c *database.Clock, f *fanOut, next database.Placeholder) (string, []any) {
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
		FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::float8[], %s::float8[]) AS n(id, organization_id, endpoint_id, event_id, event_type, first, expires)`,
			models.TriggerSchedule, priorityFresh, d.SecondsAfter(now, "first"), d.SecondsAfter(now, fmt.Sprintf("first + %d", WakeGrace/time.Second)), d.SecondsAfter(now, "expires"),
			next(), next(), next(), next(), next(), next(), next()),
		[]any{&texts[0], &texts[1], &texts[2], &texts[3], &texts[4], &first, &expires}
}

// revokedKeys tells which of the keys may no longer report.
func (p *Engine) revokedKeys(tx *database.Tx, ids []string) (map[string]bool, error) {
	revoked := make(map[string]bool, len(ids))
	if len(ids) == 0 {
		return revoked, nil
	}
	for _, id := range ids {
		revoked[id] = true
	}
	condition, parameter := p.db.Dialect.Among("id", ids)
	var good []string
	if err := tx.Model(&models.Key{}).Where(condition, parameter).Where("revoked_at IS NULL").Pluck("id", &good).Error; err != nil {
		return nil, fmt.Errorf("reading keys: %w", err)
	}
	for _, id := range good {
		delete(revoked, id)
	}
	return revoked, nil
}

// UnknownKey returns what is said to who shows a key that does not stand.
func UnknownKey() error {
	return &models.Error{Kind: models.Unauthorized, Code: "unauthorized", Message: "The API key is unknown or was revoked."}
}
