package web

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/views"
)

// find leads from an id or an event type to what it names, and says so when it
// names nothing of this organization.
func (s *Server) find(c *fiber.Ctx) error {
	wanted := strings.TrimSpace(c.Query("q"))
	path, err := s.pathTo(c, wanted)
	if models.IsKind(err, models.NotFound) || err == nil && path == "" {
		text := "There is no delivery, event, endpoint or event type of that name here."
		if wanted == "" {
			text = "Write an id or an event type to find."
		}
		s.visit(c).flash = &views.Flash{Kind: views.FlashFailed, Text: text}
		return s.showDeliveries(c, fiber.StatusNotFound, views.DeliveryQuery{})
	}
	if err != nil {
		return err
	}
	return c.Redirect(path, fiber.StatusSeeOther)
}

// pathTo returns the page of what is named; empty or NotFound when there is none.
func (s *Server) pathTo(c *fiber.Ctx, name string) (string, error) {
	ctx, tenant, slug := c.UserContext(), s.tenant(c), s.slug(c)
	switch {
	case ofReceiving(name) && s.visit(c).portal != nil:
		return "", nil
	case strings.HasPrefix(name, models.PrefixDelivery):
		d, err := tenant.Delivery(ctx, name)
		if err != nil {
			return "", err
		}
		return views.DeliveryPath(slug, d.ID), nil
	case strings.HasPrefix(name, models.PrefixEndpoint):
		e, err := tenant.Endpoint(ctx, name)
		if err != nil {
			return "", err
		}
		return views.EndpointPath(slug, e.ID), nil
	case strings.HasPrefix(name, models.PrefixEvent):
		event, err := tenant.Event(ctx, name)
		if err != nil {
			return "", err
		}
		return views.EventPath(slug, event.ID), nil
	case strings.HasPrefix(name, models.PrefixRequest):
		r, err := tenant.Receiving().Request(ctx, name)
		if err != nil {
			return "", err
		}
		return views.RequestPath(slug, r.ID), nil
	case strings.HasPrefix(name, models.PrefixSource):
		source, err := tenant.Receiving().Source(ctx, name)
		if err != nil {
			return "", err
		}
		return views.SourcePath(slug, source.ID), nil
	}
	return s.pathToType(slug, name), nil
}

// pathToType returns the log of an event type, or of all that begin with its words.
func (s *Server) pathToType(slug, name string) string {
	name = strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(name), "*"), ".")
	if name == "" {
		return ""
	}
	for _, t := range s.Store.Catalog().Types() {
		switch {
		case strings.EqualFold(t.Type, name):
			return views.DeliveryQuery{Type: t.Type}.Path(slug)
		case strings.HasPrefix(t.Type, name+"."):
			return views.DeliveryQuery{Type: name + ".*"}.Path(slug)
		}
	}
	return ""
}
