package web

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/models/store"
	"hookwell/views"
)

// requests answers the log. What nobody can have chosen counts as none, as in the log
// of deliveries; an id of a request leads to its page.
func (s *Server) requests(c *fiber.Ctx) error {
	ctx, r := c.UserContext(), s.receiving(c)
	query := views.ParseRequestQuery(queryOf(c))
	if strings.HasPrefix(query.Search, models.PrefixRequest) {
		found, err := r.Request(ctx, query.Search)
		if err == nil {
			return c.Redirect(views.RequestPath(s.slug(c), found.ID), fiber.StatusSeeOther)
		}
		if !models.IsKind(err, models.NotFound) {
			return err
		}
	}
	view := views.RequestsView{Query: query}
	var err error
	if view.Sources, err = r.Sources(ctx); err != nil {
		return err
	}
	wanted, faults := query.Filter(s.Store.Now())
	if view.Faults = faults; len(faults) > 0 {
		return either(s, c, fiber.StatusUnprocessableEntity, views.RequestsPage, views.RequestLog, view)
	}
	err = atCursor(&view.Query.Cursor, func(page models.Page) (err error) {
		view.Rows, view.Older, err = r.Requests(ctx, wanted, page)
		return err
	})
	if err != nil {
		return err
	}
	if !isHTMX(c) { // the log alone shows neither replays nor counts
		if view.Replays, err = s.shownReplays(c); err != nil {
			return err
		}
		if view.Counts, err = r.RequestCounts(ctx, wanted); err != nil {
			return err
		}
		if view.Hours, err = r.RequestHours(ctx, query.SourceID); err != nil {
			return err
		}
	}
	return either(s, c, fiber.StatusOK, views.RequestsPage, views.RequestLog, view)
}

// replayShown is how long a replay's banner stays after its end.
const replayShown = time.Minute

// shownReplays returns the replays that are under way or have just ended.
func (s *Server) shownReplays(c *fiber.Ctx) ([]models.RequestReplay, error) {
	list, err := s.receiving(c).Replays(c.UserContext())
	since := s.Store.Now().Add(-replayShown)
	return slices.DeleteFunc(list, func(r models.RequestReplay) bool { return r.EndedAt != nil && r.EndedAt.Before(since) }), err
}

// replays answers the banners of replays, as a part.
func (s *Server) replays(c *fiber.Ctx) error {
	list, err := s.shownReplays(c)
	if err != nil {
		return err
	}
	return part(s, c, fiber.StatusOK, views.RequestReplays, list)
}

func (s *Server) request(c *fiber.Ctx) error {
	return s.showRequest(c, fiber.StatusOK, c.Params("request"))
}

func (s *Server) showRequest(c *fiber.Ctx, status int, id string) error {
	ctx, r := c.UserContext(), s.receiving(c)
	request, err := r.Request(ctx, id)
	if err != nil {
		return err
	}
	view := views.RequestView{Request: request, Form: views.BodyForm(c.Query("body"))}
	if !slices.Contains(views.BodyForms(), view.Form) {
		view.Form = views.BodyPretty
	}
	if view.Source, err = r.Source(ctx, request.SourceID); gone(&view.Source, err) != nil {
		return err
	}
	if ids := view.ShownEvents(); len(ids) > 0 {
		if view.Deliveries, _, err = s.tenant(c).Deliveries(ctx, models.DeliveryFilter{EventIDs: ids}, models.Page{Limit: models.MaxLimit}); err != nil {
			return err
		}
		if view.Counts, err = s.tenant(c).StateCountsOf(ctx, eventsOf(request, ids)); err != nil {
			return err
		}
	}
	return either(s, c, status, views.RequestPage, views.RequestPart, view)
}

// eventsOf returns those of a request's events that are named, as counting their
// deliveries needs them.
func eventsOf(request *models.Request, ids []string) (events []models.Event) {
	for _, e := range request.Events {
		if slices.Contains(ids, e.EventID) {
			events = append(events, models.Event{ID: e.EventID, CreatedAt: e.CreatedAt})
		}
	}
	return events
}

// requestBody sends what is kept of a request's body to be saved. It was written by
// somebody else and comes from our own origin, so no browser may show or run it: it is
// bytes without a type, an attachment, and in a sandbox.
func (s *Server) requestBody(c *fiber.Ctx) error {
	request, err := s.receiving(c).Request(c.UserContext(), c.Params("request"))
	if err != nil {
		return err
	}
	if request.BodyDroppedAt != nil {
		return models.BodyDropped(*request.BodyDroppedAt, "downloaded")
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set(fiber.HeaderContentType, fiber.MIMEOctetStream)
	c.Set(fiber.HeaderContentDisposition, `attachment; filename="`+views.BodyFile(request)+`"`)
	c.Set(fiber.HeaderContentSecurityPolicy, c.GetRespHeader(fiber.HeaderContentSecurityPolicy)+"; sandbox")
	return c.Send(request.Body)
}

// requestReplayForm asks before the events of a request are made again, and says whom
// that reaches.
func (s *Server) requestReplayForm(c *fiber.Ctx) error {
	ctx, r := c.UserContext(), s.receiving(c)
	request, err := r.Request(ctx, c.Params("request"))
	if err != nil {
		return err
	}
	if !views.Replayable(request) {
		return c.Redirect(views.RequestPath(s.slug(c), request.ID), fiber.StatusSeeOther)
	}
	form := views.RequestReplayForm{Request: request}
	if form.Becomes, err = r.PreviewReplay(ctx, request.ID); err != nil {
		return err
	}
	if form.Endpoints, err = s.tenant(c).Endpoints(ctx); err != nil {
		return err
	}
	return show(s, c, fiber.StatusOK, views.RequestReplayPage, form)
}

// requestReplay has one request turned into events again.
func (s *Server) requestReplay(c *fiber.Ctx) error {
	id, forced := c.Params("request"), field(c, "force") == "on"
	request, err := s.receiving(c).ReplayRequest(c.UserContext(), id, forced)
	said := "It is being turned into events again. What it became before stays, and only what is new is made."
	if forced {
		said = "Its events are being made again."
	}
	return s.actedOnRequest(c, id, request, err, said)
}

// requestAccept takes in what was refused, if it passes by now.
func (s *Server) requestAccept(c *fiber.Ctx) error {
	id := c.Params("request")
	request, err := s.receiving(c).AcceptRequest(c.UserContext(), id)
	return s.actedOnRequest(c, id, request, err, "Accepted. It passed every check and is being processed.")
}

// actedOnRequest leads to the request. Where what was asked for is not possible now,
// its page says why.
func (s *Server) actedOnRequest(c *fiber.Ctx, id string, request *models.Request, err error, said string) error {
	if models.IsKind(err, models.Conflict) {
		s.visit(c).flash = &views.Flash{Kind: views.FlashFailed, Text: faultsOf(err)[0].Message}
		return s.showRequest(c, fiber.StatusConflict, id)
	}
	if err != nil {
		return err
	}
	s.say(c, views.FlashDone, said)
	return c.Redirect(views.RequestPath(s.slug(c), request.ID), fiber.StatusSeeOther)
}

func (s *Server) replayForm(c *fiber.Ctx) error {
	return s.showReplayForm(c, fiber.StatusOK, views.ReplayForm{PerSecond: strconv.Itoa(store.DefaultReplayRate)})
}

// showReplayForm counts what the query chooses.
func (s *Server) showReplayForm(c *fiber.Ctx, status int, form views.ReplayForm) error {
	form.Query = views.ParseRequestQuery(queryOf(c))
	wanted, faults := form.Query.Filter(s.Store.Now())
	if form.Faults = append(faults, form.Faults...); len(faults) > 0 {
		status = fiber.StatusUnprocessableEntity
	} else if wanted.Kept() {
		var err error
		if form.Count, err = s.receiving(c).CountReplay(c.UserContext(), wanted); err != nil {
			return err
		}
	}
	return show(s, c, status, views.ReplayPage, form)
}

// replayBegin begins a replay of what the query chooses.
func (s *Server) replayBegin(c *fiber.Ctx) error {
	form := views.ReplayForm{PerSecond: field(c, "perSecond"), Force: field(c, "force") == "on"}
	query := views.ParseRequestQuery(queryOf(c))
	wanted, faults := query.Filter(s.Store.Now())
	perSecond, fault := models.WholeNumber(form.PerSecond)
	switch {
	case fault != "":
		form.Faults.Add("perSecond", fault)
	case perSecond < 1:
		form.Faults.Add("perSecond", "Choose 1 to "+strconv.Itoa(store.MaxReplayRate)+" a second.")
	}
	if len(faults) > 0 || len(form.Faults) > 0 {
		return s.showReplayForm(c, fiber.StatusUnprocessableEntity, form)
	}
	replay, err := s.receiving(c).ReplayRequests(c.UserContext(), wanted, perSecond, form.Force)
	switch {
	case models.IsKind(err, models.Invalid):
		form.Faults = faultsOf(err)
		return s.showReplayForm(c, fiber.StatusUnprocessableEntity, form)
	case models.IsKind(err, models.Conflict):
		form.Faults = faultsOf(err)
		return s.showReplayForm(c, fiber.StatusConflict, form)
	case err != nil:
		return err
	}
	s.say(c, views.FlashDone, "The replay has begun: "+models.Grouped(replay.Total)+" requests.")
	return c.Redirect(query.Path(s.slug(c)), fiber.StatusSeeOther)
}

func (s *Server) replayCancel(c *fiber.Ctx) error {
	replay, err := s.receiving(c).CancelReplay(c.UserContext(), c.Params("replay"))
	switch {
	case models.IsKind(err, models.Conflict):
		s.say(c, views.FlashFailed, faultsOf(err)[0].Message)
	case err != nil:
		return err
	case replay.Accepts:
		s.say(c, views.FlashDone, "Cancelled. What was accepted so far stays accepted.")
	default:
		s.say(c, views.FlashDone, "The replay is cancelled. What was queued is still processed.")
	}
	return c.Redirect(views.RequestsPath(s.slug(c)), fiber.StatusSeeOther)
}
