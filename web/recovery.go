package web

import (
	"slices"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/models/store"
	"hookwell/views"
)

// recoverForm counts what the query chooses: the count alone to htmx.
func (s *Server) recoverForm(c *fiber.Ctx) error {
	causes := make([]string, 0, 4)
	for _, cause := range c.Context().QueryArgs().PeekMulti("causes") {
		causes = append(causes, string(cause))
	}
	form, err := s.readRecoverForm(c, queryOf(c), causes)
	if err != nil {
		return err
	}
	in, faults := form.Input()
	if form.Faults = faults; len(faults) == 0 {
		form.Count, err = s.tenant(c).CountRecovery(c.UserContext(), form.Endpoint.ID, in)
		if models.IsKind(err, models.Invalid) {
			form.Faults, err = faultsOf(err), nil
		}
	}
	if err != nil {
		return err
	}
	status := fiber.StatusOK
	if len(form.Faults) > 0 {
		status = fiber.StatusUnprocessableEntity
	}
	return either(s, c, status, views.RecoverPage, views.RecoverCount, form)
}

func (s *Server) readRecoverForm(c *fiber.Ctx, value func(key string) string, causes []string) (views.RecoverForm, error) {
	e, err := s.tenant(c).Endpoint(c.UserContext(), c.Params("endpoint"))
	if err != nil {
		return views.RecoverForm{}, err
	}
	form := views.RecoverForm{Endpoint: e, Kind: models.RecoveryKind(value("kind")), Since: value("since"), Until: value("until"),
		Type: value("types"), Causes: causes, PerSecond: value("perSecond"), Categories: s.categories()}
	if !slices.Contains([]models.RecoveryKind{models.RecoverFailed, models.RecoverMissing}, form.Kind) {
		form.Kind = models.RecoverFailed
	}
	if form.Since == "" {
		form.Since = views.SinceDefault(s.Store.Now())
	}
	if form.PerSecond == "" {
		form.PerSecond = strconv.Itoa(store.DefaultRecoveryRate)
	}
	return form, nil
}

// recoverBegin begins the recovery and leads to the endpoint, whose page shows
// how far it is.
func (s *Server) recoverBegin(c *fiber.Ctx) error {
	form, err := s.readRecoverForm(c, func(key string) string { return field(c, key) }, fields(c, "causes"))
	if err != nil {
		return err
	}
	path := views.EndpointPath(s.slug(c), form.Endpoint.ID)
	in, faults := form.Input()
	if form.Faults = faults; len(faults) == 0 {
		_, err = s.tenant(c).Recover(c.UserContext(), form.Endpoint.ID, in)
		if models.IsKind(err, models.Invalid) {
			form.Faults, err = faultsOf(err), nil
		}
	}
	switch {
	case models.IsKind(err, models.Conflict):
		s.say(c, views.FlashFailed, faultsOf(err)[0].Message)
	case err != nil:
		return err
	case len(form.Faults) > 0:
		return show(s, c, fiber.StatusUnprocessableEntity, views.RecoverPage, form)
	default:
		s.say(c, views.FlashDone, "The recovery has begun.")
	}
	return c.Redirect(path, fiber.StatusSeeOther)
}

func (s *Server) recoveryCancel(c *fiber.Ctx) error {
	r, err := s.tenant(c).Recovery(c.UserContext(), c.Params("recovery"))
	if err != nil {
		return err
	}
	_, err = s.tenant(c).CancelRecovery(c.UserContext(), r.ID)
	switch {
	case models.IsKind(err, models.Conflict):
		s.say(c, views.FlashFailed, faultsOf(err)[0].Message)
	case err != nil:
		return err
	default:
		s.say(c, views.FlashDone, "The recovery is cancelled. What is under way may still arrive.")
	}
	return c.Redirect(views.EndpointPath(s.slug(c), r.EndpointID), fiber.StatusSeeOther)
}

// recoveryBanner is what an endpoint's page fetches again by itself.
func (s *Server) recoveryBanner(c *fiber.Ctx) error {
	e, err := s.tenant(c).Endpoint(c.UserContext(), c.Params("endpoint"))
	if err != nil {
		return err
	}
	view, err := s.recoveryView(c, e)
	if err != nil {
		return err
	}
	return part(s, c, fiber.StatusOK, views.RecoveryBanner, view)
}

func (s *Server) recoveryView(c *fiber.Ctx, e *models.Endpoint) (views.RecoveryView, error) {
	list, err := s.tenant(c).Recoveries(c.UserContext(), e.ID)
	return views.NewRecoveryView(e.ID, list, s.Store.Now()), err
}
