package apitest

import (
	"context"

	"hookwell/models/pipeline"
	"hookwell/models/store"
	"hookwell/webhook"
)

// Tester sends test events as the real one does.
type Tester struct {
	store  *store.Store
	sender *webhook.Sender
}

// NewTester returns a tester that records in the store what the sender brought.
func NewTester(store *store.Store, sender *webhook.Sender) *Tester { return &Tester{store, sender} }

// Test sends an event of a type with this data, and returns its delivery's id
// once the attempt is recorded.
func (t *Tester) Test(ctx context.Context, tenant *store.Tenant, endpointID, eventType string, data []byte) (string, error) {
	job, err := tenant.BeginTest(ctx, endpointID, eventType, data)
	if err != nil {
		return "", err
	}
	if job.Sent {
		return job.DeliveryID, nil
	}
	result := &pipeline.Result{Job: job, Exchange: t.sender.Send(ctx, job.Message)}
	return job.DeliveryID, t.store.Engine().Record(ctx, []*pipeline.Result{result})
}
