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

// eventType is the catalog with one type beside it.
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
	for _, e := range s.visit(c).endpoints {
		if e.EventTypes.Matches(chosen.Type) {
			view.Subscribers = append(view.Subscribers, e)
		}
	}
	return show(s, c, fiber.StatusOK, views.CatalogPage, view)
}

// catalogView counts who subscribes to what.
func (s *Server) catalogView(c *fiber.Ctx) (views.CatalogView, error) {
	endpoints, err := s.endpoints(c)
	if err != nil {
		return views.CatalogView{}, err
	}
	view := views.CatalogView{Categories: s.categories(), Counts: map[string]int{}}
	for _, t := range s.Store.Catalog().Types() {
		for i := range endpoints {
			if endpoints[i].EventTypes.Matches(t.Type) {
				view.Counts[t.Type]++
			}
		}
	}
	return view, nil
}
