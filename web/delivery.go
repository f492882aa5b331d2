package web

import (
	"strconv"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/views"
)

func (s *Server) deliveries(c *fiber.Ctx) error {
	filter := views.ParseDeliveryFilter(queryOf(c))
	return s.showDeliveries(c, fiber.StatusOK, filter)
}

// showDeliveries answers the log. A state, a period or a cursor that nobody
// can have chosen counts as none; a time that can't be read has its fault at
// its field.
func (s *Server) showDeliveries(c *fiber.Ctx, status int, filter views.DeliveryFilter) error {
	endpoints, err := s.endpoints(c)
	if err != nil {
		return err
	}
	view := views.DeliveriesView{Filter: filter, Endpoints: endpoints, Categories: s.categories()}
	since, until, faults := filter.Range(s.Store.Now())
	if len(faults) > 0 {
		view.Faults = faults
		return either(s, c, fiber.StatusUnprocessableEntity, views.DeliveriesPage, views.DeliveryLog, view)
	}
	wanted := models.DeliveryFilter{EndpointID: filter.EndpointID, Since: since, Until: until}
	if filter.State != "" {
		wanted.States = []models.State{filter.State}
	}
	if filter.Type != "" {
		wanted.Types = []string{filter.Type}
	}
	view.Rows, view.Older, err = s.tenant(c).Deliveries(c.UserContext(), wanted, models.Page{Cursor: filter.Cursor})
	if models.IsKind(err, models.Invalid) {
		view.Filter.Cursor = ""
		view.Rows, view.Older, err = s.tenant(c).Deliveries(c.UserContext(), wanted, models.Page{})
	}
	if err != nil {
		return err
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
	return s.actOnDelivery(c, (*models.Tenant).Resend, func(*models.Delivery) string { return "Sending it again now." })
}
