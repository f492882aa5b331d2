package store

import (
	"context"

	"hookwell/models"
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
