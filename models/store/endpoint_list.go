package store

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"hookwell/models"
	"hookwell/models/database"
)

// CountEndpoints returns how many endpoints the organization has, without deleted
// ones. It reads only an index. It fails if the database does.
func (t *Tenant) CountEndpoints(ctx context.Context) (int, error) {
	var n int64
	if err := t.rows(ctx).Model(&models.Endpoint{}).Where("deleted_at IS NULL").Count(&n).Error; err != nil {
		return 0, fmt.Errorf("counting endpoints: %w", err)
	}
	return int(n), nil
}

// CountHealths returns how many of the organization's endpoints that match a
// search have each health. It is Invalid at the field search, as EndpointPage is.
func (t *Tenant) CountHealths(ctx context.Context, search string) (map[models.Health]int, error) {
	query, err := t.searched(ctx, search)
	if err != nil {
		return nil, err
	}
	var rows []struct{ Rank, N int }
	if err := t.ranked(ctx, query).Select("rank, count(*) AS n").Group("rank").Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("counting how endpoints fare: %w", err)
	}
	counts := make(map[models.Health]int, len(rows))
	for _, row := range rows {
		counts[models.Healths()[row.Rank]] = row.N
	}
	return counts, nil
}

// EndpointPage lists the organization's endpoints that match a filter, in the
// filter's order, each with its present health. The cursor is Before or Next of
// another page of the same filter. It is Invalid at the fields limit, cursor,
// search, health and sort.
func (t *Tenant) EndpointPage(ctx context.Context, f models.EndpointFilter, page models.Page) (models.EndpointPage, error) {
	from, err := readEndpointCursor(f.Sort, page)
	if err != nil {
		return models.EndpointPage{}, err
	}
	query, err := t.searched(ctx, f.Search)
	if err != nil {
		return models.EndpointPage{}, err
	}
	query = t.ranked(ctx, query)
	if f.Health != "" {
		rank := slices.Index(models.Healths(), f.Health)
		if rank < 0 {
			return models.EndpointPage{}, models.InvalidField("health", "This is no health of an endpoint.")
		}
		query = query.Where("rank = ?", rank)
	}
	var rows []rankedEndpoint
	if err := from.keyset(query).Limit(page.Size() + 1).Scan(&rows).Error; err != nil {
		return models.EndpointPage{}, fmt.Errorf("listing endpoints: %w", err)
	}
	return from.page(rows, page.Size()), nil
}

// rankedEndpoint is a row with what it may be sorted by.
type rankedEndpoint struct {
	models.Endpoint `gorm:"embedded"`
	Rank            int // among models.Healths
	Title           string
}

// titleLength is how many characters of a title are sorted by.
const titleLength = 100

// searched returns the endpoints in whose name or URL a text stands.
func (t *Tenant) searched(ctx context.Context, search string) (*gorm.DB, error) {
	query := t.store.db.WithContext(ctx).Table("endpoints e").Where("e.organization_id = ? AND e.deleted_at IS NULL", t.org.ID)
	if search == "" {
		return query, nil
	}
	if !utf8.ValidString(search) || strings.ContainsRune(search, 0) || utf8.RuneCountInString(search) > models.MaxSearch {
		return nil, models.InvalidField("search", fmt.Sprintf("Search for at most %d characters of text.", models.MaxSearch))
	}
	in := t.store.db.Dialect.Contains
	return query.Where("("+in("e.name", "?")+" OR "+in("e.url", "?")+")", search, search), nil
}

// ranked are endpoints with what they may be sorted by, as a table of its own.
func (t *Tenant) ranked(ctx context.Context, endpoints *gorm.DB) *gorm.DB {
	health, vars := t.healthRank()
	rows := endpoints.Select(database.ColumnsOf[models.Endpoint]("e")+", "+t.foldedTitle()+" AS title, "+health+" AS rank", vars...)
	return t.store.db.WithContext(ctx).Table("(?) AS l", rows)
}

// foldedTitle is what endpoints are sorted by where they are sorted by name.
func (t *Tenant) foldedTitle() string {
	return t.store.db.Dialect.Fold("substr(CASE WHEN e.name <> '' THEN e.name WHEN substr(e.url, 1, 8) = 'https://' THEN substr(e.url, 9) ELSE e.url END, 1, " + strconv.Itoa(titleLength) + ")")
}

// healthRank is models.HealthOf in SQL: the place among models.Healths. It looks
// the state up row by row; as a join, a plan may read those of all organizations.
func (t *Tenant) healthRank() (string, []any) {
	now := t.store.clock.Now()
	hour := now.Truncate(models.Hour)
	rank := func(h models.Health) int { return slices.Index(models.Healths(), h) }
	quiet, degraded := now.Add(-models.QuietAfter), now.Add(-models.DegradedFor)
	return fmt.Sprintf(`(SELECT CASE WHEN e.disabled_at IS NOT NULL THEN %d
		WHEN (s.last_success_at IS NULL OR s.last_success_at < ?) AND (s.last_failure_at IS NULL OR s.last_failure_at < ?) THEN %d
		WHEN s.last_failure_at IS NOT NULL AND (s.last_success_at IS NULL OR %s > %d) THEN %d
		WHEN s.last_failure_at >= ? AND NOT coalesce((SELECT sum(r.failed_attempts) > 0 AND sum(r.failed_attempts) * %d <= sum(r.attempts) FROM rollups r
			WHERE r.organization_id = e.organization_id AND r.endpoint_id = e.id AND r.span = %d AND r.since >= ? AND r.since <= ?), false) THEN %d
		ELSE %d END FROM endpoint_states s WHERE s.endpoint_id = e.id)`,
			rank(models.HealthDisabled), rank(models.HealthQuiet),
			t.store.db.Dialect.Micros("s.last_failure_at", "s.last_success_at"), models.FailingAfter/time.Microsecond, rank(models.HealthFailing),
			models.FewFailures, models.Hour/time.Second, rank(models.HealthDegraded), rank(models.HealthHealthy)),
		[]any{quiet, quiet, degraded, hour.Add(-models.Hour).Unix(), hour.Unix()}
}

// endpointCursor is where a page begins. It carries what the row there was
// sorted by, so that the next page goes on from there whatever became of the row.
type endpointCursor struct {
	sort  models.EndpointSort
	back  bool // the page ends there
	id    string
	title string
	rank  int
}

// backMark begins a cursor of the page before.
const backMark = "~"

var cursorText = base64.RawURLEncoding

// String returns the cursor as EndpointPage takes it: the row's id alone in a list
// that is sorted by it.
func (c endpointCursor) String() string {
	text := c.id
	if c.back {
		text = backMark + text
	}
	switch c.sort {
	case models.SortName:
		text += "." + cursorText.EncodeToString([]byte(c.title))
	case models.SortHealth:
		text += "." + strconv.Itoa(c.rank) + "." + cursorText.EncodeToString([]byte(c.title))
	}
	return text
}

// readEndpointCursor is Invalid for a sort that there is not, and as CheckPage.
func readEndpointCursor(sort models.EndpointSort, page models.Page) (endpointCursor, error) {
	c := endpointCursor{sort: sort}
	if !slices.Contains(models.EndpointSorts(), sort) {
		return c, models.InvalidField("sort", "This is no order of endpoints.")
	}
	cursor := page.Cursor
	page.Cursor, c.back = strings.CutPrefix(cursor, backMark)
	page.Cursor, cursor, _ = strings.Cut(page.Cursor, ".")
	c.id = page.Cursor
	if err := database.CheckPage(page, models.PrefixEndpoint); err != nil {
		return c, err
	}
	ok := c.id != "" || !c.back && cursor == ""
	if c.id != "" {
		ok = c.readKey(cursor) && ok
	}
	if !ok {
		return c, models.InvalidField("cursor", "This is no cursor of this list. Use nextCursor as it was given.")
	}
	return c, nil
}

func (c *endpointCursor) readKey(text string) bool {
	if c.sort == models.SortNewest {
		return text == ""
	}
	if c.sort == models.SortHealth {
		rank, rest, _ := strings.Cut(text, ".")
		n, err := strconv.Atoi(rank)
		if err != nil || n < 0 || n >= len(models.Healths()) {
			return false
		}
		c.rank, text = n, rest
	}
	title, err := cursorText.DecodeString(text)
	c.title = string(title)
	return err == nil && utf8.ValidString(c.title) && !strings.ContainsRune(c.title, 0)
}

// keyset sorts a query and lets it begin at the cursor. A page before is read
// backwards from there.
func (c endpointCursor) keyset(query *gorm.DB) *gorm.DB {
	columns, values := []string{"id"}, []any{c.id}
	switch c.sort {
	case models.SortName:
		columns, values = []string{"title", "id"}, []any{c.title, c.id}
	case models.SortHealth:
		columns, values = []string{"rank", "title", "id"}, []any{c.rank, c.title, c.id}
	}
	than, order := ">", ""
	if c.descending() {
		than, order = "<", " DESC"
	}
	if c.id != "" {
		query = query.Where("("+strings.Join(columns, ", ")+") "+than+" (?"+strings.Repeat(", ?", len(columns)-1)+")", values...)
	}
	return query.Order(strings.Join(columns, order+", ") + order)
}

func (c endpointCursor) descending() bool { return (c.sort == models.SortNewest) != c.back }

// page is what a query of one row more than a page found.
func (c endpointCursor) page(rows []rankedEndpoint, size int) models.EndpointPage {
	more := len(rows) > size
	rows = rows[:min(len(rows), size)]
	if c.back {
		slices.Reverse(rows)
	}
	var page models.EndpointPage
	for i := range rows {
		page.Rows = append(page.Rows, models.JudgedEndpoint{Endpoint: rows[i].Endpoint, Health: models.Healths()[rows[i].Rank]})
	}
	if len(rows) == 0 {
		return page
	}
	if c.back && more || !c.back && c.id != "" {
		page.Before = c.at(rows[0], true)
	}
	if c.back || more {
		page.Next = c.at(rows[len(rows)-1], false)
	}
	return page
}

func (c endpointCursor) at(row rankedEndpoint, back bool) string {
	return endpointCursor{sort: c.sort, back: back, id: row.ID, title: row.Title, rank: row.Rank}.String()
}
