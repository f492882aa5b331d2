package pipeline

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"hookwell/models"
	"hookwell/models/database"
)

// requestKey is a row by which a repeated request is known.
type requestKey struct {
	SourceID  string `gorm:"primaryKey"`
	Key       []byte `gorm:"primaryKey"`
	RequestID string
	CreatedAt time.Time
}

func (k *requestKey) name() string { return k.SourceID + string(k.Key) }

// tellApart saves the arrivals' keys and returns which are new and which repeat an
// earlier request. It waits for a key that another transaction holds.
func (p *Engine) tellApart(tx *database.Tx, group []*Arrival) (fresh, repeated []*Arrival, err error) {
	held, err := p.holdRequestKeys(tx, group)
	if err != nil {
		return nil, nil, err
	}
	byID := make(map[string]*Arrival, len(group))
	for _, a := range group {
		byID[a.row.ID] = a
	}
	var free []string
	for _, a := range group {
		a.receipt = Receipt{RequestID: a.row.ID}
		for _, key := range a.keys {
			holder := held[a.row.SourceID+string(key.Hash[:])]
			if holder == a.row.ID {
				continue
			}
			if twin := byID[holder]; twin != nil && twin.receipt.Duplicate != "" {
				a.again = true
				break
			}
			a.receipt = Receipt{RequestID: holder, Duplicate: key.Kind}
			break
		}
		switch {
		case a.again:
			free = append(free, a.row.ID)
		case a.receipt.Duplicate != "":
			free, repeated = append(free, a.row.ID), append(repeated, a)
		default:
			fresh = append(fresh, a)
		}
	}
	if len(free) > 0 { // of the keys of one request, all are saved or none
		condition, parameter := p.db.Dialect.Among("request_id", free)
		names := keyNames(group, func(a *Arrival) bool { return slices.Contains(free, a.row.ID) })
		if len(names) > 0 {
			named, parameters := database.AmongRows(p.db.Dialect, []string{"source_id", "key"}, keyKinds, names)
			if err := tx.Where(named, parameters...).Where(condition, parameter).Delete(&requestKey{}).Error; err != nil {
				return nil, nil, fmt.Errorf("freeing keys: %w", err)
			}
		}
	}
	return fresh, repeated, nil
}

// keyKinds are the types of what keyNames lists.
var keyKinds = []database.ValueKind{database.TextValue, database.BytesValue}

// keyNames lists the keys of some arrivals.
func keyNames(group []*Arrival, some func(*Arrival) bool) (names [][]any) {
	for _, a := range group {
		if some(a) {
			for i := range a.keys {
				names = append(names, []any{a.row.SourceID, a.keys[i].Hash[:]})
			}
		}
	}
	return names
}

// holdRequestKeys inserts the keys that are free and returns which request holds
// each.
func (p *Engine) holdRequestKeys(tx *database.Tx, group []*Arrival) (map[string]string, error) {
	rows := p.keysOfArrivals(group)
	if len(rows) == 0 {
		return nil, nil
	}
	if err := database.InsertAll(p.db.Dialect, tx.DB, rows, database.LeaveTaken); err != nil {
		return nil, fmt.Errorf("holding keys: %w", err)
	}
	condition, parameters := database.AmongRows(p.db.Dialect, []string{"source_id", "key"}, keyKinds, keyNames(group, func(*Arrival) bool { return true }))
	var saved []requestKey
	if err := tx.Select("source_id", "key", "request_id").Where(condition, parameters...).Find(&saved).Error; err != nil {
		return nil, fmt.Errorf("reading keys: %w", err)
	}
	held := make(map[string]string, len(saved))
	for i := range saved {
		held[saved[i].name()] = saved[i].RequestID
	}
	return held, nil
}

// countRepeats counts duplicates at the requests that they repeat, and lists the
// first ones of each.
func (p *Engine) countRepeats(tx *database.Tx, repeated []*Arrival) error {
	if len(repeated) == 0 {
		return nil
	}
	counts := map[string]int{}
	for _, a := range repeated {
		counts[a.receipt.RequestID]++
	}
	ids := make([]string, 0, len(counts))
	rows := make([][]any, 0, len(counts))
	for id, n := range counts {
		ids, rows = append(ids, id), append(rows, []any{id, n})
	}
	list, parameters := database.Values(p.db.Dialect, []database.ValueKind{database.TextValue, database.IntegerValue}, rows)
	update := fmt.Sprintf("WITH more(id, n) AS (%s) UPDATE requests SET duplicates = requests.duplicates + more.n FROM more WHERE requests.id = more.id", list)
	if err := tx.Exec(update, parameters...).Error; err != nil {
		return fmt.Errorf("counting duplicates: %w", err)
	}
	condition, parameter := p.db.Dialect.Among("id", ids)
	var counted []models.Request
	if err := tx.Select("id", "duplicates").Where(condition, parameter).Find(&counted).Error; err != nil {
		return fmt.Errorf("reading duplicates: %w", err)
	}
	last := make(map[string]int, len(counted))
	for _, r := range counted {
		last[r.ID] = r.Duplicates - counts[r.ID]
	}
	var seen []*models.DuplicateSeen
	for _, a := range repeated {
		id := a.receipt.RequestID
		n, ok := last[id]
		if last[id] = n + 1; !ok || n >= models.MaxDuplicatesSeen {
			continue
		}
		seen = append(seen, &models.DuplicateSeen{RequestID: id, Number: n + 1, OrganizationID: a.row.OrganizationID, Reason: a.receipt.Duplicate,
			RemoteAddress: a.row.RemoteAddress, ReceivedAt: a.row.ReceivedAt})
	}
	if err := database.InsertAll(p.db.Dialect, tx.DB, seen, database.LeaveTaken); err != nil {
		return fmt.Errorf("listing duplicates: %w", err)
	}
	return nil
}

// keysOfArrivals returns the rows of a group's keys, in one order everywhere, so that
// two groups can't wait for each other. Of twins in a group the first holds the key.
func (p *Engine) keysOfArrivals(group []*Arrival) (rows []*requestKey) {
	now := p.clock.Now()
	for _, a := range group {
		for i := range a.keys {
			rows = append(rows, &requestKey{a.row.SourceID, a.keys[i].Hash[:], a.row.ID, now})
		}
	}
	slices.SortStableFunc(rows, func(a, b *requestKey) int {
		return cmp.Or(strings.Compare(a.SourceID, b.SourceID), bytes.Compare(a.Key, b.Key))
	})
	return slices.CompactFunc(rows, func(a, b *requestKey) bool { return a.name() == b.name() })
}
