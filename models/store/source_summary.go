package store

import (
	"context"
	"fmt"
	"time"

	"hookwell/models"
	"hookwell/models/database"
)

// SourceSummary reads one source that is not deleted, with what it took in within 24
// hours.
func (r *Receiving) SourceSummary(ctx context.Context, id string) (*models.SourceSummary, error) {
	source, err := r.Source(ctx, id)
	if err != nil {
		return nil, err
	}
	list, err := r.summarize(ctx, []models.Source{*source})
	if err != nil {
		return nil, err
	}
	return &list[0], nil
}

// SourceSummaries lists the sources with what they took in within 24 hours.
func (r *Receiving) SourceSummaries(ctx context.Context) ([]models.SourceSummary, error) {
	sources, err := r.Sources(ctx)
	if err != nil || len(sources) == 0 {
		return nil, err
	}
	return r.summarize(ctx, sources)
}

func (r *Receiving) summarize(ctx context.Context, sources []models.Source) (_ []models.SourceSummary, err error) {
	list, ids := make([]models.SourceSummary, len(sources)), make([]string, len(sources))
	for i := range sources {
		list[i].Source, ids[i] = sources[i], sources[i].ID
	}
	now := r.store.clock.Now()
	since := now.Add(-models.Day)
	var accepted []struct {
		SourceID string
		Accepted int
		Failed   int
	}
	err = r.rows(ctx).Model(&models.Request{}).Select("source_id, count(*) AS accepted, sum(CASE WHEN processing = 'failed' THEN 1 ELSE 0 END) AS failed").
		Where("source_id IN ? AND id >= ?", ids, database.LowestID(models.PrefixRequest, since)).Group("source_id").Scan(&accepted).Error
	if err != nil {
		return nil, fmt.Errorf("counting requests: %w", err)
	}
	var refused []struct {
		SourceID string
		Refused  int
	}
	err = r.rows(ctx).Table("refused_counts").Select("source_id, sum(count) AS refused").Where("source_id IN ? AND minute >= ?", ids, since.Truncate(time.Minute).Unix()).
		Group("source_id").Scan(&refused).Error
	if err != nil {
		return nil, fmt.Errorf("counting refused requests: %w", err)
	}
	last, err := r.lastRequests(ctx, ids)
	if err != nil {
		return nil, err
	}
	for i := range list {
		for _, a := range accepted {
			if a.SourceID == ids[i] {
				list[i].Accepted, list[i].Failed = a.Accepted, a.Failed
			}
		}
		for _, c := range refused {
			if c.SourceID == ids[i] {
				list[i].Refused = c.Refused
			}
		}
		if at, ok := last[ids[i]]; ok {
			list[i].LastRequestAt = &at
		}
	}
	return list, nil
}

// lastRequests returns when each source got its last request, refused ones
// included.
func (r *Receiving) lastRequests(ctx context.Context, sourceIDs []string) (map[string]time.Time, error) {
	found := map[string]time.Time{}
	for _, table := range []string{"requests", "refused_requests"} {
		var rows []struct{ SourceID, Last string }
		err := r.rows(ctx).Table("sources").Select("id AS source_id, (SELECT max(x.id) FROM "+table+" x WHERE x.source_id = sources.id) AS last").
			Where("id IN ?", sourceIDs).Where("EXISTS (SELECT 1 FROM " + table + " x WHERE x.source_id = sources.id)").Scan(&rows).Error
		if err != nil {
			return nil, fmt.Errorf("looking for the last requests: %w", err)
		}
		for _, row := range rows {
			if at := database.IDTime(row.Last); at.After(found[row.SourceID]) {
				found[row.SourceID] = at
			}
		}
	}
	return found, nil
}
