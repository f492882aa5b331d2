package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/models/database"
)

const (
	// countedRequests is how many of the newest requests are counted for a page.
	countedRequests = 10_000
	// countedHour is how far the requests of one hour are counted.
	countedHour = 5_000
)

// RequestCounts counts the requests of a filter, whatever states, causes, processing
// and reasons it names, so that each of these can be chosen next. It looks at the
// newest 10,000 accepted and as many refused ones of the filter's source and time. It
// fails if the database does.
func (r *Receiving) RequestCounts(ctx context.Context, filter models.RequestFilter) (models.RequestCounts, error) {
	filter.States, filter.Causes, filter.Processing, filter.Reasons = nil, nil, nil, nil
	counts := models.RequestCounts{States: map[inbound.State]models.CountSoFar{}, Causes: map[inbound.Cause]models.CountSoFar{}, Processing: map[models.Processing]models.CountSoFar{}}
	for _, table := range []string{"requests", "refused_requests"} {
		if err := r.countRequests(ctx, table, filter, counts); err != nil {
			return models.RequestCounts{}, fmt.Errorf("counting requests: %w", err)
		}
	}
	return counts, nil
}

func (r *Receiving) countRequests(ctx context.Context, table string, filter models.RequestFilter, counts models.RequestCounts) error {
	span := models.RequestFilter{SourceID: filter.SourceID, Since: filter.Since, Until: filter.Until}
	var bound []string
	if err := filterRequests(span, r.rows(ctx).Table(table)).Order("id DESC").Offset(countedRequests).Limit(1).Pluck("id", &bound).Error; err != nil {
		return err
	}
	query := filterRequests(filter, r.rows(ctx).Table(table))
	if len(bound) > 0 {
		query = query.Where("id > ?", bound[0])
	}
	var rows []struct {
		State      inbound.State
		Cause      inbound.Cause
		Processing models.Processing
		N          int
	}
	if err := query.Select("state, cause, processing, count(*) AS n").Group("state, cause, processing").Scan(&rows).Error; err != nil {
		return err
	}
	for _, row := range rows {
		n := models.CountSoFar{N: row.N, More: len(bound) > 0}
		addTo(counts.States, row.State, n)
		if row.State == inbound.Refused {
			addTo(counts.Causes, row.Cause, n)
		} else {
			addTo(counts.Processing, row.Processing, n)
		}
	}
	return nil
}

func addTo[K comparable](counts map[K]models.CountSoFar, key K, n models.CountSoFar) {
	sum := counts[key]
	counts[key] = models.CountSoFar{N: sum.N + n.N, More: sum.More || n.More}
}

// RequestHours returns what came to the sources in each of the last 24 hours, this one
// included, oldest first; sourceID narrows it to one source unless it is empty. Of each
// hour it counts 5,000 accepted requests at most. It fails if the database does.
func (r *Receiving) RequestHours(ctx context.Context, sourceID string) ([]models.RequestHour, error) {
	first := r.store.clock.Now().UTC().Truncate(time.Hour).Add(-(models.StripHours - 1) * time.Hour)
	hours := make([]models.RequestHour, models.StripHours)
	for i := range hours {
		hours[i].At = first.Add(time.Duration(i) * time.Hour)
	}
	if err := r.acceptedHours(ctx, sourceID, hours); err != nil {
		return nil, fmt.Errorf("counting the hours' requests: %w", err)
	}
	var refused []struct {
		Hour int64
		N    int
	}
	err := r.ofSources(ctx, sourceID, r.rows(ctx).Table("refused_counts")).Select("minute - minute % 3600 AS hour, sum(count) AS n").
		Where("minute >= ?", first.Unix()).Group("minute - minute % 3600").Scan(&refused).Error
	if err != nil {
		return nil, fmt.Errorf("counting the hours' refused requests: %w", err)
	}
	for _, row := range refused {
		if i := int((row.Hour - first.Unix()) / 3600); i >= 0 && i < len(hours) {
			hours[i].Refused = row.N
		}
	}
	return hours, nil
}

// ofSources narrows a query to one source, or names the owner's: some tables are found
// by their sources alone.
func (r *Receiving) ofSources(ctx context.Context, sourceID string, query *gorm.DB) *gorm.DB {
	if sourceID != "" {
		return query.Where("source_id = ?", sourceID)
	}
	return query.Where("source_id IN (?)", r.rows(ctx).Model(&models.Source{}).Select("id"))
}

// acceptedHours counts accepted requests in one statement: a bounded look into the
// index for each hour, however many there are.
func (r *Receiving) acceptedHours(ctx context.Context, sourceID string, hours []models.RequestHour) error {
	values, bounds := make([]string, len(hours)), make([]any, 0, 2*len(hours))
	for i, h := range hours {
		values[i] = "(?, ?)"
		bounds = append(bounds, database.LowestID(models.PrefixRequest, h.At), database.LowestID(models.PrefixRequest, h.At.Add(time.Hour)))
	}
	within := func() *gorm.DB {
		query := r.rows(ctx).Table("requests").Select("1").Where("id >= column1 AND id < column2").Limit(countedHour + 1)
		if sourceID != "" {
			query = query.Where("source_id = ?", sourceID)
		}
		return query
	}
	failed := r.ofSources(ctx, sourceID, r.rows(ctx).Table("requests").Select("1").Where("processing = 'failed' AND id >= column1 AND id < column2").Limit(countedHour+1))
	var rows []struct {
		Low              string
		Accepted, Failed int
	}
	err := r.store.db.WithContext(ctx).Table("(VALUES "+strings.Join(values, ", ")+") AS hours", bounds...).
		Select("column1 AS low, (SELECT count(*) FROM (?) AS a) AS accepted, (SELECT count(*) FROM (?) AS f) AS failed", within(), failed).Scan(&rows).Error
	if err != nil {
		return err
	}
	for _, row := range rows {
		for i := range hours {
			if bounds[2*i] == row.Low {
				hours[i].Accepted, hours[i].Failed = cappedAt(countedHour, row.Accepted), cappedAt(countedHour, row.Failed)
			}
		}
	}
	return nil
}

func cappedAt(limit, n int) models.CountSoFar {
	return models.CountSoFar{N: min(n, limit), More: n > limit}
}
