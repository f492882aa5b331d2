package pipeline

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/models/database"
)

// identityRow says which event an item of a source became.
type identityRow struct {
	OrganizationID string `gorm:"primaryKey"`
	SourceID       string `gorm:"primaryKey"`
	Kind           string `gorm:"primaryKey"` // identityMapped
	Identity       []byte `gorm:"primaryKey"`
	EventID        string
	CreatedAt      time.Time
}

// TableName names the table of the rows for GORM.
func (identityRow) TableName() string { return "event_identities" }

// identityMapped is the one kind of identity. A request that is relayed needs none:
// only its own link can repeat it.
const identityMapped = "mapped"

func (r *identityRow) name() string {
	return strings.Join([]string{r.OrganizationID, r.SourceID, r.Kind, string(r.Identity)}, "\x00")
}

// event plans an event of a request: a mapped one, or the one that relays it. The
// mapping's name is part of the identity, as far as it matters.
func (b *batch) event(r *becoming, organizationID string, mapped *inbound.Mapped) *made {
	now := b.engine.clock.Now()
	m := &made{of: r, mapped: mapped, identity: &identityRow{OrganizationID: organizationID, SourceID: r.row.SourceID, Kind: identityMapped,
		EventID: b.engine.clock.NewID(models.PrefixEvent, now), CreatedAt: now}}
	if mapped != nil {
		sum := sha256.Sum256([]byte(mapped.Identity))
		m.mapping, m.identity.Identity = mapped.Mapping, sum[:]
	}
	return m
}

// findRepeated saves the identities of mapped events and finds the events that were
// made before. An identity that another transaction holds is waited for.
func (b *batch) findRepeated(all []*made) error {
	var rows []*identityRow
	var names [][]any
	for _, m := range all {
		if m.mapped != nil {
			rows, names = append(rows, m.identity), append(names, []any{m.identity.OrganizationID, m.identity.SourceID, m.identity.Kind, m.identity.Identity})
		}
	}
	slices.SortStableFunc(rows, func(a, c *identityRow) int { return strings.Compare(a.name(), c.name()) })
	rows = slices.CompactFunc(rows, func(a, c *identityRow) bool { return a.name() == c.name() })
	held, err := b.holdIdentities(rows, names)
	if err != nil {
		return err
	}
	relayed, err := b.findLinks()
	if err != nil {
		return err
	}
	for _, m := range all {
		holder := relayed[relayedTo{m.of.row.ID, m.identity.OrganizationID}]
		if m.mapped != nil {
			holder = held[m.identity.name()]
		}
		m.known, m.holder = holder != "" && holder != m.identity.EventID, holder
		m.repeated = m.known && !m.of.forced
	}
	return nil
}

// relayedTo is a request and an organization that it was relayed to.
type relayedTo struct{ requestID, organizationID string }

// findLinks finds what the requests became before, and returns the events that relay
// them already. Only a request that was processed before became any, and nobody else
// processes it meanwhile.
func (b *batch) findLinks() (map[relayedTo]string, error) {
	before := map[string]*becoming{}
	for _, r := range b.requests {
		if r.row.ProcessedAt != nil {
			before[r.row.ID] = r
		}
	}
	if len(before) == 0 {
		return nil, nil
	}
	condition, parameter := b.engine.db.Dialect.Among("request_id", slices.Collect(maps.Keys(before)))
	var links []models.RequestEvent
	if err := b.tx.Select("request_id", "organization_id", "event_id", "mapping").Where(condition, parameter).Find(&links).Error; err != nil {
		return nil, fmt.Errorf("reading what requests became: %w", err)
	}
	found := make(map[relayedTo]string, len(links))
	for _, l := range links {
		r := before[l.RequestID]
		if l.Mapping != "" {
			r.wasMapped = true
			continue
		}
		r.wasRelayed = true
		found[relayedTo{l.RequestID, l.OrganizationID}] = l.EventID
	}
	return found, nil
}

// holdIdentities inserts the identities that are free and returns which event holds
// each.
func (b *batch) holdIdentities(rows []*identityRow, names [][]any) (map[string]string, error) {
	if len(rows) == 0 {
		return nil, nil
	}
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
	if err := b.tx.Select("organization_id", "source_id", "kind", "identity", "event_id").Where(condition, parameters...).Find(&saved).Error; err != nil {
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
