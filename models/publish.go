package models

import "context"

// Publish accepts an event. When it returns without an error the event is
// committed. Faults are Invalid or TooLarge; a key that was used with another
// body is a Conflict.
func (t *Tenant) Publish(ctx context.Context, n NewEvent) (*Accepted, error) {
	d, err := t.draft(n, OriginAPI)
	if err != nil {
		return nil, err
	}
	return t.store.publishDraft(ctx, d)
}

// draft is Store.draft of the organization, by who acts in it.
func (t *Tenant) draft(n NewEvent, origin Origin) (*draft, error) {
	by := reporter{named: t.named, requestID: t.actor.RequestID}
	if t.actor.Kind == ActorKey {
		by.keyID = t.actor.ID
	}
	return t.store.draft(t.org, n, origin, by)
}

// Report is one event of a batch, for the organization that it happened in.
type Report struct {
	Tenant *Tenant
	Event  NewEvent
}

// PublishBatch accepts many events, each by itself: one that is refused leaves
// the others alone. The outcomes stand in the reports' order. When the context
// ends, those that are not committed by then are refused with its error.
func (s *Store) PublishBatch(ctx context.Context, reports []Report) []Outcome {
	outcomes := make([]Outcome, len(reports))
	good, places := make([]*draft, 0, len(reports)), make([]int, 0, len(reports))
	for i, r := range reports {
		d, err := r.Tenant.draft(r.Event, OriginAPI)
		if err != nil {
			outcomes[i].Err = err
			continue
		}
		good, places = append(good, d), append(places, i)
	}
	for i, o := range s.submit(ctx, good) {
		outcomes[places[i]] = o
	}
	return outcomes
}

// Event reads one event, for a guest without people's addresses.
func (t *Tenant) Event(ctx context.Context, id string) (*Event, error) {
	event, err := find[Event](t.rows(ctx).Where("id = ?", id), "event")
	return t.forReader(event), err
}
