package web

import (
	"time"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/views"
)

// endpointList answers one page of the endpoints. A cursor that leads back to the
// first page, which may have come to hold less than a page before it, or behind
// the last, counts as none.
func (s *Server) endpointList(c *fiber.Ctx) error {
	ctx, tenant := c.UserContext(), s.tenant(c)
	view := views.EndpointsView{Query: views.ParseEndpointQuery(queryOf(c))}
	wanted := view.Query.Filter()
	var page models.EndpointPage
	err := atCursor(&view.Query.Cursor, func(at models.Page) (err error) {
		if page, err = tenant.EndpointPage(ctx, wanted, at); err == nil && at.Cursor != "" && page.Before == "" {
			return models.InvalidField("cursor", "This leads to the first page.")
		}
		return err
	})
	if err != nil {
		return err
	}
	view.Before, view.Next = page.Before, page.Next
	if view.Counts, err = tenant.CountHealths(ctx, wanted.Search); err != nil {
		return err
	}
	if view.Rows, err = s.listedRows(c, page.Rows, s.Store.Now().Add(-models.Day)); err != nil {
		return err
	}
	if view.Notices, err = tenant.Notices(ctx); err != nil {
		return err
	}
	return show(s, c, fiber.StatusOK, views.EndpointsPage, view)
}

// listedRows returns a page's endpoints with what waits for each and what was counted
// since a time.
func (s *Server) listedRows(c *fiber.Ctx, listed []models.JudgedEndpoint, since time.Time) ([]views.EndpointRow, error) {
	if len(listed) == 0 {
		return nil, nil
	}
	ids := make([]string, len(listed))
	for i := range listed {
		ids[i] = listed[i].ID
	}
	backlogs, err := s.tenant(c).BacklogsOf(c.UserContext(), ids...)
	if err != nil {
		return nil, err
	}
	counts, err := s.tenant(c).EndpointCounts(c.UserContext(), since, ids...)
	if err != nil {
		return nil, err
	}
	strips, err := s.tenant(c).Strips(c.UserContext(), ids)
	if err != nil {
		return nil, err
	}
	rows := make([]views.EndpointRow, len(listed))
	for i := range listed {
		e := &listed[i].Endpoint
		rows[i] = views.EndpointRow{Endpoint: e, State: backlogs[e.ID].EndpointState, Health: listed[i].Health,
			Waiting: backlogs[e.ID].Waiting, Counts: counts[e.ID], Strip: strips[e.ID]}
	}
	return rows, nil
}
