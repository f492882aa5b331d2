package store

import (
	"context"
	"fmt"
	"time"

	"hookwell/models"
	"hookwell/models/pipeline"
)

// Traffic returns the outcomes of the organization's events from one time to
// another, in equal steps, including empty ones. It rounds the times down to whole
// steps; a step is a multiple of HalfHour. The counts lag by some seconds. It fails
// if the database does.
func (t *Tenant) Traffic(ctx context.Context, from, to time.Time, step time.Duration) ([]models.Step, error) {
	return t.traffic(ctx, "", models.HalfHour, from, to, step)
}

// EndpointTraffic returns the Traffic of one endpoint; a step is a multiple of Hour.
// It fails if the database does.
func (t *Tenant) EndpointTraffic(ctx context.Context, endpointID string, from, to time.Time, step time.Duration) ([]models.Step, error) {
	return t.traffic(ctx, endpointID, models.Hour, from, to, step)
}

func (t *Tenant) traffic(ctx context.Context, endpointID string, span time.Duration, from, to time.Time, step time.Duration) ([]models.Step, error) {
	from = from.UTC().Truncate(step)
	steps := make([]models.Step, 0, to.Sub(from)/step+1)
	for at := from; at.Before(to); at = at.Add(step) {
		steps = append(steps, models.Step{At: at})
	}
	var rows []pipeline.RollupRow
	err := t.rows(ctx).Where("endpoint_id = ? AND span = ? AND since >= ? AND since < ?", endpointID, int64(span/time.Second), from.Unix(), to.Unix()).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("reading counts: %w", err)
	}
	for _, row := range rows {
		steps[int(time.Unix(row.Since, 0).Sub(from)/step)].Counts.Add(row.Counts)
	}
	return steps, nil
}

// EndpointCounts returns the counts of each endpoint since a time, by its id. They
// are exact to the hour for up to two days, and to the day beyond. If ids are given,
// it leaves other endpoints out. It fails if the database does.
func (t *Tenant) EndpointCounts(ctx context.Context, since time.Time, ids ...string) (map[string]models.Counts, error) {
	span, from := t.countedSince(since)
	var rows []struct {
		EndpointID string
		Counts     models.Counts `gorm:"embedded"`
	}
	query := t.rows(ctx).Model(&pipeline.RollupRow{})
	if len(ids) > 0 {
		query = query.Where("endpoint_id IN ?", ids)
	}
	err := query.Select("endpoint_id, "+pipeline.CountSums).
		Where("endpoint_id <> '' AND span = ? AND since >= ?", span, from).Group("endpoint_id").Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("reading counts of endpoints: %w", err)
	}
	byID := make(map[string]models.Counts, len(rows))
	for _, row := range rows {
		byID[row.EndpointID] = row.Counts
	}
	return byID, nil
}

// countedSince returns the span, in seconds, that endpoints are counted by since a
// time, and the first one's beginning.
func (t *Tenant) countedSince(since time.Time) (span, from int64) {
	counted := models.Hour
	if t.store.clock.Now().Sub(since) > 2*models.Day {
		counted = models.Day
	}
	return int64(counted / time.Second), since.UTC().Truncate(counted).Unix()
}

// Strips returns, by endpoint id, the hourly counts of some endpoints up to now,
// oldest first. It fails if the database does.
func (t *Tenant) Strips(ctx context.Context, endpointIDs []string) (map[string][]models.Step, error) {
	strips := make(map[string][]models.Step, len(endpointIDs))
	if len(endpointIDs) == 0 {
		return strips, nil
	}
	first := t.store.clock.Now().Truncate(models.Hour).Add(-(models.StripHours - 1) * models.Hour)
	for _, id := range endpointIDs {
		hours := make([]models.Step, models.StripHours)
		for i := range hours {
			hours[i].At = first.Add(time.Duration(i) * models.Hour)
		}
		strips[id] = hours
	}
	var rows []pipeline.RollupRow
	err := t.rows(ctx).Select("endpoint_id", "since", "attempts", "failed_attempts").
		Where("endpoint_id IN ? AND span = ? AND since >= ?", endpointIDs, int64(models.Hour/time.Second), first.Unix()).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("reading the hours of endpoints: %w", err)
	}
	for _, row := range rows {
		if at := int(time.Unix(row.Since, 0).Sub(first) / models.Hour); at < models.StripHours {
			strips[row.EndpointID][at].Counts.Add(row.Counts)
		}
	}
	return strips, nil
}
