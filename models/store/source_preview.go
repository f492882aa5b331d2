package store

import (
	"context"

	"hookwell/models"
	"hookwell/models/database"
)

// PreviewMappings returns what the latest requests of a source would become by these
// mappings, newest first, as JSON of the same form that UpdateSource saves; "" is the
// provider's. It writes nothing. It is Invalid at the places of the mappings that have
// faults, and Unavailable while other previews take long.
func (r *Receiving) PreviewMappings(ctx context.Context, id, mappings string) ([]models.PreviewedRequest, error) {
	row, err := r.source(r.rows(ctx), id)
	if err != nil {
		return nil, err
	}
	row.Mappings = mappings
	if _, faults := r.store.compile(row); len(faults) > 0 {
		return nil, models.NewInvalid(faults)
	}
	list, err := r.store.engine.Preview(ctx, row)
	for i := range list {
		list[i].Request.SourceName, list[i].Request.SourceSlug = row.Name, row.Slug
	}
	return list, err
}

// PreviewReplay returns what a request would become if its events were made again, by
// the mappings as they are saved. It writes nothing. It is NotFound for a refused
// request, and Unavailable as PreviewMappings is.
func (r *Receiving) PreviewReplay(ctx context.Context, id string) (*models.PreviewedRequest, error) {
	request, err := database.Find[models.Request](r.rows(ctx).Select("id", "source_id").Where("id = ?", id), "request")
	if err != nil {
		return nil, err
	}
	// The source may be gone by now, but its row isn't.
	row, err := database.Find[models.Source](r.rows(ctx).Where("id = ?", request.SourceID), "source")
	if err != nil {
		return nil, err
	}
	if _, faults := r.store.compile(row); len(faults) > 0 {
		return &models.PreviewedRequest{Request: *request}, nil
	}
	list, err := r.store.engine.PreviewRequest(ctx, row, id)
	if err != nil || len(list) == 0 {
		return &models.PreviewedRequest{Request: *request}, err
	}
	return &list[0], nil
}
