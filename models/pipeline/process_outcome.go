package pipeline

import (
	"slices"

	"hookwell/inbound"
	"hookwell/models"
)

// tally counts the events that a request becomes.
type tally struct {
	fresh, mapped int      // mapped are those of fresh that aren't relayed
	repeated      []string // the mappings of events that were made before
}

// conclude says what became of the requests that didn't fail.
func (b *batch) conclude(all []*made) {
	tallies := make(map[*becoming]*tally, len(b.requests))
	for _, r := range b.requests {
		tallies[r] = &tally{}
	}
	for _, m := range all {
		t := tallies[m.of]
		switch {
		case !m.repeated:
			t.fresh++
			if m.mapped != nil {
				t.mapped++
			}
		case m.mapped != nil:
			t.repeated = addNames(t.repeated, m.mapping)
		}
	}
	for _, r := range b.requests {
		if b.left[r.row.ID] {
			delete(b.outcomes, r.row.ID)
			continue
		}
		if _, failed := b.outcomes[r.row.ID]; !failed {
			b.outcomes[r.row.ID] = r.concluded(tallies[r])
		}
	}
}

// concluded returns what a request became. A replay of which nothing new comes takes
// nothing back: what became events before is processed still.
func (r *becoming) concluded(t *tally) outcome {
	o := outcome{processing: models.ProcessingProcessed, unchanged: t.fresh == 0 && r.row.ProcessedAt != nil}
	became := t.fresh > 0 || r.wasRelayed || r.wasMapped
	switch {
	case r.feedback:
		o.reason = models.ReasonMail
		return o
	case !became:
		o.processing = models.ProcessingIgnored
	case r.source.mappings == nil || r.source.mappings.None():
		return o // nothing was to be mapped
	}
	o.reason, o.mappings = r.unmapped(t)
	return o
}

// unmapped returns why a request became no event of the catalog, with the mappings that
// decided so, or "" if it became one. Of a batch it says as well that some of the items
// were filtered.
func (r *becoming) unmapped(t *tally) (reason string, mappings []string) {
	if r.row.State == inbound.Unverified {
		return models.ReasonUnverified, nil
	}
	mapped := t.mapped > 0 || r.wasMapped
	if len(r.items) > 1 || !mapped && len(t.repeated) == 0 {
		for i := range r.items {
			mappings = addNames(mappings, r.items[i].result.False...)
		}
	}
	switch {
	case len(mappings) > 0:
		return models.ReasonFiltered, mappings
	case mapped:
		return "", nil
	case len(t.repeated) > 0:
		return models.ReasonRepeated, t.repeated
	case len(r.items) > 0 && !slices.ContainsFunc(r.items, func(i becomingItem) bool { return i.result.Outcome != inbound.OutcomeNotJSON }):
		return models.ReasonNotJSON, nil
	}
	return models.ReasonUnmapped, nil
}

// addNames appends the names that a list doesn't have yet.
func addNames(list []string, names ...string) []string {
	for _, name := range names {
		if !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}
