package pipeline

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hookwell/models"
	"hookwell/models/database"
)

var countColumns = [models.CountCells]string{"attempts", "failed_attempts", "delivered", "failed", "ms5", "ms10", "ms20", "ms40", "ms70", "ms100", "ms150", "ms200",
	"ms300", "ms500", "ms800", "ms1200", "ms2000", "ms5000", "ms10000", "ms30000"}

// RollupRow holds the counts of one span of time. EndpointID is empty for the
// whole organization. Since is in Unix seconds, Span in seconds.
type RollupRow struct {
	OrganizationID string        `gorm:"primaryKey"`
	EndpointID     string        `gorm:"primaryKey"`
	Span           int64         `gorm:"primaryKey;autoIncrement:false"`
	Since          int64         `gorm:"primaryKey;autoIncrement:false"`
	Counts         models.Counts `gorm:"embedded"`
}

// TableName names the table of the rows for GORM.
func (RollupRow) TableName() string { return "rollups" }

// rollupDelta is what one transaction adds to the rollups.
type rollupDelta struct {
	ID     string
	Counts string
}

// TableName names the table of the rows for GORM.
func (rollupDelta) TableName() string { return "rollup_deltas" }

// traffic gathers counts of an endpoint's half hours.
type traffic map[halfHour]*models.Counts

type halfHour struct {
	organizationID, endpointID string
	since                      int64
}

func (t traffic) at(organizationID, endpointID string, at time.Time) *models.Counts {
	key := halfHour{organizationID, endpointID, at.Truncate(models.HalfHour).Unix()}
	c := t[key]
	if c == nil {
		c = &models.Counts{}
		t[key] = c
	}
	return c
}

// count adds what came of an attempt. Earlier is how the delivery had ended
// before, if it had: one that failed and arrived after all counts as delivered
// alone, and one that was delivered is not delivered twice.
func (t traffic) count(r *Result, v decision, earlier *models.Delivery) {
	w, x := &r.Job.work, &r.Exchange
	if w.Trigger == models.TriggerTest {
		return
	}
	c := t.at(w.OrganizationID, r.Job.EndpointID, r.ended())
	c.Attempt(x.Cause == "", x.StatusCode, x.Duration)
	switch {
	case v.state == models.Failed:
		c.Failed++
	case v.state == models.Delivered && (earlier == nil || earlier.State != models.Delivered):
		c.Delivered++
	}
	if v.state == models.Delivered && earlier != nil && earlier.State == models.Failed {
		t.at(w.OrganizationID, r.Job.EndpointID, *earlier.EndedAt).Failed--
	}
}

// countedSpan is a half hour as a delta holds it.
type countedSpan struct {
	Organization string `json:"org"`
	Endpoint     string `json:"ep"`
	Since        int64  `json:"at"`
	Counts       []int  `json:"n"` // in the columns' order, zeros at the end left out
}

// save writes the counts beside what they count: whatever becomes of the
// transaction becomes of them. It is one row, however many endpoints are in it,
// and contended by nobody.
func (t traffic) save(db *gorm.DB, c *database.Clock) error {
	if len(t) == 0 {
		return nil
	}
	delta, err := t.delta(c)
	if err != nil {
		return err
	}
	if err := db.Create(delta).Error; err != nil {
		return fmt.Errorf("counting: %w", err)
	}
	return nil
}

// delta returns the row that holds the counts.
func (t traffic) delta(c *database.Clock) (*rollupDelta, error) {
	spans := make([]countedSpan, 0, len(t))
	for key, counts := range t {
		spans = append(spans, countedSpan{key.organizationID, key.endpointID, key.since, counts.Packed()})
	}
	body, err := json.Marshal(spans)
	if err != nil {
		return nil, err
	}
	return &rollupDelta{ID: c.NewID(prefixDelta, c.Now()), Counts: string(body)}, nil
}

const prefixDelta = "cnt_"

func unpacked(list []int) (c models.Counts) {
	cells := c.Cells()
	for i, n := range list[:min(len(list), len(cells))] {
		*cells[i] = n
	}
	return c
}

// RollUp adds, in one step, new deltas to the rollups. It returns how many groups
// of attempts it added; if that is FullStep, call it again. A step writes few
// rows, so that others don't wait for it. Two steps never add the same delta, and
// a step that is cut short adds nothing.
func (p *Engine) RollUp(ctx context.Context) (int, error) {
	var deltas []rollupDelta
	var more bool
	err := p.db.Transaction(ctx, func(tx *database.Tx) error {
		free, err := p.db.Dialect.TrySerialize(tx.DB, database.RollupLock)
		if err != nil || !free {
			return err
		}
		deltas, more = nil, false
		if err := tx.Order("id").Limit(FullStep).Find(&deltas).Error; err != nil || len(deltas) == 0 {
			return err
		}
		rows, n, err := rolledUp(deltas, rollupRows*p.db.Dialect.GroupWeight())
		if err != nil {
			return err
		}
		deltas, more = deltas[:n], n < len(deltas)
		if err := database.CreateAll(tx.Clauses(addToRollups()), rows); err != nil {
			return err
		}
		return tx.Delete(&deltas).Error
	})
	if err != nil {
		return 0, fmt.Errorf("rolling up: %w", err)
	}
	if more {
		return FullStep, nil
	}
	return len(deltas), nil
}

// rollupRows is for how many times a group's deliveries a step has rows.
const rollupRows = 2

// rolledUp adds deltas up to the rows of the spans that they are part of, n of
// them, until there are as many rows as that.
func rolledUp(deltas []rollupDelta, most int) (rows []RollupRow, n int, err error) {
	sums := map[RollupRow]*models.Counts{} // by a row without counts
	add := func(organizationID, endpointID string, span time.Duration, at time.Time, counts models.Counts) {
		key := RollupRow{OrganizationID: organizationID, EndpointID: endpointID, Span: int64(span / time.Second), Since: at.Truncate(span).Unix()}
		if sums[key] == nil {
			sums[key] = &models.Counts{}
		}
		sums[key].Add(counts)
	}
	for ; n < len(deltas) && len(sums) < most; n++ {
		var spans []countedSpan
		if err := json.Unmarshal([]byte(deltas[n].Counts), &spans); err != nil {
			return nil, 0, fmt.Errorf("reading counts: %w", err)
		}
		for _, s := range spans {
			counts, at := unpacked(s.Counts), time.Unix(s.Since, 0).UTC()
			add(s.Organization, "", models.HalfHour, at, counts)
			add(s.Organization, s.Endpoint, models.Hour, at, counts)
			add(s.Organization, s.Endpoint, models.Day, at, counts)
		}
	}
	rows = make([]RollupRow, 0, len(sums))
	for row, counts := range sums {
		row.Counts = *counts
		rows = append(rows, row)
	}
	// What is read together is written together.
	slices.SortFunc(rows, func(a, b RollupRow) int {
		return cmp.Or(cmp.Compare(a.OrganizationID, b.OrganizationID), cmp.Compare(a.EndpointID, b.EndpointID), cmp.Compare(a.Span, b.Span), cmp.Compare(a.Since, b.Since))
	})
	return rows, n, nil
}

func addToRollups() clause.OnConflict {
	add := map[string]any{}
	for _, column := range countColumns {
		add[column] = gorm.Expr("rollups." + column + " + excluded." + column)
	}
	return clause.OnConflict{Columns: []clause.Column{{Name: "organization_id"}, {Name: "endpoint_id"}, {Name: "span"}, {Name: "since"}},
		DoUpdates: clause.Assignments(add)}
}

// pruneRollups removes the counts of before a time.
func (p *Engine) pruneRollups(db *gorm.DB, before time.Time) error {
	return db.Where("since < ?", before.Unix()).Delete(&RollupRow{}).Error
}

// CountSums is the SQL that adds up all counts of a set of rows.
var CountSums = func() string {
	sums := make([]string, len(countColumns))
	for i, column := range countColumns {
		sums[i] = "CAST(coalesce(sum(" + column + "), 0) AS bigint) AS " + column
	}
	return strings.Join(sums, ", ")
}()
