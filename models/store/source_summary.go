package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"hookwell/inbound"
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

// RefusingSources lists the sources that refuse all that comes, without counts of what
// they accepted: it costs the same however much that is.
func (r *Receiving) RefusingSources(ctx context.Context) ([]models.SourceSummary, error) {
	sources, err := r.Sources(ctx)
	if err != nil || len(sources) == 0 {
		return nil, err
	}
	list, err := r.standing(ctx, sources)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(list, func(s models.SourceSummary) bool { return s.Health() != models.SourceRefusing }), nil
}

// summarize counts what sources took in.
func (r *Receiving) summarize(ctx context.Context, sources []models.Source) ([]models.SourceSummary, error) {
	list, err := r.standing(ctx, sources)
	if err != nil {
		return nil, err
	}
	ids, since := idsOf(list), r.store.clock.Now().Add(-models.Day)
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
	}
	return list, nil
}

func idsOf(list []models.SourceSummary) []string {
	ids := make([]string, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	return ids
}

// standing finds when each source got its last request, and what it refused since it
// accepted one.
func (r *Receiving) standing(ctx context.Context, sources []models.Source) ([]models.SourceSummary, error) {
	list := make([]models.SourceSummary, len(sources))
	for i := range sources {
		list[i].Source = sources[i]
	}
	// A sample of Hookwell's own says nothing about what the provider sends, and a
	// handshake nothing about its signatures.
	accepted, err := r.newest(ctx, list, "requests x", "x.source_id = sources.id AND x.remote_address <> '' AND x.reason <> '"+models.ReasonHandshake+"'")
	if err != nil {
		return nil, err
	}
	for _, table := range []string{"requests", "refused_requests"} {
		last, err := r.newest(ctx, list, table+" x", "x.source_id = sources.id")
		if err != nil {
			return nil, err
		}
		for i := range list {
			if id := last[list[i].ID]; id != "" {
				if at := database.IDTime(id); list[i].LastRequestAt == nil || at.After(*list[i].LastRequestAt) {
					list[i].LastRequestAt = &at
				}
			}
		}
	}
	return list, r.refusedInARow(ctx, list, accepted)
}

// newest returns the highest id of a table's rows that belong to each source; a source
// without any is left out.
func (r *Receiving) newest(ctx context.Context, list []models.SourceSummary, table, belongs string) (map[string]string, error) {
	var rows []struct {
		SourceID string
		Last     *string
	}
	err := r.rows(ctx).Table("sources").Select("id AS source_id, (SELECT x.id FROM "+table+" WHERE "+belongs+" ORDER BY x.id DESC LIMIT 1) AS last").
		Where("id IN ?", idsOf(list)).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("looking for the last requests: %w", err)
	}
	found := map[string]string{}
	for _, row := range rows {
		if row.Last != nil {
			found[row.SourceID] = *row.Last
		}
	}
	return found, nil
}

// notTheSenders are the causes of refusals that say nothing about how the provider
// signs: a person opened the URL, or it was the source that took nothing.
var notTheSenders = []inbound.Cause{inbound.CauseSourceDisabled, inbound.CauseMethod, inbound.CauseRate}

// refusedSince is what a source refused for one cause since it accepted a request.
type refusedSince struct {
	SourceID string
	Cause    inbound.Cause
	N        int
	Minute   int64  // the first one's, of counts
	First    string // the first one's id, of those that are kept
}

// at returns when the first one came.
func (s refusedSince) at() time.Time {
	if s.First != "" {
		return database.IDTime(s.First)
	}
	return time.Unix(s.Minute, 0).UTC()
}

// refusedInARow fills what the sources refused within 24 hours since the requests that
// they accepted last. Counts are by the minute, so what came in the minute of the last
// acceptance is known only as far as it is kept.
func (r *Receiving) refusedInARow(ctx context.Context, list []models.SourceSummary, accepted map[string]string) error {
	day := r.store.clock.Now().Add(-models.Day)
	lowest := database.LowestID(models.PrefixRequest, day)
	var later, after []string
	var minutes, ids []any
	for i := range list {
		from, minute := lowest, day.Truncate(time.Minute).Unix()
		if last := accepted[list[i].ID]; last > lowest {
			from, minute = last, database.IDTime(last).Truncate(time.Minute).Unix()+60
		}
		later, minutes = append(later, "source_id = ? AND minute >= ?"), append(minutes, list[i].ID, minute)
		after, ids = append(after, "source_id = ? AND id > ?"), append(ids, list[i].ID, from)
	}
	var counted, kept []refusedSince
	err := r.rows(ctx).Table("refused_counts").Select("source_id, cause, sum(count) AS n, min(minute) AS minute").
		Where("count > 0 AND cause NOT IN ?", notTheSenders).Where("("+strings.Join(later, " OR ")+")", minutes...).Group("source_id, cause").Scan(&counted).Error
	if err != nil {
		return fmt.Errorf("counting what was refused in a row: %w", err)
	}
	err = r.rows(ctx).Table("refused_requests").Select("source_id, cause, count(*) AS n, min(id) AS first").
		Where("cause NOT IN ?", notTheSenders).Where("("+strings.Join(after, " OR ")+")", ids...).Group("source_id, cause").Scan(&kept).Error
	if err != nil {
		return fmt.Errorf("looking for what was refused in a row: %w", err)
	}
	for i := range list {
		row := inARow(list[i].ID, counted, kept)
		row.AllDay = accepted[list[i].ID] < lowest
		if row.Count >= models.RefusedBefore || row.AllDay && row.Count > 0 {
			list[i].Refusals = &row
		}
	}
	return nil
}

// inARow sums up what is known of one source. Of what is counted only a part may be kept,
// and the other way round.
func inARow(sourceID string, counted, kept []refusedSince) (row models.RefusedInARow) {
	numbers := map[inbound.Cause]int{}
	for _, s := range slices.Concat(kept, counted) {
		if s.SourceID != sourceID {
			continue
		}
		numbers[s.Cause] = max(numbers[s.Cause], s.N)
		// A minute says less than the id of a request that came in it.
		if at := s.at(); row.Since.IsZero() || at.Before(row.Since.Truncate(time.Minute)) || s.First != "" && at.Before(row.Since) {
			row.Since = at
		}
	}
	for _, cause := range inbound.Causes() {
		if row.Count += numbers[cause]; numbers[cause] > numbers[row.Cause] {
			row.Cause = cause
		}
	}
	return row
}
