package web

import (
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/views"
)

// overview shows the organization's first page. It reads what was counted, and
// never the deliveries.
func (s *Server) overview(c *fiber.Ctx) error {
	ctx, tenant, now := c.UserContext(), s.tenant(c), s.Store.Now()
	period := views.OverviewPeriodNamed(c.Query("period"))
	view := views.OverviewView{Period: period}
	// The step that is under way is the last one.
	from := now.Truncate(period.Step).Add(period.Step - period.Length)
	steps, err := tenant.Traffic(ctx, from.Add(-period.Length), now.Add(time.Microsecond), period.Step)
	if err != nil {
		return err
	}
	for _, step := range steps {
		if step.At.Before(from) {
			view.Before.Add(step.Counts)
		} else {
			view.Steps = append(view.Steps, step)
		}
	}
	if view.States, err = tenant.StateCounts(ctx, models.DeliveryFilter{}); err != nil {
		return err
	}
	if err := s.summarizeEndpoints(c, &view, from); err != nil {
		return err
	}
	if view.Notices, err = tenant.Notices(ctx); err != nil {
		return err
	}
	if view.Refusing, err = tenant.Receiving().RefusingSources(ctx); err != nil {
		return err
	}
	return either(s, c, fiber.StatusOK, views.OverviewPage, views.OverviewPart, view)
}

// summarizeEndpoints fills in what the overview shows of endpoints: those that it
// lists, and how many there are besides.
func (s *Server) summarizeEndpoints(c *fiber.Ctx, view *views.OverviewView, since time.Time) error {
	summary, err := s.tenant(c).SummarizeEndpoints(c.UserContext(), since, views.OverviewShown, views.TodoShown)
	if err != nil {
		return err
	}
	view.Endpoints, view.Failed, view.Needing = summary.All, summary.Failed, summary.Needing
	rows, err := s.listedRows(c, slices.Concat(summary.Worst, summary.Needy), since)
	if err != nil {
		return err
	}
	view.Worst, view.Needy = rows[:len(summary.Worst)], rows[len(summary.Worst):]
	return nil
}
