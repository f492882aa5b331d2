package jobs

import (
	"context"
	"time"

	"hookwell/models"
	"hookwell/webhook"
)

// Tester sends test events at once, in the process that was asked.
type Tester struct {
	store  *models.Store
	sender *webhook.Sender
	feed   *Feed
}

// NewTester makes a tester.
func NewTester(store *models.Store, sender *webhook.Sender, feed *Feed) *Tester {
	return &Tester{store, sender, feed}
}

// Test sends one test event to one endpoint and returns its delivery's id once
// the attempt is recorded. The exchange goes on when whoever asked goes away.
func (t *Tester) Test(ctx context.Context, tenant *models.Tenant, endpointID, eventType string, data []byte) (string, error) {
	job, err := tenant.BeginTest(ctx, endpointID, eventType, data)
	if err != nil {
		return "", err
	}
	if job.Sent {
		return job.DeliveryID, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), job.Message.Timeout+10*time.Second)
	defer cancel()
	exchange := t.sender.Send(ctx, job.Message)
	if err := t.store.Record(ctx, []models.Result{{Job: *job, Exchange: exchange}}); err != nil {
		return "", err
	}
	t.feed.changed([]models.Woken{{OrganizationID: tenant.Organization().ID, EndpointID: endpointID, DeliveryID: job.DeliveryID}})
	return job.DeliveryID, nil
}
