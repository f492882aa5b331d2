package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/pipeline"
)

// keepTally lets a form that is sent again have the same tally. One that did nothing
// may be tried again.
func keepTally(t *models.Tally, tx *database.Tx) error {
	if len(t.Done) == 0 {
		makesNothing(tx)
		return nil
	}
	text, err := json.Marshal(t)
	makes(tx, string(text), "")
	return err
}

// MaxSelection is how many deliveries one action may name: a page of the log.
const MaxSelection = models.MaxLimit

// selected returns a selection's ids, each once and in order. Nothing selected, or
// too much, is Invalid at "id".
func selected(ids []string) ([]string, error) {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	switch {
	case len(ids) == 0:
		return nil, models.InvalidField("id", "Select at least one delivery.")
	case len(ids) > MaxSelection:
		return nil, models.InvalidField("id", fmt.Sprintf("Select at most %d deliveries.", MaxSelection))
	case slices.ContainsFunc(ids, func(id string) bool { return !database.IsID(models.PrefixDelivery, id) }):
		return nil, models.NewNotFound("delivery")
	}
	return ids, nil
}

// subject is a delivery that is acted on, locked together with what is left to
// do for it: nil when nothing is. Busy tells that another transaction has that
// in its hands.
type subject struct {
	models.Delivery
	work *models.Work
	busy bool
}

func (s *subject) inFlight() bool { return s.busy || s.work != nil && s.work.LeaseUntil != nil }

// lockSubjects locks deliveries of one organization: the work before the
// delivery, as when an attempt is recorded. Of several, work that another
// transaction holds is not waited for: claims lock in no order, and waiting for
// them would end in deadlocks. An id that the organization has not is NotFound.
func lockSubjects(tx *database.Tx, organizationID string, ids []string) ([]subject, error) {
	lock := clause.Locking{Strength: "UPDATE"}
	waiting := lock
	if len(ids) > 1 {
		waiting.Options = "SKIP LOCKED"
	}
	within := func() *gorm.DB { return tx.Where("organization_id = ?", organizationID) }
	var held []models.Work
	if err := within().Clauses(waiting).Where("delivery_id IN ?", ids).Order("delivery_id").Find(&held).Error; err != nil {
		return nil, fmt.Errorf("locking work: %w", err)
	}
	var rows []models.Delivery
	if err := within().Clauses(lock).Where("id IN ?", ids).Order("id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("locking deliveries: %w", err)
	}
	if len(rows) < len(ids) {
		return nil, models.NewNotFound("delivery")
	}
	var working []string
	if err := within().Model(&models.Work{}).Where("delivery_id IN ?", ids).Pluck("delivery_id", &working).Error; err != nil {
		return nil, fmt.Errorf("reading work: %w", err)
	}
	byID := make(map[string]*models.Work, len(held))
	for i := range held {
		byID[held[i].DeliveryID] = &held[i]
	}
	subjects := make([]subject, len(rows))
	for i, d := range rows {
		w := byID[d.ID]
		subjects[i] = subject{d, w, w == nil && slices.Contains(working, d.ID)}
	}
	return subjects, nil
}

// act locks a selection and does with it what the function does: it answers
// which are refused, and may change the others. Each that is done has its
// audit row.
func (t *Tenant) act(ctx context.Context, ids []string, action string, act func(tx *database.Tx, subjects []subject, endpoints map[string]*models.Endpoint) (map[string]*models.Error, error)) (*models.Tally, []models.Woken, error) {
	ids, err := selected(ids)
	if err != nil {
		return nil, nil, err
	}
	var tally *models.Tally
	var done []models.Woken
	err = t.store.transaction(once(ctx), func(tx *database.Tx) error {
		tally, done = &models.Tally{}, nil
		subjects, err := lockSubjects(tx, t.org.ID, ids)
		if err != nil {
			return err
		}
		endpoints, err := t.endpointsOf(tx, subjects)
		if err != nil {
			return err
		}
		refused, err := act(tx, subjects, endpoints)
		if err != nil {
			return err
		}
		var entries []models.AuditEntry
		for i := range subjects {
			d := &subjects[i].Delivery
			if reason := refused[d.ID]; reason != nil {
				tally.Refused = append(tally.Refused, models.RefusedDelivery{DeliveryID: d.ID, Reason: reason})
				continue
			}
			tally.Done = append(tally.Done, d.ID)
			done = append(done, models.Woken{OrganizationID: d.OrganizationID, EndpointID: d.EndpointID, DeliveryID: d.ID, Urgent: true})
			details := ""
			if e := endpoints[d.EndpointID]; e != nil {
				details = e.Title()
			}
			entries = append(entries, t.store.db.AuditEntry(t.actor, t.org.ID, action, d.ID, d.EventType, details))
		}
		if err := keepTally(tally, tx); err != nil {
			return err
		}
		return database.CreateAll(tx.DB, entries)
	})
	if before := earlier(err); before != nil {
		tally = &models.Tally{}
		return tally, nil, json.Unmarshal([]byte(before.made), tally)
	}
	if err != nil {
		return nil, nil, err
	}
	return tally, done, nil
}

// endpointsOf reads the endpoints that are not deleted.
func (t *Tenant) endpointsOf(tx *database.Tx, subjects []subject) (map[string]*models.Endpoint, error) {
	ids := make([]string, len(subjects))
	for i := range subjects {
		ids[i] = subjects[i].EndpointID
	}
	var rows []models.Endpoint
	if err := t.within(tx.DB).Where("id IN ? AND deleted_at IS NULL", ids).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("reading endpoints: %w", err)
	}
	byID := make(map[string]*models.Endpoint, len(rows))
	for i := range rows {
		byID[rows[i].ID] = &rows[i]
	}
	return byID, nil
}

func refuse(code, message string) *models.Error {
	return &models.Error{Kind: models.Conflict, Code: code, Message: message}
}

// alone does with one delivery what is done with a selection. Its refusal is
// the error.
func (t *Tenant) alone(ctx context.Context, many func(context.Context, []string) (*models.Tally, error), deliveryID string) (*models.Delivery, error) {
	tally, err := many(ctx, []string{deliveryID})
	if err != nil {
		return nil, err
	}
	if len(tally.Refused) > 0 {
		return nil, tally.Refused[0].Reason
	}
	return t.Delivery(ctx, deliveryID)
}

// Resend adds one attempt now and doesn't change the schedule. It is a Conflict
// while an attempt is in flight, if the endpoint is deleted, and for a test
// event, which is sent only once.
func (t *Tenant) Resend(ctx context.Context, deliveryID string) (*models.Delivery, error) {
	return t.alone(ctx, t.ResendMany, deliveryID)
}

// ResendMany resends a selection. It returns the deliveries that can't be resent
// now, each with the reason. If one of the ids isn't the organization's, it is
// NotFound and sends nothing.
func (t *Tenant) ResendMany(ctx context.Context, ids []string) (*models.Tally, error) {
	tally, done, err := t.act(ctx, ids, "delivery.resent", func(tx *database.Tx, subjects []subject, endpoints map[string]*models.Endpoint) (map[string]*models.Error, error) {
		refused := map[string]*models.Error{}
		now, err := tx.Now()
		if err != nil {
			return nil, err
		}
		var waiting []string
		var fresh []*models.Work
		for i := range subjects {
			s := &subjects[i]
			e := endpoints[s.EndpointID]
			switch {
			case s.Test:
				refused[s.ID] = refuse("test_delivery", "A test event is sent once. Send another test from its endpoint.")
			case e == nil:
				refused[s.ID] = refuse("endpoint_deleted", "The endpoint of this delivery was deleted, so there is nowhere to send it.")
			case s.inFlight():
				refused[s.ID] = refuse("in_flight", "An attempt of this delivery is under way. Wait for its answer.")
			case s.work != nil:
				waiting = append(waiting, s.ID)
			default:
				fresh = append(fresh, personsWork(&s.Delivery, e, now, now.Add(pipeline.WakeGrace)))
			}
		}
		if err := database.InsertAll(t.store.db.Dialect, tx.DB, fresh, database.RefuseTaken); err != nil {
			return nil, fmt.Errorf("inserting work: %w", err)
		}
		return refused, bringForward(tx, waiting, now)
	})
	if err != nil {
		return nil, err
	}
	t.store.engine.Wake(done)
	return tally, nil
}

// personsWork returns one attempt of a delivery for which nothing is left to do.
func personsWork(d *models.Delivery, e *models.Endpoint, due, wake time.Time) *models.Work {
	w := pipeline.NewWork(d, e, models.TriggerPerson, due)
	w.Priority = pipeline.PriorityPerson
	w.Attempt, w.DueAt, w.WakeAt, w.ExpiresAt = d.AttemptCount, due, wake, due.Add(pipeline.WaitLimit)
	return w
}

// bringForward makes what waits due now, as a person's attempt. What the
// schedule planned comes after it.
func bringForward(tx *database.Tx, ids []string, now time.Time) error {
	if len(ids) == 0 {
		return nil
	}
	return tx.Model(&models.Work{}).Where("delivery_id IN ?", ids).Updates(map[string]any{
		"resume_at": gorm.Expr("CASE WHEN trigger = ? THEN due_at ELSE resume_at END", models.TriggerSchedule),
		"trigger":   models.TriggerPerson, "due_at": now, "wake_at": now.Add(pipeline.WakeGrace), "priority": pipeline.PriorityPerson, "recovery_id": "",
	}).Error
}

// Cancel ends a waiting delivery, so that no attempt follows. A delivery in
// flight is cancelled too, but a 2xx answer that still arrives makes it
// delivered. If an ended delivery waits for a resend, Cancel removes the resend
// and leaves the delivery's state. It is a Conflict if nothing is left to cancel.
func (t *Tenant) Cancel(ctx context.Context, deliveryID string) (*models.Delivery, error) {
	return t.alone(ctx, t.CancelMany, deliveryID)
}

// CancelMany cancels a selection. It returns the deliveries that can't be
// cancelled, each with the reason. If one of the ids isn't the organization's, it
// is NotFound and cancels nothing.
func (t *Tenant) CancelMany(ctx context.Context, ids []string) (*models.Tally, error) {
	tally, _, err := t.act(ctx, ids, "delivery.cancelled", func(tx *database.Tx, subjects []subject, _ map[string]*models.Endpoint) (map[string]*models.Error, error) {
		refused := map[string]*models.Error{}
		var waiting, inFlight, open []string
		for i := range subjects {
			s := &subjects[i]
			ended := s.EndedAt != nil
			switch {
			case s.busy:
				refused[s.ID] = refuse("in_flight", "An attempt of this delivery is just beginning or ending. Cancel it again in a moment.")
				continue
			case ended && (s.work == nil || s.inFlight()):
				refused[s.ID] = refuse("ended", "This delivery is "+string(s.State)+", so there is nothing left to cancel.")
				continue
			case s.inFlight():
				inFlight = append(inFlight, s.ID)
			default:
				waiting = append(waiting, s.ID)
			}
			if !ended {
				open = append(open, s.ID)
			}
		}
		return refused, t.store.cancel(tx, waiting, inFlight, open)
	})
	return tally, err
}

// cancel removes what waits, leaves what is in flight without a next attempt,
// and ends the deliveries that are open.
func (s *Store) cancel(tx *database.Tx, waiting, inFlight, open []string) error {
	if err := tx.Where("delivery_id IN ?", waiting).Delete(&models.Work{}).Error; err != nil {
		return fmt.Errorf("removing work: %w", err)
	}
	if err := tx.Model(&models.Work{}).Where("delivery_id IN ?", inFlight).Update("cancelled", true).Error; err != nil {
		return fmt.Errorf("marking work: %w", err)
	}
	ended := map[string]any{"state": models.Cancelled, "ended_at": s.clock.Now()}
	done := tx.Model(&models.Delivery{}).Where("id IN ?", open).Updates(ended)
	if done.Error != nil {
		return fmt.Errorf("ending deliveries: %w", done.Error)
	}
	s.engine.Noted(tx).CountEnded(models.Cancelled, "", int(done.RowsAffected))
	return pipeline.AddUndelivered(tx.DB, open)
}
