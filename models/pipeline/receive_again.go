package pipeline

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/models/database"
)

// again checks a refused request that is kept whole by the source as it is now, its age
// as of its receipt. What passes can be taken back.
func (p *Engine) again(s *OpenSource, refused *models.RefusedRequest, url string) (*Arrival, inbound.Verification) {
	if refused.Query != "" {
		url += "?" + refused.Query
	}
	a := &Arrival{Source: s, Request: keptRequest(&refused.Request, url), Query: refused.Query, StatusCode: refused.StatusCode, refused: refused}
	a.Verification = s.Verify(a.Request)
	return a, a.Verification
}

// CountPassing returns how many of the requests that a source refused pass its checks now.
func (p *Engine) CountPassing(s *OpenSource, refused []models.RefusedRequest, url string) int {
	n := 0
	for i := range refused {
		if refused[i].Whole && !refused[i].Cut() {
			if _, v := p.again(s, &refused[i], url); v.State != inbound.Refused {
				n++
			}
		}
	}
	return n
}

// AcceptAllRefused takes in those of a source's refused requests that pass its checks now,
// and returns how many. What doesn't pass stays as it is. It fails with ErrSourceChanged,
// and has changed nothing, if the source was changed or paused since it was opened.
func (p *Engine) AcceptAllRefused(tx *database.Tx, s *OpenSource, refused []models.RefusedRequest, url string) (int, error) {
	var group []*Arrival
	for i := range refused {
		if !refused[i].Whole || refused[i].Cut() {
			continue
		}
		if a, v := p.again(s, &refused[i], url); v.State != inbound.Refused {
			group = append(group, a)
		}
	}
	for left := group; len(left) > 0; {
		if err := p.takeBack(tx, left); err != nil {
			return 0, err
		}
		if left[0].err != nil { // they are all of one source
			return 0, left[0].err
		}
		// What repeats a repeat is looked at once that is written.
		before := len(left)
		if left = slices.DeleteFunc(slices.Clone(left), func(a *Arrival) bool { return !a.again }); len(left) == before {
			return 0, fmt.Errorf("taking in refused requests: none of %d could be told apart", before)
		}
	}
	return len(group), nil
}

// takeBack takes in requests of one source that it had refused, and removes what is kept
// and counted of them as refused. It leaves an arrival that has an error, or is to be
// looked at again.
func (p *Engine) takeBack(tx *database.Tx, group []*Arrival) error {
	now := p.clock.Now()
	for _, a := range group {
		p.describe(a)
		a.row.ID, a.row.AcceptedAt, a.row.Headers, a.row.Query, a.row.RemoteAddress = a.refused.ID, &now, a.refused.Headers, a.refused.Query, a.refused.RemoteAddress
	}
	if err := p.takeIn(tx, group); err != nil {
		return err
	}
	var ids []string
	counts := map[refusedAt]*refusedCount{}
	for _, a := range group {
		if a.err != nil || a.again {
			continue
		}
		ids = append(ids, a.refused.ID)
		at := refusedAt{a.refused.SourceID, a.refused.Cause, a.refused.ReceivedAt.Truncate(time.Minute).Unix()}
		if counts[at] == nil {
			counts[at] = &refusedCount{SourceID: at.sourceID, Cause: at.cause, Minute: at.minute, OrganizationID: a.refused.OrganizationID}
		}
		counts[at].Count--
	}
	if len(ids) == 0 {
		return nil
	}
	condition, parameter := p.db.Dialect.Among("id", ids)
	if err := tx.Where(condition, parameter).Delete(&models.RefusedRequest{}).Error; err != nil {
		return fmt.Errorf("removing refused requests: %w", err)
	}
	database.NoteIn(tx, func(*queuedRequests) { p.callRequests() })
	return p.uncount(tx, counts)
}

// uncount takes requests that were accepted after all from the counts of refused ones:
// each request counts once.
func (p *Engine) uncount(tx *database.Tx, counts map[refusedAt]*refusedCount) error {
	rows := make([]*refusedCount, 0, len(counts))
	sources := make([]string, 0, 1)
	for _, row := range counts {
		if rows = append(rows, row); !slices.Contains(sources, row.SourceID) {
			sources = append(sources, row.SourceID)
		}
	}
	slices.SortFunc(rows, compareCounts)
	if err := tx.Clauses(addCounts()).Create(rows).Error; err != nil {
		return fmt.Errorf("counting refused requests: %w", err)
	}
	condition, parameter := p.db.Dialect.Among("source_id", sources)
	// A count may have been deleted before, by its age.
	if err := tx.Where(condition, parameter).Where("count <= 0").Delete(&refusedCount{}).Error; err != nil {
		return fmt.Errorf("counting refused requests: %w", err)
	}
	return nil
}

// addCounts has inserted counts added to those that are there.
func addCounts() clause.OnConflict {
	return clause.OnConflict{Columns: []clause.Column{{Name: "source_id"}, {Name: "cause"}, {Name: "minute"}},
		DoUpdates: clause.Assignments(map[string]any{"count": gorm.Expr("refused_counts.count + excluded.count")})}
}

// compareCounts orders counts as every transaction writes them, so that no two wait for
// each other.
func compareCounts(a, b *refusedCount) int {
	return cmp.Or(strings.Compare(a.SourceID, b.SourceID), strings.Compare(string(a.Cause), string(b.Cause)), cmp.Compare(a.Minute, b.Minute))
}
