package api

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/models/store"
)

type deliveryAnswer struct {
	ID            string       `json:"id" jsonschema:"The delivery's id."`
	EventID       string       `json:"eventId" jsonschema:"Its event."`
	EventType     string       `json:"eventType" jsonschema:"The event's type."`
	EndpointID    string       `json:"endpointId" jsonschema:"Where it goes."`
	State         models.State `json:"state" jsonschema:"How it stands."`
	Test          bool         `json:"test" jsonschema:"Whether it is of a test event."`
	AttemptCount  int          `json:"attemptCount" jsonschema:"How many attempts were made."`
	NextAttemptAt *stamp       `json:"nextAttemptAt" jsonschema:"When the next is due; null when none is."`
	CreatedAt     stamp        `json:"createdAt" jsonschema:"When it was created."`
	DeliveredAt   *stamp       `json:"deliveredAt" jsonschema:"When it arrived; null until then."`
}

// deliveryAlone is a delivery that was asked for by its id.
type deliveryAlone struct {
	deliveryAnswer
	Attempts []attemptAnswer `json:"attempts" jsonschema:"Its attempts, the first one first."`
}

func shapeDelivery(d *models.Delivery) deliveryAnswer {
	return deliveryAnswer{ID: d.ID, EventID: d.EventID, EventType: d.EventType, EndpointID: d.EndpointID, State: d.State, Test: d.Test,
		AttemptCount: d.AttemptCount, NextAttemptAt: stampOrNull(d.NextAttemptAt), CreatedAt: stamp(d.CreatedAt), DeliveredAt: stampOrNull(d.DeliveredAt)}
}

func (a *API) deliveryList(c *call) error {
	tenant, err := c.tenant()
	if err != nil {
		return err
	}
	q := c.query()
	filter := models.DeliveryFilter{
		States: q.states(), Types: q.types(), Since: q.time("since"), Until: q.time("until"),
		EndpointID: q.id("endpointId", models.PrefixEndpoint), EventID: q.id("eventId", models.PrefixEvent),
	}
	page := q.page()
	if err := q.err(); err != nil {
		return err
	}
	rows, next, err := tenant.Deliveries(c.UserContext(), filter, page)
	if err != nil {
		return err
	}
	return answerList(c, rows, next, shapeDelivery)
}

func (a *API) deliveryRead(c *call) error {
	tenant, err := c.tenant()
	if err != nil {
		return err
	}
	id, err := c.id(models.PrefixDelivery, "delivery")
	if err != nil {
		return err
	}
	delivery, err := readDelivery(c, tenant, id)
	if err != nil {
		return err
	}
	return c.answer(fiber.StatusOK, delivery)
}

// readDelivery reads a delivery with its attempts, whose request's body is the
// event's.
func readDelivery(c *call, tenant *store.Tenant, id string) (*deliveryAlone, error) {
	d, err := tenant.Delivery(c.UserContext(), id)
	if err != nil {
		return nil, err
	}
	event, err := tenant.Event(c.UserContext(), d.EventID)
	if err != nil {
		return nil, err
	}
	attempts, err := tenant.Attempts(c.UserContext(), id)
	if err != nil {
		return nil, err
	}
	shape := &deliveryAlone{deliveryAnswer: shapeDelivery(d), Attempts: make([]attemptAnswer, len(attempts))}
	body := string(event.Body)
	for i := range attempts {
		shape.Attempts[i] = shapeAttempt(&attempts[i], body)
	}
	return shape, nil
}

// deliveryResend answers before the attempt is made: its outcome is in the log.
func (a *API) deliveryResend(c *call) error {
	return c.actOnDelivery(fiber.StatusAccepted, (*store.Tenant).Resend)
}

func (a *API) deliveryCancel(c *call) error {
	return c.actOnDelivery(fiber.StatusOK, (*store.Tenant).Cancel)
}

// actOnDelivery does what a person may do with the delivery of the path and
// answers it as it is then.
func (c *call) actOnDelivery(status int, act func(*store.Tenant, context.Context, string) (*models.Delivery, error)) error {
	tenant, id, err := c.named(models.PrefixDelivery, "delivery")
	if err != nil {
		return err
	}
	delivery, err := act(tenant, c.UserContext(), id)
	if err != nil {
		return err
	}
	return c.answer(status, shapeDelivery(delivery))
}
