package models

import (
	"context"
	"fmt"
	"time"
)

// Step is the counts of one step of a chart, from At on.
type Step struct {
	At     time.Time
	Counts Counts
}

// Traffic answers what became of the organization's events from one time to
// another, in equal steps, those in which nothing happened included. The times
// are moved down to whole steps; a step is a multiple of HalfHour. Counts lag
// behind by some seconds.
func (t *Tenant) Traffic(ctx context.Context, from, to time.Time, step time.Duration) ([]Step, error) {
	return t.traffic(ctx, "", HalfHour, from, to, step)
}

// EndpointTraffic is Traffic of one endpoint; a step is a multiple of Hour.
func (t *Tenant) EndpointTraffic(ctx context.Context, endpointID string, from, to time.Time, step time.Duration) ([]Step, error) {
	return t.traffic(ctx, endpointID, Hour, from, to, step)
}

func (t *Tenant) traffic(ctx context.Context, endpointID string, span time.Duration, from, to time.Time, step time.Duration) ([]Step, error) {
	from = from.UTC().Truncate(step)
	steps := make([]Step, 0, to.Sub(from)/step+1)
	for at := from; at.Before(to); at = at.Add(step) {
		steps = append(steps, Step{At: at})
	}
	var rows []rollupRow
	err := t.rows(ctx).Where("endpoint_id = ? AND span = ? AND since >= ? AND since < ?", endpointID, int64(span/time.Second), from.Unix(), to.Unix()).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("reading counts: %w", err)
	}
	for _, row := range rows {
		steps[int(time.Unix(row.Since, 0).Sub(from)/step)].Counts.Add(row.Counts)
	}
	return steps, nil
}

// EndpointCounts answers the counts of each endpoint since a time, by its id:
// exact to the hour for up to two days, to the day beyond.
func (t *Tenant) EndpointCounts(ctx context.Context, since time.Time) (map[string]Counts, error) {
	span := Hour
	if t.store.clock.Now().Sub(since) > 2*Day {
		span = Day
	}
	var rows []struct {
		EndpointID string
		Counts     Counts `gorm:"embedded"`
	}
	err := t.rows(ctx).Model(&rollupRow{}).Select("endpoint_id, "+countSums).
		Where("endpoint_id <> '' AND span = ? AND since >= ?", int64(span/time.Second), since.UTC().Truncate(span).Unix()).Group("endpoint_id").Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("reading counts of endpoints: %w", err)
	}
	byID := make(map[string]Counts, len(rows))
	for _, row := range rows {
		byID[row.EndpointID] = row.Counts
	}
	return byID, nil
}

// StripHours is how many hours an endpoint's strip shows, this one included.
const StripHours = 24

// Strips answers the hours of each of some endpoints up to now, the oldest
// first, by the endpoint's id.
func (t *Tenant) Strips(ctx context.Context, endpointIDs []string) (map[string][]Step, error) {
	strips := make(map[string][]Step, len(endpointIDs))
	if len(endpointIDs) == 0 {
		return strips, nil
	}
	first := t.store.clock.Now().Truncate(Hour).Add(-(StripHours - 1) * Hour)
	for _, id := range endpointIDs {
		hours := make([]Step, StripHours)
		for i := range hours {
			hours[i].At = first.Add(time.Duration(i) * Hour)
		}
		strips[id] = hours
	}
	var rows []rollupRow
	err := t.rows(ctx).Select("endpoint_id", "since", "attempts", "failed_attempts").
		Where("endpoint_id IN ? AND span = ? AND since >= ?", endpointIDs, int64(Hour/time.Second), first.Unix()).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("reading the hours of endpoints: %w", err)
	}
	for _, row := range rows {
		if at := int(time.Unix(row.Since, 0).Sub(first) / Hour); at < StripHours {
			strips[row.EndpointID][at].Counts.Add(row.Counts)
		}
	}
	return strips, nil
}
