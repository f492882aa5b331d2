package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"hookwell/models"
	"hookwell/models/database"
)

// What a person is needed for at an endpoint, the most urgent first.
const (
	needToMend   = iota // it fails, or was disabled by Hookwell
	needToResend        // deliveries have failed for good
	needNothing
)

// summaryQuery judges every endpoint of an organization once, and reads those
// that either list begins with. What a notice tells of needs no second word. Each
// part is materialized: a plan would otherwise judge an endpoint anew wherever its
// health or its counts are named, and join them by rereading all counts for each.
const summaryQuery = `WITH judged AS MATERIALIZED (?),
	needing AS MATERIALIZED (
		SELECT id, rank, attempts, failed, CASE
			WHEN EXISTS (SELECT 1 FROM notices w WHERE w.organization_id = ? AND w.endpoint_id = judged.id AND w.ended_at IS NULL AND w.dismissed_at IS NULL AND w.kind <> ?) THEN %[2]d
			WHEN rank = ? OR disabled_at IS NOT NULL AND disabled_reason <> ? THEN %[3]d
			WHEN failed > 0 THEN %[4]d
			ELSE %[2]d END AS need
		FROM judged
	),
	placed AS (
		SELECT id, rank, need, row_number() OVER (ORDER BY rank, attempts DESC, id) AS place, row_number() OVER (ORDER BY need, id) AS turn,
			count(*) OVER () AS every, sum(CASE WHEN failed > 0 THEN 1 ELSE 0 END) OVER () AS failing, sum(CASE WHEN need < %[2]d THEN 1 ELSE 0 END) OVER () AS needing
		FROM needing
	)
	SELECT %[1]s, j.rank, j.place, j.turn, j.need, j.every, j.failing, j.needing
	FROM placed j JOIN endpoints e ON e.id = j.id WHERE j.place <= ? OR j.turn <= ? AND j.need < %[2]d`

// countedColumns are an endpoint's attempts and failed deliveries since a time, each
// looked up by the key of the counts.
const countedColumns = `coalesce((SELECT sum(c.attempts) FROM rollups c WHERE c.organization_id = e.organization_id AND c.endpoint_id = e.id AND c.span = ? AND c.since >= ?), 0) AS attempts,
	coalesce((SELECT sum(c.failed) FROM rollups c WHERE c.organization_id = e.organization_id AND c.endpoint_id = e.id AND c.span = ? AND c.since >= ?), 0) AS failed`

// summarized is a row of summaryQuery: the counts of all stand in each.
type summarized struct {
	models.Endpoint         `gorm:"embedded"`
	Rank, Place, Turn, Need int
	Every, Failing, Needing int
}

func (s *summarized) judged() models.JudgedEndpoint {
	return models.JudgedEndpoint{Endpoint: s.Endpoint, Health: models.Healths()[s.Rank]}
}

// SummarizeEndpoints counts the organization's endpoints since a time. It lists a
// limited number of those in the worst health and of those that need a person:
// endpoints that fail or that Hookwell disabled and that no open notice names,
// and endpoints to which deliveries have failed for good.
func (t *Tenant) SummarizeEndpoints(ctx context.Context, since time.Time, worst, needy int) (models.EndpointSummary, error) {
	every, err := t.searched(ctx, "")
	if err != nil {
		return models.EndpointSummary{}, err
	}
	span, from := t.countedSince(since)
	health, vars := t.healthRank()
	judged := every.Select("e.id, e.disabled_at, e.disabled_reason, "+health+" AS rank, "+countedColumns, append(vars, span, from, span, from)...)
	query := fmt.Sprintf(summaryQuery, database.ColumnsOf[models.Endpoint]("e"), needNothing, needToMend, needToResend)
	var rows []summarized
	err = t.store.db.WithContext(ctx).Raw(query, judged, t.org.ID, models.NoticeRecovered,
		slices.Index(models.Healths(), models.HealthFailing), models.DisabledByPerson, worst, needy).Scan(&rows).Error
	if err != nil {
		return models.EndpointSummary{}, fmt.Errorf("summarizing endpoints: %w", err)
	}
	var summary models.EndpointSummary
	slices.SortFunc(rows, func(a, b summarized) int { return a.Place - b.Place })
	for i := range rows {
		row := &rows[i]
		summary.All, summary.Failed, summary.Needing = row.Every, row.Failing, row.Needing
		if row.Place <= worst {
			summary.Worst = append(summary.Worst, row.judged())
		}
	}
	slices.SortFunc(rows, func(a, b summarized) int { return a.Turn - b.Turn })
	for i := range rows {
		if row := &rows[i]; row.Need < needNothing && row.Turn <= needy {
			summary.Needy = append(summary.Needy, row.judged())
		}
	}
	return summary, nil
}
