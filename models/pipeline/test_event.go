package pipeline

import (
	"time"

	"hookwell/models"
	"hookwell/models/database"
)

// AcceptTest writes a test event, with one delivery, to an endpoint and claims its
// only attempt, in the caller's transaction: no limit, circuit or switch holds it
// back. It returns the attempt to send and record after the commit. It fails with
// Conflict, "endpoint_unusable", if the endpoint's secret can't be opened.
func (p *Engine) AcceptTest(tx *database.Tx, d *Draft, e *models.Endpoint) (*Job, error) {
	templates, err := p.templates(tx, []string{e.ID})
	if err != nil {
		return nil, err
	}
	t := templates[e.ID]
	if t == nil {
		return nil, models.UnusableSecret()
	}
	now, err := tx.Now()
	if err != nil {
		return nil, err
	}
	d.Event.Deliveries = 1
	delivery := p.NewDelivery(&d.Event, e)
	delivery.PlannedAttempts = 1
	w := NewWork(delivery, e, models.TriggerTest, now)
	lease := now.Add(time.Duration(e.TimeoutSeconds+leaseMargin) * time.Second)
	w.Attempt, w.ClaimedAt, w.LeaseUntil, w.LeaseToken = 1, &now, &lease, delivery.ID
	for _, row := range []any{&d.Event, delivery, w} {
		if err := tx.Create(row).Error; err != nil {
			return nil, err
		}
	}
	p.Noted(tx).AcceptAll([]*models.Event{&d.Event})
	return t.job(*w, &d.Event), nil
}
