package pipeline

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm/clause"

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
}

// becoming is a request on its way to its events.
type becoming struct {
	row    *models.Request
	source *OpenSource
	forced bool
	items  []becomingItem
	relay  string // the type that it is relayed as; empty if it isn't
	whole  string // why none of it could be read

	feedback bool // it reports on Hookwell's own mail
}

// becomingItem is one item of a request, with its organization.
type becomingItem struct {
	result         inbound.Result
	organization   inbound.Organization // as the item names it, at a source of the installation
	organizationID string               // empty if none is found
}

// identityRow says which event an item of a source became.
type identityRow struct {
	OrganizationID string `gorm:"primaryKey"`
	SourceID       string `gorm:"primaryKey"`
	Kind           string `gorm:"primaryKey"` // identityRelayed or identityMapped
	Identity       []byte `gorm:"primaryKey"`
	EventID        string
	CreatedAt      time.Time
}

// TableName names the table of the rows for GORM.
func (identityRow) TableName() string { return "event_identities" }

// The kinds of identity.
const (
	identityRelayed = "relayed"
	identityMapped  = "mapped"
)

func (r *identityRow) name() string {
	return strings.Join([]string{r.OrganizationID, r.SourceID, r.Kind, string(r.Identity)}, "\x00")
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
		r.relay = s.Verifier.Identify(request, row.State).RelayType(s.Slug)
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

// findOrganizations finds the organization of each item: the source's own, or for
// a source of the installation the one that the item names.
func (b *batch) findOrganizations() error {
	var ids []string
	var references [][]any
	for _, r := range b.requests {
		if !r.row.Installation() {
			ids = append(ids, r.row.OrganizationID)
			continue
		}
		for i := range r.items {
			o := &r.items[i].organization
			if o.ID != "" {
				ids = append(ids, o.ID)
			}
			for _, reference := range o.References {
				references = append(references, []any{reference.System, reference.Value})
			}
		}
	}
	if slices.ContainsFunc(b.requests, func(r *becoming) bool { return r.row.Installation() }) {
		if err := b.shareReferences(); err != nil {
			return err
		}
	}
	if len(references) > 0 {
		var rows []models.SourceReference
		condition, parameters := database.AmongRows(b.engine.db.Dialect, []string{"name", "value"}, []database.ValueKind{database.TextValue, database.TextValue}, references)
		if err := b.tx.Where(condition, parameters...).Find(&rows).Error; err != nil {
			return fmt.Errorf("reading references: %w", err)
		}
		for _, row := range rows {
			b.references[inbound.Reference{System: row.Name, Value: row.Value}] = row.OrganizationID
			ids = append(ids, row.OrganizationID)
		}
	}
	if err := b.readOrganizations(ids); err != nil {
		return err
	}
	for _, r := range b.requests {
		for i := range r.items {
			r.items[i].organizationID = b.organizationOf(r, &r.items[i].organization)
		}
	}
	return nil
}

// shareReferences keeps references from being added until the transaction is
// committed: whoever adds one then finds every request that waits for it.
func (b *batch) shareReferences() error {
	return b.tx.Exec("SELECT 1" + b.engine.db.Dialect.Share(database.ReferenceLock)).Error
}

// readOrganizations reads the organizations of some ids; an installation's items
// may name the external id as well.
func (b *batch) readOrganizations(ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	inID, parameter := b.engine.db.Dialect.Among("id", ids)
	inExternal, external := b.engine.db.Dialect.Among("external_id", ids)
	var rows []models.Organization
	if err := b.tx.Where("("+inID+" OR "+inExternal+") AND deleted_at IS NULL", parameter, external).Find(&rows).Error; err != nil {
		return fmt.Errorf("reading organizations: %w", err)
	}
	for i := range rows {
		b.organizations[rows[i].ID] = &rows[i]
		if rows[i].ExternalID != nil {
			if _, taken := b.organizations[*rows[i].ExternalID]; !taken {
				b.organizations[*rows[i].ExternalID] = &rows[i]
			}
		}
	}
	return nil
}

func (b *batch) organizationOf(r *becoming, o *inbound.Organization) string {
	if !r.row.Installation() {
		return r.row.OrganizationID
	}
	if found := b.organizations[o.ID]; o.ID != "" && found != nil {
		return found.ID
	}
	for _, reference := range o.References {
		if id := b.references[reference]; id != "" && b.organizations[id] != nil {
			return id
		}
	}
	return ""
}

// make makes the events: it finds out which were made before, writes the others,
// and says what became of each request.
func (b *batch) make() error {
	var all []*made
	for _, r := range b.requests {
		all = append(all, b.plan(r)...)
	}
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
			b.fail(m.of, models.ReasonMappingFailed, err.Error())
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
		if err := b.engine.fanOutNoted(b.tx, drafts); err != nil {
			return err
		}
	}
	if err := b.link(all); err != nil {
		return err
	}
	b.conclude(all)
	return nil
}

// plan lists the events that a request becomes, and notes what of it fails.
func (b *batch) plan(r *becoming) (list []*made) {
	if r.whole != "" {
		b.fail(r, models.ReasonMappingFailed, r.whole)
	}
	if id := b.relayTo(r); id != "" {
		list = append(list, b.event(r, id, "", r.row.ID, nil))
	}
	for i := range r.items {
		item := &r.items[i]
		switch {
		case item.result.Outcome == inbound.OutcomeFailed:
			b.fail(r, models.ReasonMappingFailed, errorText(item.result.Err))
		case item.organizationID == "":
			o := &item.organization
			if len(item.result.Events) > 0 || o.ID != "" || len(o.References) > 0 {
				b.failOrganization(r, &item.organization)
			}
		case b.organizations[item.organizationID] == nil:
			b.fail(r, models.ReasonNoOrganization, "The organization was deleted.")
		default:
			for j := range item.result.Events {
				m := &item.result.Events[j]
				list = append(list, b.event(r, item.organizationID, m.Mapping, m.Identity, m))
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

func (b *batch) event(r *becoming, organizationID, mapping, identity string, mapped *inbound.Mapped) *made {
	now := b.engine.clock.Now()
	sum := sha256.Sum256([]byte(identity))
	kind := identityMapped // the mapping's name is part of the identity, as far as it matters
	if mapped == nil {
		kind = identityRelayed
	}
	return &made{of: r, mapped: mapped, mapping: mapping, identity: &identityRow{OrganizationID: organizationID, SourceID: r.row.SourceID, Kind: kind, Identity: sum[:],
		EventID: b.engine.clock.NewID(models.PrefixEvent, now), CreatedAt: now}}
}

// findRepeated saves the events' identities and finds those that were made before.
// An identity that another transaction holds is waited for.
func (b *batch) findRepeated(all []*made) error {
	if len(all) == 0 {
		return nil
	}
	rows := make([]*identityRow, 0, len(all))
	names := make([][]any, 0, len(all))
	forced := map[string]bool{}
	for _, m := range all {
		rows, names = append(rows, m.identity), append(names, []any{m.identity.OrganizationID, m.identity.SourceID, m.identity.Kind, m.identity.Identity})
		forced[m.identity.name()] = forced[m.identity.name()] || m.of.forced
	}
	slices.SortStableFunc(rows, func(a, c *identityRow) int { return strings.Compare(a.name(), c.name()) })
	rows = slices.CompactFunc(rows, func(a, c *identityRow) bool { return a.name() == c.name() })
	held, err := b.holdIdentities(rows, names)
	if err != nil {
		return err
	}
	for _, m := range all {
		holder := held[m.identity.name()]
		m.known, m.holder = holder != m.identity.EventID, holder
		m.repeated = m.known && !m.of.forced
	}
	return nil
}

// holdIdentities inserts the identities that are free and returns which event holds
// each.
func (b *batch) holdIdentities(rows []*identityRow, names [][]any) (map[string]string, error) {
	inserted, err := database.InsertFree(b.engine.db.Dialect, b.tx.DB, rows)
	if err != nil {
		return nil, fmt.Errorf("holding identities: %w", err)
	}
	held := make(map[string]string, len(rows))
	if inserted == len(rows) { // as nearly always: none was taken
		for _, row := range rows {
			held[row.name()] = row.EventID
		}
		return held, nil
	}
	condition, parameters := database.AmongRows(b.engine.db.Dialect, identityColumns, identityKinds, names)
	var saved []identityRow
	if err := b.tx.Where(condition, parameters...).Find(&saved).Error; err != nil {
		return nil, fmt.Errorf("reading identities: %w", err)
	}
	for i := range saved {
		held[saved[i].name()] = saved[i].EventID
	}
	return held, nil
}

// What an identity is known by, and the types of that.
var (
	identityColumns = []string{"organization_id", "source_id", "kind", "identity"}
	identityKinds   = []database.ValueKind{database.TextValue, database.TextValue, database.TextValue, database.BytesValue}
)

// leave puts off the requests that count as repeats of events that couldn't be
// made after all.
func (b *batch) leave(all, unmade []*made) {
	for _, m := range all {
		if m.repeated && slices.ContainsFunc(unmade, func(u *made) bool { return u.identity.EventID == m.holder }) {
			b.left[m.of.row.ID] = true
		}
	}
}

// forget frees the identities of events that can't be made, so that a replay can
// make them.
func (b *batch) forget(unmade []*made) error {
	if len(unmade) == 0 {
		return nil
	}
	names, ids := make([][]any, len(unmade)), make([]string, len(unmade))
	for i, m := range unmade {
		names[i], ids[i] = []any{m.identity.OrganizationID, m.identity.SourceID, m.identity.Kind, m.identity.Identity}, m.identity.EventID
	}
	condition, parameter := b.engine.db.Dialect.Among("event_id", ids)
	named, parameters := database.AmongRows(b.engine.db.Dialect, identityColumns, identityKinds, names)
	err := b.tx.Where(named, parameters...).Where(condition, parameter).Delete(&identityRow{}).Error
	if err != nil {
		return fmt.Errorf("freeing identities: %w", err)
	}
	return nil
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
			return fmt.Errorf("%s: what it makes doesn’t fit %s: %w", m.mapped.Mapping, m.mapped.Type, err)
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
		case row.State == inbound.Verified && r.source.Verifier.Relayable() && slices.Contains(r.source.Verifier.Carriers(), name) && h.Value != Masked:
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
func (b *batch) fail(r *becoming, reason, text string, awaits ...inbound.Reference) {
	if _, failed := b.outcomes[r.row.ID]; !failed {
		b.outcomes[r.row.ID] = outcome{models.ProcessingFailed, reason, text, awaits}
	}
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
	b.fail(r, models.ReasonNoOrganization, text, o.References...)
}

// conclude says what became of the requests that didn't fail.
func (b *batch) conclude(all []*made) {
	for _, r := range b.requests {
		if b.left[r.row.ID] {
			delete(b.outcomes, r.row.ID)
			continue
		}
		if _, failed := b.outcomes[r.row.ID]; failed {
			continue
		}
		fresh, repeated := 0, 0
		for _, m := range all {
			switch {
			case m.of != r:
			case m.repeated:
				repeated++
			default:
				fresh++
			}
		}
		b.outcomes[r.row.ID] = concluded(r, fresh, repeated)
	}
}

func concluded(r *becoming, fresh, repeated int) outcome {
	switch {
	case fresh > 0:
		return outcome{processing: models.ProcessingProcessed}
	case r.feedback:
		return outcome{processing: models.ProcessingProcessed, reason: models.ReasonMail}
	case repeated > 0:
		return outcome{processing: models.ProcessingIgnored, reason: models.ReasonRepeated, error: "It became these events before. Force the replay to make them again."}
	case r.row.State == inbound.Unverified:
		return outcome{processing: models.ProcessingIgnored, reason: models.ReasonUnverified}
	case slices.ContainsFunc(r.items, func(i becomingItem) bool { return i.result.Outcome == inbound.OutcomeFiltered }):
		return outcome{processing: models.ProcessingIgnored, reason: models.ReasonFiltered}
	}
	return outcome{processing: models.ProcessingIgnored, reason: models.ReasonUnmapped}
}

func errorText(err error) string {
	if err == nil {
		return "The mapping failed."
	}
	return err.Error()
}

// payments are what sources have told of payments, with what a batch adds.
type payments struct {
	rows    map[string]*models.SourcePayment
	changed []*models.SourcePayment
	engine  *Engine
}

func paymentKey(organizationID, sourceID, paymentID string) string {
	return strings.Join([]string{organizationID, sourceID, paymentID}, "\x00")
}

// addPayments reads and locks what is known of the payments that events speak of.
func (b *batch) addPayments(all []*made) (*payments, error) {
	t := &payments{rows: map[string]*models.SourcePayment{}, engine: b.engine}
	var names [][]any
	for _, m := range all {
		if m.repeated || m.mapped == nil || m.mapped.Payment == nil {
			continue
		}
		row := &models.SourcePayment{OrganizationID: m.identity.OrganizationID, SourceID: m.identity.SourceID, PaymentID: plainText(m.mapped.Payment.ID), UpdatedAt: b.engine.clock.Now()}
		key := paymentKey(row.OrganizationID, row.SourceID, row.PaymentID)
		if t.rows[key] == nil {
			t.rows[key] = row
			t.changed = append(t.changed, row)
			names = append(names, []any{row.OrganizationID, row.SourceID, row.PaymentID})
		}
	}
	if len(names) == 0 {
		return t, nil
	}
	slices.SortFunc(t.changed, func(a, c *models.SourcePayment) int {
		return strings.Compare(paymentKey(a.OrganizationID, a.SourceID, a.PaymentID), paymentKey(c.OrganizationID, c.SourceID, c.PaymentID))
	})
	if err := b.tx.Clauses(clause.OnConflict{DoNothing: true}).Create(t.changed).Error; err != nil {
		return nil, fmt.Errorf("adding payments: %w", err)
	}
	var saved []models.SourcePayment
	text := database.TextValue
	condition, parameters := database.AmongRows(b.engine.db.Dialect, []string{"organization_id", "source_id", "payment_id"}, []database.ValueKind{text, text, text}, names)
	err := b.tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where(condition, parameters...).Order("organization_id, source_id, payment_id").Find(&saved).Error
	if err != nil {
		return nil, fmt.Errorf("reading payments: %w", err)
	}
	for i := range saved {
		row := t.rows[paymentKey(saved[i].OrganizationID, saved[i].SourceID, saved[i].PaymentID)]
		row.Paid, row.Refunded = saved[i].Paid, saved[i].Refunded
	}
	return t, nil
}

// of adds what an event says of its payment, and returns the sum.
func (t *payments) of(m *made) inbound.PaymentTotal {
	if m.mapped.Payment == nil {
		return inbound.PaymentTotal{}
	}
	row := t.rows[paymentKey(m.identity.OrganizationID, m.identity.SourceID, plainText(m.mapped.Payment.ID))]
	if row == nil {
		return inbound.PaymentTotal{}
	}
	m.before = *row
	if paid := m.mapped.Payment.Paid; paid != nil {
		row.Paid = paid
	}
	if refund := m.mapped.Payment.Refund; refund != nil && !m.known {
		row.Refunded += *refund
	}
	return inbound.PaymentTotal{Paid: row.Paid, Refunded: row.Refunded}
}

// takeBack forgets what of added for an event that isn't made.
func (t *payments) takeBack(m *made) {
	if m.before.PaymentID == "" {
		return
	}
	row := t.rows[paymentKey(m.before.OrganizationID, m.before.SourceID, m.before.PaymentID)]
	row.Paid, row.Refunded = m.before.Paid, m.before.Refunded
}

// save writes the sums.
func (t *payments) save(tx *database.Tx) error {
	if len(t.changed) == 0 {
		return nil
	}
	now := t.engine.clock.Now()
	for _, row := range t.changed {
		row.UpdatedAt = now
	}
	if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(t.changed).Error; err != nil {
		return fmt.Errorf("saving payments: %w", err)
	}
	return nil
}
