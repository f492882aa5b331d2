package models

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
)

// acceptEach commits drafts in one transaction. If that fails they are halved
// until what is at fault stands alone: one can't fail its neighbours. It
// returns those that turned out to be too many for one transaction, which are
// neither accepted nor refused.
func (s *Store) acceptEach(ctx context.Context, drafts []*draft) (tooMany []*draft) {
	err := s.accept(ctx, drafts)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errTooHeavy):
		for _, d := range drafts {
			d.reset()
		}
		return drafts
	case len(drafts) > 1 && !IsCode(err, CodeDatabaseBusy) && s.Ping(ctx) == nil:
		half := len(drafts) / 2
		return append(s.acceptEach(ctx, drafts[:half]), s.acceptEach(ctx, drafts[half:])...)
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
func (s *Store) weigh(d *draft) int {
	if d.committed {
		return len(d.rest)
	}
	if o, ok := s.settings.get(d.event.OrganizationID); ok {
		return len(o.subscribed(d.event.Type))
	}
	return max(d.event.Deliveries, 1) // as it was planned before
}

// accept commits drafts and wakes their deliveries.
func (s *Store) accept(ctx context.Context, drafts []*draft) error {
	done, err := s.acceptKept(ctx, drafts)
	if err == nil && !done {
		err = s.transact(ctx, func(tx *Tx) error { return s.acceptRead(tx, drafts) })
	}
	if err != nil {
		return fmt.Errorf("accepting events: %w", s.noteStorage(err))
	}
	var woken []Woken
	for _, d := range drafts {
		if d.twin != nil {
			replayed := *d.twin.accepted
			replayed.Replayed = true
			d.accepted = &replayed
		}
		if d.accepted != nil && !d.accepted.Replayed {
			s.bodies.put(&d.event)
		}
		woken = append(woken, d.woken...)
	}
	s.wake(woken)
	return nil
}

// acceptKept commits drafts by the settings that are in memory, in a statement
// that writes only if they still stand. It answers false, having written
// nothing, where they don't, and where a draft asks for more.
func (s *Store) acceptKept(ctx context.Context, drafts []*draft) (bool, error) {
	organizationIDs, keyIDs := namesOf(drafts)
	found, ok := s.keptSettings(organizationIDs)
	if !ok {
		return false, nil
	}
	for _, d := range drafts {
		d.reset()
		organization := &found[d.event.OrganizationID].organization
		if d.key != "" || organization.DeletedAt != nil || !d.fits(organization) {
			return false, nil
		}
	}
	f, err := s.groupTo(drafts, found)
	if err != nil || len(f.unfinished) > 0 {
		return false, err
	}
	unchanged := precondition{keyIDs: keyIDs}
	for id, o := range found {
		unchanged.organizationIDs, unchanged.versions = append(unchanged.organizationIDs, id), append(unchanged.versions, o.version)
	}
	var done bool
	err = s.withPartitions(ctx, func() (err error) {
		done, err = s.statements.writeIfUnchanged(s.db.WithContext(ctx), s.clock, f, unchanged)
		return err
	})
	if done {
		t := &committed{}
		t.acceptAll(f.events)
		s.tell(t)
	}
	return done, err
}

// acceptRead commits drafts by the settings as the transaction reads them.
func (s *Store) acceptRead(tx *Tx, drafts []*draft) error {
	organizationIDs, keyIDs := namesOf(drafts)
	found, err := s.standingSettings(tx, organizationIDs)
	if err != nil {
		return err
	}
	revoked, err := s.revokedKeys(tx, keyIDs)
	if err != nil {
		return err
	}
	var good []*draft
	for _, d := range drafts {
		d.reset()
		switch o := found[d.event.OrganizationID]; {
		case revoked[d.keyID]:
			d.refused = unknownKey()
		case o == nil || o.organization.DeletedAt != nil:
			d.refused = notFound("organization")
		case !d.fits(&o.organization):
			if d.refused = d.refit(&o.organization); d.refused == nil {
				good = append(good, d)
			}
		default:
			good = append(good, d)
		}
	}
	fresh, err := s.claimKeys(tx, good)
	if err != nil || len(fresh) == 0 {
		return err
	}
	f, err := s.groupTo(fresh, found)
	if err != nil {
		return err
	}
	return s.write(tx, f)
}

// groupTo is fanOutTo for drafts of a group, by their organizations' settings.
// It fails with errTooHeavy where they are to be written in several groups.
func (s *Store) groupTo(drafts []*draft, found map[string]*settings) (*fanOut, error) {
	f := s.fanOutTo(drafts, func(d *draft) []*Endpoint { return found[d.event.OrganizationID].subscribed(d.event.Type) })
	if len(drafts) > 1 && len(f.deliveries) > s.dialect.groupWeight() {
		return nil, errTooHeavy
	}
	return f, nil
}

// namesOf lists the drafts' organizations and the keys that reported them,
// each once.
func namesOf(drafts []*draft) (organizationIDs, keyIDs []string) {
	seen := make(map[string]bool, 2)
	add := func(list []string, id string) []string {
		if id == "" || seen[id] {
			return list
		}
		seen[id] = true
		return append(list, id)
	}
	for _, d := range drafts {
		organizationIDs, keyIDs = add(organizationIDs, d.event.OrganizationID), add(keyIDs, d.keyID)
	}
	return organizationIDs, keyIDs
}

// fanOut writes events and one delivery for each endpoint that is subscribed
// and enabled at this moment, in the given transaction, by what that sees. It
// is how what happens in the app gets into the log.
func (s *Store) fanOut(tx *Tx, drafts []*draft) error {
	organizationIDs, _ := namesOf(drafts)
	endpoints, err := enabledEndpoints(tx, organizationIDs)
	if err != nil {
		return err
	}
	return s.write(tx, s.fanOutTo(drafts, func(d *draft) (subscribed []*Endpoint) {
		for i := range endpoints {
			if e := &endpoints[i]; e.OrganizationID == d.event.OrganizationID && e.EventTypes.Matches(d.event.Type) {
				subscribed = append(subscribed, e)
			}
		}
		return subscribed
	}))
}

// fanOut is events and their deliveries, to be written together.
type fanOut struct {
	events     []*Event
	deliveries []*Delivery
	endpoints  []*Endpoint         // of each delivery
	unfinished []*unfinishedFanOut // of the events that have more deliveries than these
}

// fanOutTo plans one delivery of each draft to each of its endpoints, of those
// with many to as many as a transaction writes.
func (s *Store) fanOutTo(drafts []*draft, subscribed func(*draft) []*Endpoint) *fanOut {
	f := &fanOut{events: make([]*Event, 0, len(drafts)), deliveries: make([]*Delivery, 0, len(drafts)), endpoints: make([]*Endpoint, 0, len(drafts))}
	for _, d := range drafts {
		endpoints := subscribed(d)
		d.event.Deliveries = len(endpoints)
		if most := s.dialect.groupWeight(); len(endpoints) > most {
			endpoints, d.rest, d.written = endpoints[:most], endpoints[most:], most
			f.unfinished = append(f.unfinished, unfinishedOf(d))
		}
		s.addDeliveries(f, d, endpoints)
		d.accepted = &Accepted{ID: d.event.ID, Type: d.event.Type, Deliveries: d.event.Deliveries}
		f.events = append(f.events, &d.event)
	}
	return f
}

// addDeliveries plans deliveries of a draft's event. An endpoint that is gone
// gets none.
func (s *Store) addDeliveries(f *fanOut, d *draft, endpoints []*Endpoint) {
	d.woken = make([]Woken, 0, len(endpoints))
	for _, e := range endpoints {
		if e == nil {
			continue
		}
		delivery := s.newDelivery(&d.event, e)
		f.deliveries, f.endpoints = append(f.deliveries, delivery), append(f.endpoints, e)
		d.woken = append(d.woken, Woken{OrganizationID: e.OrganizationID, EndpointID: e.ID, DeliveryID: delivery.ID})
	}
}

// write inserts a fan-out, with the work that its deliveries are.
func (s *Store) write(tx *Tx, f *fanOut) error {
	now, err := tx.Now()
	if err != nil {
		return err
	}
	work := make([]*Work, len(f.deliveries))
	for i, d := range f.deliveries {
		work[i] = newWork(d, f.endpoints[i], TriggerSchedule, now)
	}
	if err := insertAll(s.dialect, tx.DB, f.events, refuseTaken); err != nil {
		return fmt.Errorf("inserting events: %w", err)
	}
	if err := insertAll(s.dialect, tx.DB, f.deliveries, refuseTaken); err != nil {
		return fmt.Errorf("inserting deliveries: %w", err)
	}
	if err := insertAll(s.dialect, tx.DB, work, refuseTaken); err != nil {
		return fmt.Errorf("inserting work: %w", err)
	}
	if err := s.saveUnfinished(tx, f.unfinished, now); err != nil {
		return err
	}
	s.noted(tx).acceptAll(f.events)
	return nil
}

// precondition is what must still hold for what was prepared in memory.
type precondition struct {
	organizationIDs []string
	versions        []int64
	keyIDs          []string // none of them revoked
}

// writeIfUnchanged has nothing to gain on SQLite, where a round trip is a call.
func (sqliteStatements) writeIfUnchanged(*gorm.DB, *Clock, *fanOut, precondition) (bool, error) {
	return false, nil
}

// writeIfUnchanged is a transaction in one statement: the check, events,
// deliveries and work.
func (d postgresStatements) writeIfUnchanged(db *gorm.DB, c *Clock, f *fanOut, p precondition) (done bool, err error) {
	statement := `WITH unchanged AS MATERIALIZED (SELECT
		(SELECT count(*) FROM organization_versions v JOIN unnest(?::text[], ?::bigint[]) AS k(id, version) ON v.organization_id = k.id AND v.version = k.version) = ?
		AND (SELECT count(*) FROM api_keys WHERE id = ANY(?) AND revoked_at IS NULL) = ? AS ok)`
	parameters := []any{&p.organizationIDs, &p.versions, len(p.organizationIDs), &p.keyIDs, len(p.keyIDs)}
	add := func(name, insert string, more []any) {
		statement += ", " + name + " AS (" + insert + " WHERE (SELECT ok FROM unchanged))"
		parameters = append(parameters, more...)
	}
	insert, more, err := insertion(db, rowsOf(f.events))
	if err != nil {
		return false, err
	}
	add("new_events", insert, more)
	if len(f.deliveries) > 0 {
		if insert, more, err = insertion(db, rowsOf(f.deliveries)); err != nil {
			return false, err
		}
		add("new_deliveries", insert, more)
		insert, more = d.insertWork(c, f)
		add("new_work", insert, more)
	}
	pool := db.ConnPool.(*postgresPool)
	if !pool.chosen {
		// Kept as a prepared statement: an insert has one plan, however full its table is.
		parameters = append([]any{pool.named()}, parameters...)
	}
	rows, err := pool.QueryContext(db.Statement.Context, numbered(statement+" SELECT ok FROM unchanged"), parameters...)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&done); err != nil {
			return false, err
		}
	}
	return done, outage(rows.Err())
}

// insertWork is newWork by the database's clock, in SQL.
func (d postgresStatements) insertWork(c *Clock, f *fanOut) (string, []any) {
	n := len(f.deliveries)
	texts := [5][]string{}
	for i := range texts {
		texts[i] = make([]string, n)
	}
	first, expires := make([]float64, n), make([]float64, n) // seconds from now
	for i, row := range f.deliveries {
		texts[0][i], texts[1][i], texts[2][i], texts[3][i], texts[4][i] = row.ID, row.OrganizationID, row.EndpointID, row.EventID, row.EventType
		first[i], expires[i] = firstDelay(f.endpoints[i].Schedule).Seconds(), (f.endpoints[i].Schedule.Span() + waitLimit).Seconds()
	}
	now := d.now(c)
	return fmt.Sprintf(`INSERT INTO delivery_work (delivery_id, organization_id, endpoint_id, event_id, event_type, trigger, priority, attempt, position,
			due_at, wake_at, expires_at, lease_token, cancelled, recovery_id)
		SELECT id, organization_id, endpoint_id, event_id, event_type, '%s', %d, 0, 0, %s, %s, %s, '', false, ''
		FROM unnest(?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::float8[], ?::float8[]) AS n(id, organization_id, endpoint_id, event_id, event_type, first, expires)`,
			TriggerSchedule, priorityFresh, d.secondsAfter(now, "first"), d.secondsAfter(now, fmt.Sprintf("first + %d", wakeGrace/time.Second)), d.secondsAfter(now, "expires")),
		[]any{&texts[0], &texts[1], &texts[2], &texts[3], &texts[4], &first, &expires}
}

// revokedKeys tells which of the keys may no longer report.
func (s *Store) revokedKeys(tx *Tx, ids []string) (map[string]bool, error) {
	revoked := make(map[string]bool, len(ids))
	if len(ids) == 0 {
		return revoked, nil
	}
	for _, id := range ids {
		revoked[id] = true
	}
	condition, parameter := s.dialect.among("id", ids)
	var good []string
	if err := tx.Model(&Key{}).Where(condition, parameter).Where("revoked_at IS NULL").Pluck("id", &good).Error; err != nil {
		return nil, fmt.Errorf("reading keys: %w", err)
	}
	for _, id := range good {
		delete(revoked, id)
	}
	return revoked, nil
}
