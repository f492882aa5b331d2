package pipeline

import (
	"time"

	"hookwell/models"
)

// What one process writes of a source's refused requests in a minute, in bytes. The
// ring bounds what is kept: what is written in place of it would else be as much as a
// stranger sends.
const (
	refusedWholePerMinute = 4 << 20
	refusedOtherPerMinute = 1 << 20
	refusedRowCost        = 512 // of a row beside its headers and body
)

// refusedBudgets are what is left of a minute. The zero value is ready. The lock of
// refusals is held.
type refusedBudgets struct {
	minute int64
	spent  map[refusedBudget]int            // by source
	shares map[refusedBudget]map[string]int // and of that, by network
}

// refusedBudget is one of the two budgets of a source.
type refusedBudget struct {
	sourceID string
	whole    bool
}

// spend reports whether a refusal may be written, and counts it if so. A network has
// at most half of what it and the others left, so that there is always some for one
// that comes later.
func (b *refusedBudgets) spend(row *models.RefusedRequest, maxBody int) bool {
	if minute := row.ReceivedAt.Truncate(time.Minute).Unix(); minute > b.minute || b.spent == nil {
		b.minute, b.spent, b.shares = minute, map[refusedBudget]int{}, map[refusedBudget]map[string]int{}
	}
	limit := refusedOtherPerMinute
	if row.Whole { // two of the longest at least, so that half is one
		limit = max(refusedWholePerMinute, min(2*(maxBody+maxRefusedHead), 2*waitingRefusalBytes))
	}
	at, cost := refusedBudget{row.SourceID, row.Whole}, row.Size+refusedRowCost
	own := b.shares[at][row.Share]
	if own+cost > (limit-b.spent[at]+own)/2 {
		return false
	}
	if b.shares[at] == nil {
		b.shares[at] = map[string]int{}
	}
	b.spent[at] += cost
	b.shares[at][row.Share] = own + cost
	return true
}

// maxRefusedHead is more than a request's headers have, in bytes.
const maxRefusedHead = 64 << 10
