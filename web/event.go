package web

import (
	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/views"
)

// events answers the list. What nobody can have chosen counts as none, as in
// the log of deliveries.
func (s *Server) events(c *fiber.Ctx) error {
	query := views.ParseEventQuery(queryOf(c))
	chooser, err := s.chooseEndpoint(c, query.Find, &query.MissedBy)
	if err != nil {
		return err
	}
	view := views.EventsView{Query: query, Endpoints: chooser, Categories: s.categories()}
	wanted, faults := query.Filter(s.Store.Now())
	if len(faults) > 0 {
		view.Faults = faults
		return either(s, c, fiber.StatusUnprocessableEntity, views.EventsPage, views.EventList, view)
	}
	tenant := s.tenant(c)
	err = atCursor(&view.Query.Cursor, func(page models.Page) (err error) {
		view.Rows, view.Older, err = tenant.Events(c.UserContext(), wanted, page)
		return err
	})
	if err != nil {
		return err
	}
	if view.States, err = tenant.StateCountsOf(c.UserContext(), view.Rows); err != nil {
		return err
	}
	return either(s, c, fiber.StatusOK, views.EventsPage, views.EventList, view)
}

// event shows one event with every endpoint's verdict, and the attempts of the
// delivery that most needs somebody.
func (s *Server) event(c *fiber.Ctx) error {
	ctx, tenant := c.UserContext(), s.tenant(c)
	event, err := tenant.Event(ctx, c.Params("event"))
	if err != nil {
		return err
	}
	view := views.EventView{Event: event}
	_, view.InCatalog = s.Store.Catalog().Lookup(event.Type)
	if view.Verdicts, err = tenant.Verdicts(ctx, event); err != nil {
		return err
	}
	if focus := views.FocusOf(view.Verdicts); focus != nil {
		view.Focus = &views.DeliveryView{Delivery: focus.Delivery, Event: event, Endpoint: focus.Endpoint}
		if view.Focus.Attempts, err = tenant.Attempts(ctx, focus.Delivery.ID); err != nil {
			return err
		}
	}
	return either(s, c, fiber.StatusOK, views.EventPage, views.EventPart, view)
}
