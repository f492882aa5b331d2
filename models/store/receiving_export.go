package store

import (
	"context"
	"fmt"
	"iter"

	"hookwell/models"
)

// Exported is one line of an export: exactly one of its fields is set.
type Exported struct {
	Source    *models.Source
	Reference *models.SourceReference
	Request   *models.Request // accepted or refused, with all that is kept of it
	Event     *models.Event   // that a request became; one that relays it is without a body, which is the request's
}

// exportBytes is how many bytes of bodies an export holds at a time, beside the first.
const exportBytes = 8 << 20

// Export iterates over all that was received and is kept: the sources, by what the
// installation's sources find the organization, and the requests, newest first, each
// followed by the organization's events that it became. It reads a page at a time. It
// stops after an error.
func (r *Receiving) Export(ctx context.Context) iter.Seq2[Exported, error] {
	return func(yield func(Exported, error) bool) {
		err := r.export(ctx, func(line Exported) bool { return yield(line, nil) })
		if err != nil {
			yield(Exported{}, fmt.Errorf("exporting what was received: %w", err))
		}
	}
}

func (r *Receiving) export(ctx context.Context, yield func(Exported) bool) error {
	sources, err := r.Sources(ctx)
	if err != nil {
		return err
	}
	for i := range sources {
		if !yield(Exported{Source: &sources[i]}) {
			return nil
		}
	}
	var references []models.SourceReference
	if err := r.rows(ctx).Order("name").Find(&references).Error; err != nil {
		return err
	}
	for i := range references {
		if !yield(Exported{Reference: &references[i]}) {
			return nil
		}
	}
	for page := (models.Page{Limit: models.MaxLimit}); ; {
		rows, next, err := r.Requests(ctx, models.RequestFilter{}, page)
		if err != nil {
			return err
		}
		for len(rows) > 0 {
			few := fitting(rows)
			if more, err := r.exportRequests(ctx, rows[:few], yield); err != nil || !more {
				return err
			}
			rows = rows[few:]
		}
		if page.Cursor = next; next == "" {
			return nil
		}
	}
}

// fitting returns how many of the requests are read at once: one at least.
func fitting(rows []models.Request) int {
	size := 0
	for n := range rows {
		if size += rows[n].BodyBytes; n > 0 && size > exportBytes {
			return n
		}
	}
	return len(rows)
}

// exportRequests completes some requests and yields them with their events. It
// reports whether there is to be more.
func (r *Receiving) exportRequests(ctx context.Context, rows []models.Request, yield func(Exported) bool) (more bool, err error) {
	ids, eventIDs := make([]string, len(rows)), []string{}
	for i := range rows {
		ids[i] = rows[i].ID
		for _, e := range rows[i].Events {
			eventIDs = append(eventIDs, e.EventID)
		}
	}
	contents := map[string]*models.Request{}
	for _, table := range []string{"requests", "refused_requests"} {
		var list []models.Request
		err := r.rows(ctx).Table(table).Select("id", "headers", "body").Where("id IN ? AND id >= ? AND id <= ?", ids, ids[len(ids)-1], ids[0]).Find(&list).Error
		if err != nil {
			return false, err
		}
		for i := range list {
			contents[list[i].ID] = &list[i]
		}
	}
	events, err := r.exportEvents(ctx, eventIDs)
	if err != nil {
		return false, err
	}
	for i := range rows {
		if content := contents[rows[i].ID]; content != nil {
			rows[i].Headers, rows[i].Body = content.Headers, content.Body
		}
		if !yield(Exported{Request: &rows[i]}) {
			return false, nil
		}
		for _, link := range rows[i].Events {
			if e := events[link.EventID]; e != nil && !yield(Exported{Event: e}) {
				return false, nil
			}
		}
	}
	return true, nil
}

// exportEvents reads the organization's events of some ids.
func (r *Receiving) exportEvents(ctx context.Context, ids []string) (map[string]*models.Event, error) {
	found := map[string]*models.Event{}
	if len(ids) == 0 {
		return found, nil
	}
	for origin, left := range map[models.Origin][]string{models.OriginMapped: {"relayed"}, models.OriginRelayed: {"relayed", "body"}} {
		var list []models.Event
		if err := r.rows(ctx).Omit(left...).Where("id IN ? AND origin = ?", ids, origin).Find(&list).Error; err != nil {
			return nil, err
		}
		for i := range list {
			found[list[i].ID] = &list[i]
		}
	}
	return found, nil
}
