package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"gorm.io/gorm"

	"hookwell/models"
	"hookwell/models/database"
)

// UnfinishedFanOut is a committed event that has deliveries yet to be written,
// because one transaction doesn't write that many. The row is committed with the
// event and names every endpoint that was subscribed and enabled at that moment,
// so that the event reaches all of them even if the process stops. The last slice
// deletes the row.
type UnfinishedFanOut struct {
	EventID        string `gorm:"primaryKey"`
	OrganizationID string
	EndpointIDs    []string `gorm:"serializer:json"`
	Written        int      // of the endpoints, from the first on
	// WakeAt is when other processes may assume that nobody works on it any more.
	WakeAt time.Time
}

// TableName names the table of the rows for GORM.
func (UnfinishedFanOut) TableName() string { return "fan_outs" }

const (
	// SliceLease is how long a fan-out belongs to the process that wrote its last
	// slice.
	SliceLease = 30 * time.Second
	// finishStep is how many fan-outs one FinishFanOuts begins.
	finishStep = 20
)

func unfinishedOf(d *Draft) *UnfinishedFanOut {
	return &UnfinishedFanOut{EventID: d.Event.ID, OrganizationID: d.Event.OrganizationID, EndpointIDs: idsOf(d), Written: d.written}
}

// idsOf lists the endpoints of a draft of which the first slice is planned. Those
// of that slice are not looked at again, and stay out.
func idsOf(d *Draft) []string {
	ids := make([]string, d.written+len(d.rest))
	for i, e := range d.rest {
		ids[d.written+i] = e.ID
	}
	return ids
}

// saveUnfinished inserts the rows, with the database's clock.
func (p *Engine) saveUnfinished(tx *database.Tx, rows []*UnfinishedFanOut, now time.Time) error {
	if len(rows) == 0 {
		return nil
	}
	for _, row := range rows {
		row.WakeAt = now.Add(SliceLease)
	}
	if err := database.CreateAll(tx.DB, rows); err != nil {
		return fmt.Errorf("saving what is yet to be written: %w", err)
	}
	return nil
}

// errElsewhere is of a slice that another process has written.
var errElsewhere = errors.New("another process goes on with the event")

// writeSlice writes the next deliveries of a committed event, at most so many,
// and wakes them. A slice that fails is left to FinishFanOuts: the event is
// accepted either way.
func (p *Engine) writeSlice(ctx context.Context, d *Draft, most int) {
	n := min(len(d.rest), most)
	f := &fanOut{}
	p.addDeliveries(f, d, d.rest[:n])
	err := p.db.Transaction(ctx, func(tx *database.Tx) error {
		if err := p.noteWritten(tx, d, n); err != nil {
			return err
		}
		return p.write(tx, f)
	})
	switch {
	case errors.Is(err, errElsewhere):
		d.rest = nil
	case err != nil:
		p.log.Error("an event's deliveries are written later", "event", d.Event.ID, "written", d.written, "left", len(d.rest), "error", err)
		d.rest = nil
	default:
		d.rest, d.written = d.rest[n:], d.written+n
		p.Wake(d.woken)
	}
	d.woken = nil
}

// noteWritten moves the row on by a slice, or removes it with the last one, if
// it stands where the draft does.
func (p *Engine) noteWritten(tx *database.Tx, d *Draft, n int) error {
	row := tx.Where("event_id = ? AND written = ?", d.Event.ID, d.written)
	if n == len(d.rest) {
		row = row.Delete(&UnfinishedFanOut{})
	} else {
		row = row.Model(&UnfinishedFanOut{}).UpdateColumns(map[string]any{"written": d.written + n, "wake_at": p.afterLease()})
	}
	if row.Error == nil && row.RowsAffected == 0 {
		return errElsewhere
	}
	return row.Error
}

func (p *Engine) afterLease() any {
	return gorm.Expr(p.db.Dialect.SecondsAfter(p.db.Dialect.Now(p.clock), strconv.Itoa(int(SliceLease/time.Second))))
}

// FinishFanOuts continues events that nobody works on any more, because the
// process that accepted them ended or failed. It queues their slices, which then
// wait for their turns. It returns how many events it has begun with.
func (p *Engine) FinishFanOuts(ctx context.Context) (int, error) {
	var rows []UnfinishedFanOut
	err := p.db.WithContext(ctx).Select("event_id", "organization_id", "endpoint_ids", "written").
		Where("wake_at <= " + p.db.Dialect.Now(p.clock)).Order("wake_at").Limit(finishStep).Find(&rows).Error
	if err != nil {
		return 0, fmt.Errorf("looking for unfinished events: %w", err)
	}
	var drafts []*Draft
	for i := range rows {
		d, err := p.unfinishedDraft(ctx, &rows[i])
		if err != nil {
			return 0, fmt.Errorf("going on with event %s: %w", rows[i].EventID, err)
		}
		if d != nil {
			drafts = append(drafts, d)
		}
	}
	p.publish.resume(drafts)
	return len(drafts), nil
}

// unfinishedDraft takes a row over and makes a draft of what is left of it. It
// is nil where another process was faster.
func (p *Engine) unfinishedDraft(ctx context.Context, row *UnfinishedFanOut) (*Draft, error) {
	db := p.db.WithContext(ctx)
	taken := db.Model(&UnfinishedFanOut{}).Where("event_id = ? AND written = ? AND wake_at <= "+p.db.Dialect.Now(p.clock), row.EventID, row.Written).UpdateColumn("wake_at", p.afterLease())
	if taken.Error != nil || taken.RowsAffected == 0 {
		return nil, taken.Error
	}
	d := &Draft{committed: true, written: row.Written}
	if err := db.Select("id", "organization_id", "type", "test").Where("id = ?", row.EventID).Take(&d.Event).Error; err != nil {
		return nil, err
	}
	ids := row.EndpointIDs[row.Written:]
	condition, parameter := p.db.Dialect.Among("id", ids)
	var endpoints []models.Endpoint
	if err := db.Select("id", "organization_id", "schedule").Where(condition, parameter).Find(&endpoints).Error; err != nil {
		return nil, err
	}
	byID := make(map[string]*models.Endpoint, len(endpoints))
	for i := range endpoints {
		byID[endpoints[i].ID] = &endpoints[i]
	}
	d.rest = make([]*models.Endpoint, len(ids))
	for i, id := range ids {
		d.rest[i] = byID[id]
	}
	return d, nil
}
