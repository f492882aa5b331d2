package database

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"hookwell/models"
)

// Paginate adds order, limit and the keyset to a query. A cursor that is no id of
// the list's noun, or a limit out of range, is Invalid.
func Paginate(p models.Page, query *gorm.DB, prefix string) (*gorm.DB, error) {
	return PaginateBy(p, query, prefix, "id")
}

// PaginateBy is apply for a list whose ids stand in another column.
func PaginateBy(p models.Page, query *gorm.DB, prefix, column string) (*gorm.DB, error) {
	if err := CheckPage(p, prefix); err != nil {
		return nil, err
	}
	if p.Cursor != "" {
		query = query.Where(column+" < ?", p.Cursor)
	}
	return query.Order(column + " DESC").Limit(p.Size() + 1), nil
}

// CheckPage is Invalid for a cursor that is no id of the list's noun, and for a
// limit out of range.
func CheckPage(p models.Page, prefix string) error {
	if p.Limit < 0 || p.Limit > models.MaxLimit {
		return models.InvalidField("limit", "Choose a limit from 1 to "+strconv.Itoa(models.MaxLimit)+".")
	}
	if p.Cursor != "" && !IsID(prefix, p.Cursor) {
		return models.InvalidField("cursor", "This is no cursor of this list. Use nextCursor as it was given.")
	}
	return nil
}

// Paged runs a query that apply made. The second result is the cursor of the
// next page, empty when this is the last.
func Paged[T any](query *gorm.DB, page models.Page, id func(*T) string) ([]T, string, error) {
	return Merged([]*gorm.DB{query}, page, id)
}

// Merged is paged of a list whose rows come from several queries, none from two.
func Merged[T any](queries []*gorm.DB, page models.Page, id func(*T) string) ([]T, string, error) {
	var rows []T
	for _, query := range queries {
		var some []T
		if err := query.Find(&some).Error; err != nil {
			return nil, "", err
		}
		rows = append(rows, some...)
	}
	slices.SortFunc(rows, func(a, b T) int { return strings.Compare(id(&b), id(&a)) })
	next := ""
	if len(rows) > page.Size() {
		rows = rows[:page.Size()]
		next = id(&rows[len(rows)-1])
	}
	return rows, next, nil
}

// CreatedBetween narrows a query to rows made from since on and before until, by
// the ids in a column, which rise with time: a bound on them also passes over whole
// partitions. A zero time is no bound.
func CreatedBetween(query *gorm.DB, column, prefix string, since, until time.Time) *gorm.DB {
	if !since.IsZero() {
		query = query.Where(column+" >= ?", LowestID(prefix, since))
	}
	if !until.IsZero() {
		query = query.Where(column+" < ?", LowestID(prefix, until))
	}
	return query
}
