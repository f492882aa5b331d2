package models

import (
	"slices"
	"strconv"
	"strings"

	"gorm.io/gorm"
)

// Page asks for one stretch of a list that is ordered by id, the newest first.
// Cursor is a row's id that the page begins after. Limit 0 is DefaultLimit.
type Page struct {
	Limit  int
	Cursor string
}

// Limits of a page.
const (
	DefaultLimit = 50
	MaxLimit     = 200
)

func (p Page) limit() int {
	if p.Limit == 0 {
		return DefaultLimit
	}
	return p.Limit
}

// apply adds order, limit and the keyset to a query. A cursor that is no id of
// the list's noun, or a limit out of range, is Invalid.
func (p Page) apply(query *gorm.DB, prefix string) (*gorm.DB, error) {
	return p.applyTo(query, prefix, "id")
}

// applyTo is apply for a list whose ids stand in another column.
func (p Page) applyTo(query *gorm.DB, prefix, column string) (*gorm.DB, error) {
	if err := p.check(prefix); err != nil {
		return nil, err
	}
	if p.Cursor != "" {
		query = query.Where(column+" < ?", p.Cursor)
	}
	return query.Order(column + " DESC").Limit(p.limit() + 1), nil
}

// check is Invalid for a cursor that is no id of the list's noun, and for a
// limit out of range.
func (p Page) check(prefix string) error {
	if p.Limit < 0 || p.Limit > MaxLimit {
		return invalidField("limit", "Choose a limit from 1 to "+strconv.Itoa(MaxLimit)+".")
	}
	if p.Cursor != "" && !isID(prefix, p.Cursor) {
		return invalidField("cursor", "This is no cursor of this list. Use nextCursor as it was given.")
	}
	return nil
}

// paged runs a query that apply made. The second result is the cursor of the
// next page, empty when this is the last.
func paged[T any](query *gorm.DB, page Page, id func(*T) string) ([]T, string, error) {
	return merged([]*gorm.DB{query}, page, id)
}

// merged is paged of a list whose rows come from several queries, none from two.
func merged[T any](queries []*gorm.DB, page Page, id func(*T) string) ([]T, string, error) {
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
	if len(rows) > page.limit() {
		rows = rows[:page.limit()]
		next = id(&rows[len(rows)-1])
	}
	return rows, next, nil
}
