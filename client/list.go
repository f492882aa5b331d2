package client

import (
	"context"
	"iter"
	"net/url"
	"strconv"
)

// Paging selects a page of a list. The zero value is the first page, with 50
// rows.
type Paging struct {
	Limit  int    // 1 to 200; 0 is 50
	Cursor string // the NextCursor of the page before
}

// Page is one page of a list, newest row first.
type Page[T any] struct {
	Data       []T    `json:"data"`
	NextCursor string `json:"nextCursor"` // of the next page; empty on the last
}

func (p Paging) add(query url.Values) {
	if p.Limit != 0 {
		query.Set("limit", strconv.Itoa(p.Limit))
	}
	if p.Cursor != "" {
		query.Set("cursor", p.Cursor)
	}
}

// All iterates over every row of a list, page by page:
//
//	for endpoint, err := range client.All(ctx, c.Endpoints) {
//
// It stops after an error, which it yields with a zero row.
func All[T any](ctx context.Context, list func(context.Context, Paging) (*Page[T], error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		paging := Paging{Limit: 200}
		for {
			page, err := list(ctx, paging)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, row := range page.Data {
				if !yield(row, nil) {
					return
				}
			}
			if paging.Cursor = page.NextCursor; paging.Cursor == "" {
				return
			}
		}
	}
}

// list reads one page.
func list[T any](ctx context.Context, c *Client, r *call, paging Paging) (*Page[T], error) {
	paging.add(r.query)
	return answerOf[Page[T]](ctx, c, r)
}

// answerOf makes a call and returns what was answered.
func answerOf[T any](ctx context.Context, c *Client, r *call) (*T, error) {
	answer := new(T)
	if _, err := c.do(ctx, r, answer); err != nil {
		return nil, err
	}
	return answer, nil
}
