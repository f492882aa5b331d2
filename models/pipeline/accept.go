package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"hookwell/models"
	"hookwell/models/database"
)

// acceptEach commits drafts in one transaction. If that fails they are halved
// until what is at fault stands alone: one can't fail its neighbours. It
// returns those that turned out to be too many for one transaction, which are
// neither accepted nor refused.
func (p *Engine) acceptEach(ctx context.Context, drafts []*Draft) (tooMany []*Draft) {
	left, err := p.accept(ctx, drafts)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errTooHeavy):
		for _, d := range left {
			d.reset()
		}
		return left
	case len(left) > 1 && !models.IsCode(err, models.CodeDatabaseBusy) && p.db.Ping(ctx) == nil:
		half := len(left) / 2
		return append(p.acceptEach(ctx, left[:half]), p.acceptEach(ctx, left[half:])...)
	}
	for _, d := range left {
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

// accept commits drafts and wakes their deliveries: most in one statement, by what
// is in memory, and what that leaves in a transaction that reads. If it fails it
// returns the drafts that are not committed.
func (p *Engine) accept(ctx context.Context, drafts []*Draft) (left []*Draft, err error) {
	done, left, err := p.acceptCached(ctx, drafts)
	p.accepted(done)
	if err == nil && len(left) > 0 {
		if err = p.acceptReading(ctx, left); err == nil {
			p.accepted(left)
			return nil, nil
		}
	}
	if err != nil {
		return left, fmt.Errorf("accepting events: %w", p.db.NoteStorage(err))
	}
	return nil, nil
}

// accepted is called after the commit: it wakes the deliveries of the drafts and
// keeps their bodies in memory for the attempts.
func (p *Engine) accepted(drafts []*Draft) {
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
}

// acceptCached commits drafts by the settings that are in memory, in a statement
// that writes only if they still stand. It returns the drafts that it committed,
// and those that it left: all of them where the settings have changed or are not in
// memory, or a draft asks for more, and otherwise those whose idempotency key is
// taken.
func (p *Engine) acceptCached(ctx context.Context, drafts []*Draft) (done, left []*Draft, err error) {
	organizationIDs, keyIDs := namesOf(drafts)
	found, ok := p.cachedRules(organizationIDs)
	if !ok {
		return nil, drafts, nil
	}
	for _, d := range drafts {
		d.reset()
		organization := &found[d.Event.OrganizationID].organization
		if organization.DeletedAt != nil || !d.fits(organization) {
			return nil, drafts, nil
		}
	}
	f, err := p.groupTo(drafts, found)
	if err != nil || len(f.unfinished) > 0 {
		return nil, drafts, err
	}
	unchanged := precondition{keyIDs: keyIDs}
	for id, o := range found {
		unchanged.organizationIDs, unchanged.versions = append(unchanged.organizationIDs, id), append(unchanged.versions, o.version)
	}
	f.keys = p.keysOf(drafts)
	p.reserve(f, found)
	var wrote written
	err = p.db.WithPartitions(ctx, func() (err error) {
		wrote, err = p.statements.writeIfUnchanged(p.db.WithContext(ctx), p.clock, f, unchanged, p.worker)
		if wrote.claimsNothing {
			p.giveUp(f, false)
			wrote, err = p.statements.writeIfUnchanged(p.db.WithContext(ctx), p.clock, f, unchanged, p.worker)
		}
		return err
	})
	if err != nil || !wrote.ok {
		p.giveUp(f, err != nil)
		return nil, drafts, err
	}
	token := ""
	if f.atOnce != nil {
		token = f.atOnce.token
	}
	begun := p.begin(f, func(eventID string) bool { return !slices.Contains(wrote.taken, eventID) })
	t := &committed{}
	for _, d := range drafts {
		if slices.Contains(wrote.taken, d.Event.ID) {
			d.inGroup = token
			left = append(left, d)
			continue
		}
		done = append(done, d)
		d.begun(begun)
		t.accept(&d.Event)
	}
	p.tell(t)
	return done, left, nil
}

// acceptReading commits drafts by the settings as a transaction reads them.
func (p *Engine) acceptReading(ctx context.Context, drafts []*Draft) error {
	var f *fanOut
	err := p.db.Transaction(ctx, func(tx *database.Tx) (err error) {
		p.giveUp(f, false) // of a run that was rolled back
		f, err = p.acceptRead(tx, drafts)
		return err
	})
	if err != nil {
		p.giveUp(f, true)
		return err
	}
	begun := p.begin(f, func(string) bool { return true })
	for _, d := range drafts {
		d.begun(begun)
	}
	return err
}

// earlierGroups returns the tokens of groups that may name deliveries of the drafts,
// by an earlier try: those must not stand once the events do.
func (p *Engine) earlierGroups(drafts []*Draft) []string {
	tokens := p.unsure.list()
	for _, d := range drafts {
		if d.inGroup != "" {
			tokens = append(tokens, d.inGroup)
		}
	}
	return tokens
}

// acceptRead writes drafts by the settings as the transaction reads them, and
// returns what it wrote.
func (p *Engine) acceptRead(tx *database.Tx, drafts []*Draft) (f *fanOut, err error) {
	if err := p.expandTokens(tx, p.earlierGroups(drafts)); err != nil {
		return nil, err
	}
	organizationIDs, keyIDs := namesOf(drafts)
	found, err := p.currentRules(tx, organizationIDs)
	if err != nil {
		return nil, err
	}
	revoked, err := p.revokedKeys(tx, keyIDs)
	if err != nil {
		return nil, err
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
		return nil, err
	}
	if f, err = p.groupTo(fresh, found); err != nil {
		return nil, err
	}
	p.reserve(f, found)
	if f.atOnce != nil {
		may, err := p.mayClaim(tx, f.atOnce.slots)
		if err != nil {
			return f, err
		}
		if !may {
			p.giveUp(f, false)
		}
	}
	return f, p.write(tx, f)
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
	f := p.fanOutTo(drafts, func(d *Draft) (subscribed []*models.Endpoint) {
		for i := range endpoints {
			if e := &endpoints[i]; e.OrganizationID == d.Event.OrganizationID && d.Event.WantedBy(e.EventTypes) {
				subscribed = append(subscribed, e)
			}
		}
		return subscribed
	})
	p.leaveRest(f, drafts)
	return p.write(tx, f)
}

// leaveRest takes out of a fan-out what is more than one transaction writes: drafts
// that have nobody to split them into groups, such as the events of one received
// request, leave those deliveries to slices, which take turns with other
// organizations' reports.
func (p *Engine) leaveRest(f *fanOut, drafts []*Draft) {
	most := p.db.Dialect.GroupWeight()
	if len(f.deliveries) <= most {
		return
	}
	left := map[int][]*models.Endpoint{}
	for i := most; i < len(f.deliveries); i++ {
		left[f.eventOf[i]] = append(left[f.eventOf[i]], f.endpoints[i])
	}
	f.deliveries, f.endpoints, f.eventOf, f.unfinished = f.deliveries[:most], f.endpoints[:most], f.eventOf[:most], nil
	for at, d := range drafts {
		if rest := left[at]; len(rest) > 0 {
			d.written -= len(rest)
			d.woken, d.rest = d.woken[:len(d.woken)-len(rest)], append(rest, d.rest...)
		}
		if len(d.rest) > 0 {
			f.unfinished = append(f.unfinished, unfinishedOf(d))
		}
	}
}

// fanOut is events and their deliveries, to be written together.
type fanOut struct {
	events     []*models.Event
	deliveries []*models.Delivery
	endpoints  []*models.Endpoint  // of each delivery
	eventOf    []int               // of each delivery, its event's place
	unfinished []*UnfinishedFanOut // of the events that have more deliveries than these
	keys       []*idempotencyKey   // of the events that have one
	atOnce     *atOnce             // what of it is claimed as it is written; nil is nothing
}

// apart returns the deliveries that are not claimed at once, and their endpoints.
func (f *fanOut) apart() ([]*models.Delivery, []*models.Endpoint) {
	if f.atOnce == nil {
		return f.deliveries, f.endpoints
	}
	var deliveries []*models.Delivery
	var endpoints []*models.Endpoint
	for i, d := range f.deliveries {
		if f.atOnce.templates[i] == nil {
			deliveries, endpoints = append(deliveries, d), append(endpoints, f.endpoints[i])
		}
	}
	return deliveries, endpoints
}

// fanOutTo plans one delivery of each draft to each of its endpoints, of those
// with many to as many as a transaction writes.
func (p *Engine) fanOutTo(drafts []*Draft, subscribed func(*Draft) []*models.Endpoint) *fanOut {
	f := &fanOut{events: make([]*models.Event, 0, len(drafts)), deliveries: make([]*models.Delivery, 0, len(drafts)), endpoints: make([]*models.Endpoint, 0, len(drafts))}
	for _, d := range drafts {
		endpoints := subscribed(d)
		d.Event.Deliveries, d.written = len(endpoints), len(endpoints)
		if len(endpoints) > p.db.Dialect.GroupWeight() {
			most, _ := p.publish.slice(time.Now())
			endpoints, d.rest, d.written = endpoints[:most], endpoints[most:], most
			f.unfinished = append(f.unfinished, unfinishedOf(d))
		}
		f.events = append(f.events, &d.Event)
		p.addDeliveries(f, d, endpoints)
		d.accepted = &models.Accepted{ID: d.Event.ID, Type: d.Event.Type, Deliveries: d.Event.Deliveries}
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
		f.deliveries, f.endpoints, f.eventOf = append(f.deliveries, delivery), append(f.endpoints, e), append(f.eventOf, len(f.events)-1)
		d.woken = append(d.woken, models.Woken{OrganizationID: e.OrganizationID, EndpointID: e.ID, DeliveryID: delivery.ID})
	}
}

// write inserts a fan-out, with the work that its deliveries are. What is claimed at
// once is one row.
func (p *Engine) write(tx *database.Tx, f *fanOut) error {
	now, err := tx.Now()
	if err != nil {
		return err
	}
	deliveries, endpoints := f.apart()
	work := make([]*models.Work, len(deliveries))
	for i, d := range deliveries {
		work[i] = NewWork(d, endpoints[i], models.TriggerSchedule, now)
	}
	if err := database.InsertAll(p.db.Dialect, tx.DB, f.events, database.RefuseTaken); err != nil {
		return fmt.Errorf("inserting events: %w", err)
	}
	if err := database.InsertAll(p.db.Dialect, tx.DB, deliveries, database.RefuseTaken); err != nil {
		return fmt.Errorf("inserting deliveries: %w", err)
	}
	if err := database.InsertAll(p.db.Dialect, tx.DB, work, database.RefuseTaken); err != nil {
		return fmt.Errorf("inserting work: %w", err)
	}
	if f.atOnce != nil {
		f.atOnce.row.AcceptedAt = now
		if err := tx.Create(f.atOnce.row).Error; err != nil {
			return fmt.Errorf("inserting an accepted group: %w", err)
		}
	}
	if err := p.saveUnfinished(tx, f.unfinished, now); err != nil {
		return err
	}
	p.Noted(tx).AcceptAll(f.events)
	return nil
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
