package web

import (
	"slices"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/views"
)

func (s *Server) catalog(c *fiber.Ctx) error {
	view, err := s.catalogView(c)
	if err != nil {
		return err
	}
	return show(s, c, fiber.StatusOK, views.CatalogPage, view)
}

// eventType shows the catalog with one type beside it.
func (s *Server) eventType(c *fiber.Ctx) error {
	chosen, ok := s.Store.Catalog().Lookup(c.Params("type"))
	if !ok {
		return &models.Error{Kind: models.NotFound, Code: "not_found", Message: "There is no such event type."}
	}
	view, err := s.catalogView(c)
	if err != nil {
		return err
	}
	view.Chosen = chosen
	if tab := views.CatalogTab(c.Query("tab")); slices.Contains([]views.CatalogTab{views.TabSchema, views.TabVerify, views.TabEndpoints}, tab) {
		view.Tab = tab
	}
	if view.Tab == views.TabEndpoints {
		if view.Subscribers, err = s.tenant(c).Subscribers(c.UserContext(), chosen.Type); err != nil {
			return err
		}
	}
	return show(s, c, fiber.StatusOK, views.CatalogPage, view)
}

// catalogView counts who subscribes to what.
func (s *Server) catalogView(c *fiber.Ctx) (views.CatalogView, error) {
	counts, err := s.tenant(c).CountSubscribers(c.UserContext())
	return views.CatalogView{Categories: s.categories(), Counts: counts}, err
}
