package web

import (
	"github.com/gofiber/fiber/v2"

	"hookwell/views"
)

// chooseEndpoint returns the filter of a log by endpoint. A search that the chosen
// endpoint does not match chooses the one that it finds, and none if it finds
// none or several. The log by itself, for htmx, has no list to choose from.
func (s *Server) chooseEndpoint(c *fiber.Ctx, search string, chosen *string) (views.EndpointChooser, error) {
	chooser := views.EndpointChooser{Search: search}
	if search == "" && isHTMX(c) {
		return chooser, nil
	}
	var err error
	if chooser.EndpointChoices, err = s.tenant(c).EndpointChoices(c.UserContext(), search, *chosen); err != nil || search == "" {
		return chooser, err
	}
	if _, ok := chooser.Find(*chosen); !ok {
		*chosen = ""
		if len(chooser.Rows) == 1 {
			*chosen = chooser.Rows[0].ID
		}
	}
	return chooser, nil
}
