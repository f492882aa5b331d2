package store

import (
	"context"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/pipeline"
)

// Publish accepts an event. If it returns without an error, the event is
// committed. Bad input is Invalid or TooLarge; an idempotency key that was used
// with another body is a Conflict.
func (t *Tenant) Publish(ctx context.Context, n models.NewEvent) (*models.Accepted, error) {
	d, err := t.draft(n, models.OriginAPI)
	if err != nil {
		return nil, err
	}
	return t.store.engine.PublishDraft(ctx, d)
}

// draft is Store.draft of the organization, by who acts in it.
func (t *Tenant) draft(n models.NewEvent, origin models.Origin) (*pipeline.Draft, error) {
	by := pipeline.Reporter{Named: t.named, RequestID: t.actor.RequestID}
	if t.actor.Kind == models.ActorKey {
		by.KeyID = t.actor.ID
	}
	return t.store.engine.Draft(t.org, n, origin, by)
}

// Report is one event of a batch, with its organization.
type Report struct {
	Tenant *Tenant
	Event  models.NewEvent
}

// PublishBatch accepts many events, each independently of the others: refusing
// one doesn't affect the rest. It returns the outcomes in the reports' order.
// When the context ends, reports not yet committed are refused with its error.
func (s *Store) PublishBatch(ctx context.Context, reports []Report) []pipeline.Outcome {
	outcomes := make([]pipeline.Outcome, len(reports))
	good, places := make([]*pipeline.Draft, 0, len(reports)), make([]int, 0, len(reports))
	for i, r := range reports {
		d, err := r.Tenant.draft(r.Event, models.OriginAPI)
		if err != nil {
			outcomes[i].Err = err
			continue
		}
		good, places = append(good, d), append(places, i)
	}
	for i, o := range s.engine.Submit(ctx, good) {
		outcomes[places[i]] = o
	}
	return outcomes
}

// Event returns one event; a guest gets it without people's addresses. An unknown
// one is NotFound.
func (t *Tenant) Event(ctx context.Context, id string) (*models.Event, error) {
	event, err := database.Find[models.Event](t.rows(ctx).Where("id = ?", id), "event")
	return t.forReader(event), err
}
