package web

import (
	"context"
	"strings"

	"github.com/gofiber/fiber/v2"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/models/store"
	"hookwell/views"
)

// recentRequests is how many a source's page shows.
const recentRequests = 10

// receiving returns the sources of the organization of the path.
func (s *Server) receiving(c *fiber.Ctx) *store.Receiving { return s.tenant(c).Receiving() }

func (s *Server) sourceList(c *fiber.Ctx) error {
	rows, err := s.receiving(c).SourceSummaries(c.UserContext())
	if err != nil {
		return err
	}
	return show(s, c, fiber.StatusOK, views.SourcesPage, views.SourcesView{Rows: rows})
}

func (s *Server) source(c *fiber.Ctx) error {
	ctx, r := c.UserContext(), s.receiving(c)
	summary, err := r.SourceSummary(ctx, c.Params("source"))
	if err != nil {
		return err
	}
	view := views.SourceView{Source: *summary, URL: s.sourceURL(&summary.Source)}
	if view.Recent, _, err = r.Requests(ctx, models.RequestFilter{SourceID: summary.ID}, models.Page{Limit: recentRequests}); err != nil {
		return err
	}
	if view.Token, err = s.verifyToken(ctx, &summary.Source); err != nil {
		return err
	}
	if s.visit(c).role.May(models.RightAdminister) {
		if view.Acceptable, err = r.Acceptable(ctx, summary.ID); err != nil {
			return err
		}
	}
	return either(s, c, fiber.StatusOK, views.SourcePage, views.SourcePart, view)
}

// sourceURL returns where the provider sends; empty for who may not see it.
func (s *Server) sourceURL(source *models.Source) string {
	if source.Path == "" {
		return ""
	}
	return strings.TrimSuffix(s.BaseURL.String(), "/") + source.Path
}

// verifyToken returns what is typed in at a provider that asks for a token before it
// sends; empty for the others, and for who may not see it.
func (s *Server) verifyToken(ctx context.Context, source *models.Source) (string, error) {
	if source.Path == "" || source.Secrets == 0 {
		return "", nil
	}
	opened, err := s.Store.Engine().SourceByToken(ctx, strings.TrimPrefix(source.Path, models.ReceivePath))
	if err != nil || opened.Verifier == nil || len(opened.Secrets) == 0 {
		return "", err
	}
	return opened.Verifier.VerifyToken(opened.Secrets[0]), nil
}

func (s *Server) sourceNew(c *fiber.Ctx) error {
	form := views.NewSourceForm(inbound.Named(c.Query("provider")))
	form.Search = strings.TrimSpace(c.Query("search"))
	return show(s, c, fiber.StatusOK, views.SourceNewPage, form)
}

// sourceCreate leads to the new source, whose page has its URL and what is still to
// be done.
func (s *Server) sourceCreate(c *fiber.Ctx) error {
	form := views.NewSourceForm(inbound.Named(field(c, "provider")))
	form.Name, form.Slug = field(c, "name"), strings.TrimSpace(field(c, "slug"))
	in := models.NewSourceInput()
	in.Name, in.Slug, in.Provider = form.Name, form.Slug, field(c, "provider")
	readSourceForm(c, &form)
	in.Scheme, in.ToleranceSeconds = form.ReadScheme(), form.ReadTolerance()
	if secret := field(c, "secret"); secret != "" {
		in.Secrets = []string{secret}
	}
	source, err := s.receiving(c).CreateSource(c.UserContext(), in)
	switch {
	case models.IsKind(err, models.Invalid):
		form.Faults = retype(c, views.SourceFaults(faultsOf(err)))
		return show(s, c, fiber.StatusUnprocessableEntity, views.SourceNewPage, form)
	case models.IsKind(err, models.Conflict):
		form.Faults = retype(c, faultsOf(err))
		return show(s, c, fiber.StatusConflict, views.SourceNewPage, form)
	case err != nil:
		return err
	}
	return s.backToSource(c, source, "Created. Put its URL into "+providerTitle(source)+".")
}

func providerTitle(source *models.Source) string {
	if p := inbound.Named(source.Provider); p != nil {
		return p.Title
	}
	return "the provider"
}

func (s *Server) backToSource(c *fiber.Ctx, source *models.Source, text string) error {
	s.say(c, views.FlashDone, text)
	return c.Redirect(views.SourcePath(s.slug(c), source.ID), fiber.StatusSeeOther)
}

func (s *Server) sourcePause(c *fiber.Ctx) error {
	source, err := s.receiving(c).PauseSource(c.UserContext(), c.Params("source"))
	if err != nil {
		return err
	}
	return s.backToSource(c, source, "Paused. What comes is refused with 429, and the provider repeats it.")
}

func (s *Server) sourceResume(c *fiber.Ctx) error {
	source, err := s.receiving(c).ResumeSource(c.UserContext(), c.Params("source"))
	if err != nil {
		return err
	}
	return s.backToSource(c, source, "Resumed. It takes requests again.")
}

func (s *Server) sourceDelete(c *fiber.Ctx) error {
	if err := s.receiving(c).DeleteSource(c.UserContext(), c.Params("source")); err != nil {
		return err
	}
	s.say(c, views.FlashDone, "Deleted. What it took in stays in the log.")
	return c.Redirect(views.SourcesPath(s.slug(c)), fiber.StatusSeeOther)
}

// sourceSample leads to the request that the sample became. Where none can be sent,
// the source's page says why.
func (s *Server) sourceSample(c *fiber.Ctx) error {
	id := c.Params("source")
	request, err := s.receiving(c).SendSample(c.UserContext(), id, field(c, "type"))
	switch {
	case models.IsKind(err, models.Conflict), models.IsKind(err, models.Invalid):
		s.say(c, views.FlashFailed, faultsOf(err)[0].Message)
		return c.Redirect(views.SourcePath(s.slug(c), id), fiber.StatusSeeOther)
	case err != nil:
		return err
	}
	s.say(c, views.FlashDone, "The sample was sent and taken in.")
	return c.Redirect(views.RequestPath(s.slug(c), request.ID), fiber.StatusSeeOther)
}
