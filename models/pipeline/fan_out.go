package pipeline

import (
	"fmt"
	"time"

	"hookwell/models"
	"hookwell/models/database"
)

// groupTo is fanOutTo for drafts of a group, by their organizations' settings.
// It fails with errTooHeavy where they are to be written in several groups.
func (p *Engine) groupTo(drafts []*Draft, found map[string]*acceptRules) (*fanOut, error) {
	f := p.fanOutTo(drafts, func(d *Draft) []*models.Endpoint { return found[d.Event.OrganizationID].subscribed(d.Event.Type) })
	if len(drafts) > 1 && len(f.deliveries) > p.db.Dialect.GroupWeight() {
		return nil, errTooHeavy
	}
	return f, nil
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
