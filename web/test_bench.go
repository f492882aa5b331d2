package web

import (
	"strings"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/views"
)

// benchForm answers the test bench with one type's sample: the form alone to
// htmx, the endpoint's page to everybody else.
func (s *Server) benchForm(c *fiber.Ctx) error {
	e, err := s.tenant(c).Endpoint(c.UserContext(), c.Params("endpoint"))
	if err != nil {
		return err
	}
	bench := views.NewTestBench(e.ID, c.Query("type"), s.categories())
	return s.showBench(c, fiber.StatusOK, e, bench, views.TestForm)
}

// benchSend sends a test event and answers what came back.
func (s *Server) benchSend(c *fiber.Ctx) error {
	e, err := s.tenant(c).Endpoint(c.UserContext(), c.Params("endpoint"))
	if err != nil {
		return err
	}
	bench := views.NewTestBench(e.ID, field(c, "type"), s.categories())
	bench.Type = field(c, "type")
	if data := field(c, "data"); strings.TrimSpace(data) != "" {
		bench.Data = data
	}
	result, err := s.sendTest(c, e, bench)
	if models.IsKind(err, models.Invalid) || models.IsKind(err, models.TooLarge) {
		bench.Faults = faultsOf(err)
		return s.showBench(c, fiber.StatusUnprocessableEntity, e, bench, views.TestResponse)
	}
	if err != nil {
		return err
	}
	bench.Result = result
	return s.showBench(c, fiber.StatusOK, e, bench, views.TestResponse)
}

func (s *Server) sendTest(c *fiber.Ctx, e *models.Endpoint, bench views.TestBench) (*views.TestResult, error) {
	ctx, tenant := c.UserContext(), s.tenant(c)
	id, err := s.Tester.Test(ctx, tenant, e.ID, bench.Type, []byte(bench.Data))
	if err != nil {
		return nil, err
	}
	delivery, err := tenant.Delivery(ctx, id)
	if err != nil {
		return nil, err
	}
	attempts, err := tenant.Attempts(ctx, id)
	if err != nil {
		return nil, err
	}
	if len(attempts) == 0 { // sent before by the same form, and still on its way
		return nil, &models.Error{Kind: models.Conflict, Code: "test_under_way", Message: "This test event was sent already, and its answer is not there yet. Look at its delivery in a moment."}
	}
	return &views.TestResult{Delivery: delivery, Attempt: &attempts[len(attempts)-1]}, nil
}

func (s *Server) showBench(c *fiber.Ctx, status int, e *models.Endpoint, bench views.TestBench,
	partial func(views.Page, views.TestBench) templ.Component) error {
	c.Vary("HX-Request")
	if isHTMX(c) {
		return part(s, c, status, partial, bench)
	}
	view, err := s.endpointView(c, e)
	if err != nil {
		return err
	}
	view.Bench = bench
	return show(s, c, status, views.EndpointPage, view)
}
