package jobs

import (
	"context"
	"time"

	"hookwell/models"
	"hookwell/models/pipeline"
	"hookwell/webhook"
)

// Tenant is the organization that sends a test event.
type Tenant interface {
	// BeginTest makes a test event and claims its delivery to the endpoint.
	BeginTest(ctx context.Context, endpointID, eventType string, data []byte) (*pipeline.Job, error)
	// Organization returns whose tenant it is.
	Organization() *models.Organization
}

// Tester sends test events at once, in the process that got the request.
type Tester struct {
	engine *pipeline.Engine
	sender *webhook.Sender
	feed   *Feed
}

// NewTester returns a tester.
func NewTester(engine *pipeline.Engine, sender *webhook.Sender, feed *Feed) *Tester {
	return &Tester{engine, sender, feed}
}

// Test sends one test event to one endpoint and returns its delivery's id once
// the attempt is recorded. The exchange continues if the caller's context ends. It fails
// as store.Tenant.BeginTest does, and if the outcome can't be recorded.
func (t *Tester) Test(ctx context.Context, tenant Tenant, endpointID, eventType string, data []byte) (string, error) {
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
	if err := t.engine.Record(ctx, []*pipeline.Result{{Job: job, Exchange: exchange}}); err != nil {
		return "", err
	}
	t.feed.changed([]models.Woken{{OrganizationID: tenant.Organization().ID, EndpointID: endpointID, DeliveryID: job.DeliveryID}})
	return job.DeliveryID, nil
}
