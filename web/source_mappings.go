package web

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/views"
	"hookwell/webhook"
)

func (s *Server) mappings(c *fiber.Ctx) error {
	source, err := s.receiving(c).Source(c.UserContext(), c.Params("source"))
	if err != nil {
		return err
	}
	return show(s, c, fiber.StatusOK, views.SourceMappingsPage, views.NewSourceMappings(source))
}

// mappingsSave saves what was typed, has the source use its provider's mappings again,
// or only shows what the mappings would make.
func (s *Server) mappingsSave(c *fiber.Ctx) error {
	r, id := s.receiving(c), c.Params("source")
	before, err := r.Source(c.UserContext(), id)
	if err != nil {
		return err
	}
	view := views.NewSourceMappings(before)
	view.Version, view.Text = field(c, "version"), field(c, "mappings")
	wanted := strings.TrimRight(view.Text, " \t\r\n") // a fault's line is that of what was typed
	if field(c, "shipped") == "on" {
		wanted = ""
	} else if strings.TrimSpace(wanted) == "" {
		wanted = "[]"
	}
	if field(c, "preview") == "on" {
		return s.mappingsPreview(c, view, wanted)
	}
	saved, err := r.If(drawn(c)).UpdateSource(c.UserContext(), id, func(in *models.SourceInput) error {
		in.Mappings = wanted
		return nil
	})
	switch {
	case models.IsKind(err, models.Outdated):
		now := views.NewSourceMappings(before)
		if compacted(now.Text) != compacted(view.Text) {
			view.Version = now.Version
			view.Faults = webhook.Faults{{Field: "mappings", Message: "These or other settings of the source were changed after you opened the page, so nothing was saved. Yours stand here; save again to replace what is saved."}}
			return show(s, c, fiber.StatusConflict, views.SourceMappingsPage, view)
		}
		saved = before
	case models.IsKind(err, models.Invalid):
		view.Faults = faultsAtField(err, "mappings")
		return show(s, c, fiber.StatusUnprocessableEntity, views.SourceMappingsPage, view)
	case err != nil:
		return err
	}
	s.say(c, views.FlashDone, "Saved. What is processed from now on is mapped by these.")
	return c.Redirect(views.SourceMappingsPath(s.slug(c), saved.ID), fiber.StatusSeeOther)
}

// mappingsPreview shows what was typed with what it would make of the latest requests.
// It saves nothing.
func (s *Server) mappingsPreview(c *fiber.Ctx, view views.SourceMappingsView, wanted string) error {
	list, err := s.receiving(c).PreviewMappings(c.UserContext(), view.Source.ID, wanted)
	view.Asked, view.Preview = true, list
	if models.IsKind(err, models.Invalid) {
		view.Faults = faultsAtField(err, "mappings")
		return either(s, c, fiber.StatusUnprocessableEntity, views.SourceMappingsPage, views.MappingsPreviewPart, view)
	}
	if err != nil {
		return err
	}
	return either(s, c, fiber.StatusOK, views.SourceMappingsPage, views.MappingsPreviewPart, view)
}
