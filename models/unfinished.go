package models

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"gorm.io/gorm"
)

// unfinishedFanOut is a committed event of which not every delivery is written:
// it has more than one transaction is to write. The row is committed with the
// event and names every endpoint that was subscribed and enabled at that moment,
// so that the event reaches all of them, whatever stops meanwhile. It goes with
// the last slice.
type unfinishedFanOut struct {
	EventID        string `gorm:"primaryKey"`
	OrganizationID string
	EndpointIDs    []string `gorm:"serializer:json"`
	Written        int      // of the endpoints, from the first on
	// WakeAt is when nobody is at it any more, as far as anybody knows.
	WakeAt time.Time
}

// TableName is what the rows are of.
func (unfinishedFanOut) TableName() string { return "fan_outs" }

const (
	// sliceLease is how long a fan-out is left to who wrote its last slice.
	sliceLease = 30 * time.Second
	// finishStep is how many fan-outs one FinishFanOuts begins.
	finishStep = 20
)

func unfinishedOf(d *draft) *unfinishedFanOut {
	return &unfinishedFanOut{EventID: d.event.ID, OrganizationID: d.event.OrganizationID, EndpointIDs: idsOf(d), Written: d.written}
}

// idsOf lists the endpoints of a draft of which the first slice is planned. Those
// of that slice are not looked at again, and stay out.
func idsOf(d *draft) []string {
	ids := make([]string, d.written+len(d.rest))
	for i, e := range d.rest {
		ids[d.written+i] = e.ID
	}
	return ids
}

// saveUnfinished inserts the rows, with the database's clock.
func (s *Store) saveUnfinished(tx *Tx, rows []*unfinishedFanOut, now time.Time) error {
	if len(rows) == 0 {
		return nil
	}
	for _, row := range rows {
		row.WakeAt = now.Add(sliceLease)
	}
	if err := tx.Create(rows).Error; err != nil {
		return fmt.Errorf("saving what is yet to be written: %w", err)
	}
	return nil
}

// errElsewhere is of a slice that another process has written.
var errElsewhere = errors.New("another process goes on with the event")

// writeSlice writes the next deliveries of a committed event, at most so many,
// and wakes them. A slice that fails is left to FinishFanOuts: the event is
// accepted either way.
func (s *Store) writeSlice(ctx context.Context, d *draft, most int) {
	n := min(len(d.rest), most)
	f := &fanOut{}
	s.addDeliveries(f, d, d.rest[:n])
	err := s.transact(ctx, func(tx *Tx) error {
		if err := s.noteWritten(tx, d, n); err != nil {
			return err
		}
		return s.write(tx, f)
	})
	switch {
	case errors.Is(err, errElsewhere):
		d.rest = nil
	case err != nil:
		s.log.Error("an event's deliveries are written later", "event", d.event.ID, "written", d.written, "left", len(d.rest), "error", err)
		d.rest = nil
	default:
		d.rest, d.written = d.rest[n:], d.written+n
		s.wake(d.woken)
	}
	d.woken = nil
}

// noteWritten moves the row on by a slice, or removes it with the last one, if
// it stands where the draft does.
func (s *Store) noteWritten(tx *Tx, d *draft, n int) error {
	row := tx.Where("event_id = ? AND written = ?", d.event.ID, d.written)
	if n == len(d.rest) {
		row = row.Delete(&unfinishedFanOut{})
	} else {
		row = row.Model(&unfinishedFanOut{}).UpdateColumns(map[string]any{"written": d.written + n, "wake_at": s.afterLease()})
	}
	if row.Error == nil && row.RowsAffected == 0 {
		return errElsewhere
	}
	return row.Error
}

func (s *Store) afterLease() any {
	return gorm.Expr(s.dialect.secondsAfter(s.dialect.now(s.clock), strconv.Itoa(int(sliceLease/time.Second))))
}

// FinishFanOuts goes on with events that nobody is at any more, since the
// process that accepted them ended or failed: their slices wait for their turns
// from here on. It returns how many it has begun with.
func (s *Store) FinishFanOuts(ctx context.Context) (int, error) {
	var rows []unfinishedFanOut
	err := s.db.WithContext(ctx).Select("event_id", "organization_id", "endpoint_ids", "written").
		Where("wake_at <= " + s.dialect.now(s.clock)).Order("wake_at").Limit(finishStep).Find(&rows).Error
	if err != nil {
		return 0, fmt.Errorf("looking for unfinished events: %w", err)
	}
	var drafts []*draft
	for i := range rows {
		d, err := s.unfinishedDraft(ctx, &rows[i])
		if err != nil {
			return 0, fmt.Errorf("going on with event %s: %w", rows[i].EventID, err)
		}
		if d != nil {
			drafts = append(drafts, d)
		}
	}
	s.publish.resume(drafts)
	return len(drafts), nil
}

// unfinishedDraft takes a row over and makes a draft of what is left of it. It
// is nil where another process was faster.
func (s *Store) unfinishedDraft(ctx context.Context, row *unfinishedFanOut) (*draft, error) {
	db := s.db.WithContext(ctx)
	taken := db.Model(&unfinishedFanOut{}).Where("event_id = ? AND written = ? AND wake_at <= "+s.dialect.now(s.clock), row.EventID, row.Written).UpdateColumn("wake_at", s.afterLease())
	if taken.Error != nil || taken.RowsAffected == 0 {
		return nil, taken.Error
	}
	d := &draft{committed: true, written: row.Written}
	if err := db.Select("id", "organization_id", "type", "test").Where("id = ?", row.EventID).Take(&d.event).Error; err != nil {
		return nil, err
	}
	ids := row.EndpointIDs[row.Written:]
	condition, parameter := s.dialect.among("id", ids)
	var endpoints []Endpoint
	if err := db.Select("id", "organization_id", "schedule").Where(condition, parameter).Find(&endpoints).Error; err != nil {
		return nil, err
	}
	byID := make(map[string]*Endpoint, len(endpoints))
	for i := range endpoints {
		byID[endpoints[i].ID] = &endpoints[i]
	}
	d.rest = make([]*Endpoint, len(ids))
	for i, id := range ids {
		d.rest[i] = byID[id]
	}
	return d, nil
}
