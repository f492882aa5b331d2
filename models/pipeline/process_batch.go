package pipeline

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/models/database"
	"hookwell/webhook"
)

// batch is requests that one transaction turns into events. Each request is read
// for itself; what they need of the database is asked for all of them at once.
type batch struct {
	engine   *Engine
	tx       *database.Tx
	requests []*becoming
	outcomes map[string]outcome
	left     map[string]bool // requests that wait for the next step

	reports []reported // on Hookwell's own mail, and on others'

	organizations map[string]*models.Organization // by id
	references    map[inbound.Reference]string    // the organization's id
	rules         map[string]*acceptRules         // by the organization's id
	subscribers   map[eventOf][]*models.Endpoint  // found when first asked for
}

// eventOf is a type of an organization's events.
type eventOf struct{ organizationID, kind string }

// becoming is a request on its way to its events.
type becoming struct {
	row    *models.Request
	source *OpenSource
	forced bool
	items  []becomingItem
	relay  string // the type that it is relayed as; empty if it isn't
	whole  string // why none of it could be read

	feedback bool // it reports on Hookwell's own mail

	wasRelayed, wasMapped bool // when it was processed before
}

// becomingItem is one item of a request, with its organization.
type becomingItem struct {
	result         inbound.Result
	organization   inbound.Organization // as the item names it, at a source of the installation
	organizationID string               // empty if none is found
}

// made is one event that a request becomes.
type made struct {
	of       *becoming
	identity *identityRow
	mapped   *inbound.Mapped // nil for the event that relays it
	mapping  string          // its name
	draft    *Draft
	known    bool // the event was made before
	repeated bool // and is not to be made again
	holder   string
	before   models.SourcePayment // what was known of its payment before
}

// read says what a request is, item by item. It asks the database nothing.
func (b *batch) read(row *models.Request, s *OpenSource, forced bool) {
	r := &becoming{row: row, source: s, forced: forced}
	b.requests = append(b.requests, r)
	if s == nil || s.Verifier == nil {
		r.whole = "The source’s provider or scheme isn’t known to this version of Hookwell."
		return
	}
	if row.BodyDroppedAt != nil { // which nothing that waits should be
		r.whole = "Its body was dropped before it was processed."
		return
	}
	request := keptRequest(row, "")
	if row.State != inbound.Unverified || s.RelayUnverified {
		identity := inbound.Identity{Type: row.ExternalType}
		if s.Verifier.Batches() { // whether it is one isn't on record
			identity = s.Verifier.Identify(request, row.State)
		}
		r.relay = identity.RelayType(s.Slug)
	}
	if row.State == inbound.Unverified {
		return // it is never mapped
	}
	items, err := s.Verifier.Items(request)
	if err != nil {
		r.whole = err.Error()
		return
	}
	b.readReports(r, items)
	if s.mappings == nil {
		r.whole = "The source’s mappings can’t be used. Open the source and fix them."
		return
	}
	for i, result := range s.mappings.Apply(b.tx.Statement.Context, request.Headers, items) {
		item := becomingItem{result: result}
		if row.Installation() {
			item.organization = s.Verifier.Organization(items[i])
		}
		r.items = append(r.items, item)
	}
}

// make makes the events: it finds out which were made before, writes the others,
// and says what became of each request.
func (b *batch) make() error {
	all := b.planAll()
	if err := b.findRepeated(all); err != nil {
		return err
	}
	totals, err := b.addPayments(all)
	if err != nil {
		return err
	}
	var drafts []*Draft
	var unmade []*made
	for _, m := range all {
		if m.repeated {
			continue
		}
		if err := b.write(m, totals); err != nil {
			b.failMapping(m.of, err)
			totals.takeBack(m)
			unmade = append(unmade, m)
			m.draft = nil
			continue
		}
		drafts = append(drafts, m.draft)
	}
	b.leave(all, unmade)
	if err := b.forget(unmade); err != nil {
		return err
	}
	if err := totals.save(b.tx); err != nil {
		return err
	}
	if len(drafts) > 0 {
		if err := b.fanOut(drafts); err != nil {
			return err
		}
	}
	if err := b.link(all); err != nil {
		return err
	}
	b.conclude(all)
	return nil
}

// planAll lists the events that the requests become. What would be more deliveries
// than one transaction writes is left for the next step, but for the first request.
func (b *batch) planAll() (all []*made) {
	weight := 0
	for _, r := range b.requests {
		planned := b.plan(r)
		for _, m := range planned {
			kind := r.relay
			if m.mapped != nil {
				kind = m.mapped.Type
			}
			weight += len(b.subscribed(m.identity.OrganizationID, kind, m.mapped == nil))
		}
		if len(all) > 0 && weight > b.engine.db.Dialect.GroupWeight() {
			b.left[r.row.ID] = true
			continue
		}
		all = append(all, planned...)
	}
	return all
}

// subscribed returns the endpoints that get an organization's events of a type.
func (b *batch) subscribed(organizationID, kind string, relayed bool) []*models.Endpoint {
	of := eventOf{organizationID, kind}
	found, ok := b.subscribers[of]
	if ok {
		return found
	}
	event := models.Event{Type: kind}
	if relayed {
		event.Origin = models.OriginRelayed
	}
	o := b.rules[organizationID]
	for i := range o.endpoints {
		if event.WantedBy(o.endpoints[i].EventTypes) {
			found = append(found, &o.endpoints[i])
		}
	}
	b.subscribers[of] = found
	return found
}

// fanOut writes the events with a delivery for each endpoint that gets them.
func (b *batch) fanOut(drafts []*Draft) error {
	f := b.engine.fanOutTo(drafts, func(d *Draft) []*models.Endpoint {
		return b.subscribed(d.Event.OrganizationID, d.Event.Type, d.Event.Origin == models.OriginRelayed)
	})
	b.engine.leaveRest(f, drafts)
	if err := b.engine.write(b.tx, f); err != nil {
		return err
	}
	b.engine.noteFanOut(b.tx, drafts)
	return nil
}

// plan lists the events that a request becomes, and notes what of it fails.
func (b *batch) plan(r *becoming) (list []*made) {
	if r.whole != "" {
		b.fail(r, outcome{reason: models.ReasonMappingFailed, error: r.whole})
	}
	if id := b.relayTo(r); id != "" {
		list = append(list, b.event(r, id, nil))
	}
	for i := range r.items {
		item := &r.items[i]
		switch {
		case item.result.Outcome == inbound.OutcomeFailed:
			b.failMapping(r, item.result.Err)
		case item.organizationID == "":
			o := &item.organization
			if len(item.result.Events) > 0 || o.ID != "" || len(o.References) > 0 {
				b.failOrganization(r, &item.organization)
			}
		case b.organizations[item.organizationID] == nil:
			b.fail(r, outcome{reason: models.ReasonNoOrganization, error: "The organization was deleted."})
		default:
			for j := range item.result.Events {
				list = append(list, b.event(r, item.organizationID, &item.result.Events[j]))
			}
		}
	}
	return list
}

// relayTo returns the organization that gets the request as it was received: the
// one that all of it belongs to, or none.
func (b *batch) relayTo(r *becoming) (organizationID string) {
	if r.relay == "" {
		return ""
	}
	if !r.row.Installation() {
		if b.organizations[r.row.OrganizationID] == nil {
			return ""
		}
		return r.row.OrganizationID
	}
	for i := range r.items {
		id := r.items[i].organizationID
		if id == "" || i > 0 && id != organizationID {
			return ""
		}
		organizationID = id
	}
	return organizationID
}

// write makes the draft of an event. Its error is for people.
func (b *batch) write(m *made, totals *payments) error {
	organization := b.organizations[m.identity.OrganizationID]
	if m.mapped == nil {
		m.draft = b.engine.relayDraft(organization, m.of)
	} else {
		data, err := m.mapped.Data(totals.of(m))
		if err != nil {
			return err
		}
		report := models.NewEvent{Type: m.mapped.Type, Data: data, Timestamp: m.mapped.OccurredAt}
		if report.Timestamp.IsZero() {
			report.Timestamp = m.of.row.ReceivedAt
		}
		if m.draft, err = b.engine.Draft(organization, report, models.OriginMapped, Reporter{}); err != nil {
			return &misfit{m.mapped, err}
		}
		m.draft.Event.Test = m.mapped.Test || m.of.row.Test
		m.draft.Event.Relayed = models.Relayed{Own: models.Headers{{Name: hopHeader, Value: b.engine.hopText}}}.Bytes()
	}
	m.draft.Event.ID = m.identity.EventID
	if m.mapped != nil {
		return m.draft.refit(organization)
	}
	return nil
}

// relayDraft is the event that passes on a request as it was received.
func (p *Engine) relayDraft(organization *models.Organization, r *becoming) *Draft {
	row := r.row
	occurred := row.ReceivedAt
	if row.ExternalTime != nil && webhook.InRange(*row.ExternalTime) {
		occurred = row.ExternalTime.Truncate(time.Millisecond)
	}
	along := models.Relayed{Unverified: row.State == inbound.Unverified, Own: models.Headers{{Name: hopHeader, Value: p.hopText}, {Name: "x-webhook-organization", Value: organization.PublicID()}, {Name: "x-webhook-occurred-at", Value: occurred.UTC().Format(time.RFC3339Nano)}}}
	for _, h := range row.Headers {
		name := strings.ToLower(h.Name)
		switch {
		case name == "content-type" && along.MediaType == "":
			if along.MediaType = h.Value; webhook.CheckHeader("media-type", h.Value) != nil {
				along.MediaType = "application/octet-stream" // what can't be a header's value isn't passed on as one
			}
		case row.State == inbound.Verified && r.source.Verifier.Relayable() && slices.Contains(r.source.carriers, name) && h.Value != Masked:
			along.Provider = append(along.Provider, h)
		}
	}
	now := p.clock.Now()
	return &Draft{publicID: organization.PublicID(), Event: models.Event{OrganizationID: organization.ID, Type: r.relay, Origin: models.OriginRelayed, Test: row.Test,
		OccurredAt: occurred, CreatedAt: now, Body: row.Body, Relayed: along.Bytes()}}
}

// link saves which events each request became.
func (b *batch) link(all []*made) error {
	var links []*models.RequestEvent
	for _, m := range all {
		if m.repeated || m.draft == nil {
			continue
		}
		links = append(links, &models.RequestEvent{RequestID: m.of.row.ID, EventID: m.draft.Event.ID, RequestOrganizationID: m.of.row.OrganizationID,
			OrganizationID: m.draft.Event.OrganizationID, SourceID: m.of.row.SourceID, EventType: m.draft.Event.Type, Mapping: m.mapping, CreatedAt: m.draft.Event.CreatedAt})
	}
	if err := database.InsertAll(b.engine.db.Dialect, b.tx.DB, links, database.LeaveTaken); err != nil {
		return fmt.Errorf("linking requests with their events: %w", err)
	}
	return nil
}

// fail notes why a request is parked; the first reason stands.
func (b *batch) fail(r *becoming, o outcome) {
	if _, failed := b.outcomes[r.row.ID]; !failed {
		o.processing = models.ProcessingFailed
		b.outcomes[r.row.ID] = o
	}
}

// failMapping parks a request that a mapping fails for.
func (b *batch) failMapping(r *becoming, err error) {
	o := outcome{reason: models.ReasonMappingFailed, error: errorText(err)}
	var at *inbound.MappingError
	var made *misfit
	if errors.As(err, &at) {
		o.mappings = []string{at.Mapping}
	} else if errors.As(err, &made) {
		o.mappings = []string{made.mapped.Mapping}
	}
	b.fail(r, o)
}

// failOrganization parks a request until somebody says whose it is.
func (b *batch) failOrganization(r *becoming, o *inbound.Organization) {
	text := "The request names no organization."
	if len(o.References) > 0 {
		first := o.References[0]
		text = fmt.Sprintf("No organization has the reference %s of %s.", first.Value, first.System)
	} else if o.ID != "" {
		text = "There is no organization " + o.ID + "."
	}
	b.fail(r, outcome{reason: models.ReasonNoOrganization, error: text, awaits: o.References})
}

func errorText(err error) string {
	if err == nil {
		return "The mapping failed."
	}
	return err.Error()
}
