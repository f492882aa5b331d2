package web

import (
	"strconv"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/models/store"
	"hookwell/views"
)

func (s *Server) sourceAcceptForm(c *fiber.Ctx) error {
	return s.showAcceptForm(c, fiber.StatusOK, views.AcceptForm{PerSecond: strconv.Itoa(store.DefaultReplayRate)})
}

// showAcceptForm counts what would be accepted.
func (s *Server) showAcceptForm(c *fiber.Ctx, status int, form views.AcceptForm) (err error) {
	ctx, r := c.UserContext(), s.receiving(c)
	if form.Source, err = r.Source(ctx, c.Params("source")); err != nil {
		return err
	}
	if form.Count, err = r.Acceptable(ctx, form.Source.ID); err != nil {
		return err
	}
	return show(s, c, status, views.SourceAcceptPage, form)
}

// sourceAccept begins to accept what passes by now, and leads to the log, which shows
// how far it is.
func (s *Server) sourceAccept(c *fiber.Ctx) error {
	form, id := views.AcceptForm{PerSecond: field(c, "perSecond")}, c.Params("source")
	perSecond, fault := models.WholeNumber(form.PerSecond)
	switch {
	case fault != "":
		form.Faults.Add("perSecond", fault)
	case perSecond < 1:
		form.Faults.Add("perSecond", "Choose 1 to "+strconv.Itoa(store.MaxReplayRate)+" a second.")
	}
	if len(form.Faults) > 0 {
		return s.showAcceptForm(c, fiber.StatusUnprocessableEntity, form)
	}
	replay, err := s.receiving(c).AcceptRequests(c.UserContext(), id, perSecond)
	switch {
	case models.IsKind(err, models.Invalid):
		form.Faults = faultsOf(err)
		return s.showAcceptForm(c, fiber.StatusUnprocessableEntity, form)
	case models.IsKind(err, models.Conflict):
		form.Faults = faultsOf(err)
		return s.showAcceptForm(c, fiber.StatusConflict, form)
	case err != nil:
		return err
	}
	s.say(c, views.FlashDone, "Accepting has begun: "+models.Grouped(replay.Total)+" requests.")
	return c.Redirect(views.RequestQuery{SourceID: id}.Path(s.slug(c)), fiber.StatusSeeOther)
}
