package web

import (
	"context"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/models/store"
	"hookwell/views"
)

func (s *Server) deliveries(c *fiber.Ctx) error {
	return s.showDeliveries(c, fiber.StatusOK, views.ParseDeliveryQuery(queryOf(c)))
}

// showDeliveries answers the log. A state, a period or a cursor that nobody
// can have chosen counts as none; a time that can't be read has its fault at
// its field.
func (s *Server) showDeliveries(c *fiber.Ctx, status int, query views.DeliveryQuery) error {
	chooser, err := s.chooseEndpoint(c, query.Find, &query.EndpointID)
	if err != nil {
		return err
	}
	view := views.DeliveriesView{Query: query, Endpoints: chooser, Categories: s.categories()}
	wanted, faults := query.Filter(s.Store.Now())
	if len(faults) > 0 {
		view.Faults = faults
		return either(s, c, fiber.StatusUnprocessableEntity, views.DeliveriesPage, views.DeliveryLog, view)
	}
	if !isHTMX(c) { // the log alone shows no counts
		if view.Counts, err = s.tenant(c).StateCounts(c.UserContext(), wanted); err != nil {
			return err
		}
	}
	err = atCursor(&view.Query.Cursor, func(page models.Page) (err error) {
		view.Rows, view.Older, err = s.tenant(c).Deliveries(c.UserContext(), wanted, page)
		return err
	})
	if err != nil {
		return err
	}
	if len(view.Rows) == 0 {
		n, err := s.countEndpoints(c)
		if err != nil {
			return err
		}
		view.NoEndpoint = n == 0
	}
	return either(s, c, status, views.DeliveriesPage, views.DeliveryLog, view)
}

func (s *Server) deliveryRow(c *fiber.Ctx) error {
	d, err := s.tenant(c).Delivery(c.UserContext(), c.Params("delivery"))
	if err != nil {
		return err
	}
	return part(s, c, fiber.StatusOK, views.DeliveryRow, *d)
}

func (s *Server) delivery(c *fiber.Ctx) error {
	return s.showDelivery(c, fiber.StatusOK, c.Params("delivery"))
}

func (s *Server) showDelivery(c *fiber.Ctx, status int, id string) error {
	ctx, tenant := c.UserContext(), s.tenant(c)
	d, err := tenant.Delivery(ctx, id)
	if err != nil {
		return err
	}
	view := views.DeliveryView{Delivery: d}
	view.Chosen, _ = strconv.Atoi(c.Query("attempt"))
	if view.Event, err = tenant.Event(ctx, d.EventID); gone(&view.Event, err) != nil {
		return err
	}
	if view.Endpoint, err = tenant.Endpoint(ctx, d.EndpointID); gone(&view.Endpoint, err) != nil {
		return err
	}
	if view.Attempts, err = tenant.Attempts(ctx, id); err != nil {
		return err
	}
	if view.Siblings, err = tenant.Siblings(ctx, d); err != nil {
		return err
	}
	return either(s, c, status, views.DeliveryPage, views.DeliveryPart, view)
}

// gone lets the page be drawn without a row that was deleted since.
func gone[T any](row **T, err error) error {
	if models.IsKind(err, models.NotFound) {
		*row = nil
		return nil
	}
	return err
}

func (s *Server) deliveryResend(c *fiber.Ctx) error {
	return s.actOnDelivery(c, (*store.Tenant).Resend, func(*models.Delivery) string { return "Sending it again now." })
}

func (s *Server) deliveriesResend(c *fiber.Ctx) error {
	return s.actOnSelection(c, (*store.Tenant).ResendMany, "will be sent again")
}

func (s *Server) deliveriesCancel(c *fiber.Ctx) error {
	return s.actOnSelection(c, (*store.Tenant).CancelMany, "cancelled")
}

// actOnSelection does what was asked with the rows that were chosen, says what
// came of it, and leads back to the log as it was.
func (s *Server) actOnSelection(c *fiber.Ctx, act func(*store.Tenant, context.Context, []string) (*models.Tally, error), done string) error {
	back := views.ParseDeliveryQuery(queryOf(c)).Path(s.slug(c))
	tally, err := act(s.tenant(c), c.UserContext(), fields(c, "id"))
	switch {
	case models.IsKind(err, models.Invalid):
		s.say(c, views.FlashFailed, faultsOf(err)[0].Message)
	case err != nil:
		return err
	case len(tally.Done) == 0:
		s.say(c, views.FlashFailed, views.TallyWords(tally, done))
	default:
		s.say(c, views.FlashDone, views.TallyWords(tally, done))
	}
	return c.Redirect(back, fiber.StatusSeeOther)
}

func (s *Server) deliveryCancel(c *fiber.Ctx) error {
	return s.actOnDelivery(c, (*store.Tenant).Cancel, func(d *models.Delivery) string {
		if d.InFlight {
			return "Cancelled. The attempt under way may still arrive."
		}
		return "Cancelled. Nothing more is sent."
	})
}

// actOnDelivery does what was asked with one delivery. Where that is not
// possible now, the delivery's page says why.
func (s *Server) actOnDelivery(c *fiber.Ctx, act func(*store.Tenant, context.Context, string) (*models.Delivery, error), said func(*models.Delivery) string) error {
	id := c.Params("delivery")
	d, err := act(s.tenant(c), c.UserContext(), id)
	if models.IsKind(err, models.Conflict) {
		s.visit(c).flash = &views.Flash{Kind: views.FlashFailed, Text: faultsOf(err)[0].Message}
		return s.showDelivery(c, fiber.StatusConflict, id)
	}
	if err != nil {
		return err
	}
	s.say(c, views.FlashDone, said(d))
	return c.Redirect(views.DeliveryPath(s.slug(c), d.ID), fiber.StatusSeeOther)
}
