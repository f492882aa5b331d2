package web

import (
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/views"
	"hookwell/webhook"
)

// recentDeliveries is how many an endpoint's page shows.
const recentDeliveries = 10

func (s *Server) endpoint(c *fiber.Ctx) error {
	e, err := s.tenant(c).Endpoint(c.UserContext(), c.Params("endpoint"))
	if err != nil {
		return err
	}
	view, err := s.endpointView(c, e)
	if err != nil {
		return err
	}
	return either(s, c, fiber.StatusOK, views.EndpointPage, recentPart, view)
}

// recentPart is what the endpoint's page fetches again by itself.
func recentPart(page views.Page, view views.EndpointView) templ.Component {
	return views.EndpointRecent(page, view.Endpoint.ID, view.Recent)
}

// endpointView returns an endpoint's page with the first type on the bench.
func (s *Server) endpointView(c *fiber.Ctx, e *models.Endpoint) (views.EndpointView, error) {
	fares, err := s.faring(c, e)
	if err != nil {
		return views.EndpointView{}, err
	}
	recent, _, err := s.tenant(c).Deliveries(c.UserContext(), models.DeliveryFilter{EndpointID: e.ID}, models.Page{Limit: recentDeliveries})
	if err != nil {
		return views.EndpointView{}, err
	}
	secrets, err := s.tenant(c).Secrets(c.UserContext(), e.ID)
	if err != nil {
		return views.EndpointView{}, err
	}
	var made *models.EndpointSecret
	if len(secrets) > 0 {
		made = &secrets[0]
	}
	recovery, err := s.recoveryView(c, e)
	if err != nil {
		return views.EndpointView{}, err
	}
	missed, err := s.tenant(c).Missed(c.UserContext(), e.ID)
	if err != nil {
		return views.EndpointView{}, err
	}
	return views.EndpointView{EndpointRow: fares.EndpointRow, Missed: missed, Headers: s.headerNames(c, e), Oldest: fares.oldest, Made: made, Recovery: recovery,
		Recent: recent, Bench: views.NewTestBench(e.ID, "", s.categories())}, nil
}

// faring is how one endpoint fares, and since when the oldest of what waits
// for it does.
type faring struct {
	views.EndpointRow
	oldest *time.Time
}

func (s *Server) faring(c *fiber.Ctx, e *models.Endpoint) (faring, error) {
	backlogs, err := s.tenant(c).BacklogsOf(c.UserContext(), e.ID)
	if err != nil {
		return faring{}, err
	}
	h := backlogs[e.ID]
	now := s.Store.Now()
	hours, err := s.tenant(c).EndpointTraffic(c.UserContext(), e.ID, now.Add(-(models.StripHours-1)*models.Hour), now.Add(time.Microsecond), models.Hour)
	if err != nil {
		return faring{}, err
	}
	row := views.EndpointRow{Endpoint: e, State: h.EndpointState, Health: models.HealthOf(e, h.EndpointState, hours, now), Waiting: h.Waiting, Strip: hours}
	for _, hour := range hours {
		row.Counts.Add(hour.Counts)
	}
	return faring{row, h.OldestWaiting}, nil
}

func (s *Server) categories() []webhook.Category { return s.Store.Catalog().Categories() }

func (s *Server) endpointNew(c *fiber.Ctx) error {
	return show(s, c, fiber.StatusOK, views.EndpointFormPage, views.NewEndpointForm(s.categories()))
}

// endpointCreate answers the new endpoint's page itself and does not redirect:
// its secret is shown here alone, and lies nowhere in clear. The same form sent
// again makes no second one: for some minutes it gets this answer once more, and
// later it leads to the endpoint.
func (s *Server) endpointCreate(c *fiber.Ctx) error {
	form := views.NewEndpointForm(s.categories())
	readEndpointForm(c, &form)
	headers := readHeaders(c, &form, nil)
	form.Enabled = field(c, "enabled") == "on"
	in := models.NewEndpointInput()
	in.Disabled, in.Headers = !form.Enabled, headers.edit.Set
	fillEndpoint(form, &in)
	var faults webhook.Faults
	in.Secret, faults = importedSecret(c)
	in.Unread = append(in.Unread, faults...)
	e, secret, err := s.tenant(c).CreateEndpoint(c.UserContext(), in)
	switch {
	case models.IsKind(err, models.Invalid):
		form.Faults = retype(c, headers.place(views.InFormOrder(faultsOf(err))))
		return show(s, c, fiber.StatusUnprocessableEntity, views.EndpointFormPage, form)
	case models.IsCode(err, models.CodeTooManyEndpoints):
		form.Faults = retype(c, headers.place(faultsOf(err)))
		return show(s, c, fiber.StatusConflict, views.EndpointFormPage, form)
	case err != nil:
		return err
	}
	if secret.IsZero() {
		return s.backToEndpoint(c, e, "This form was sent before, and made this endpoint. Its secret is not shown again.")
	}
	return s.showMade(c, fiber.StatusCreated, e, secret)
}

// showMade shows an endpoint's page with the secret that was made for it.
func (s *Server) showMade(c *fiber.Ctx, status int, e *models.Endpoint, secret webhook.Secret) error {
	view, err := s.endpointView(c, e)
	if err != nil {
		return err
	}
	view.Secret = secret
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set(fiber.HeaderContentLocation, views.EndpointPath(s.slug(c), e.ID))
	return show(s, c, status, views.EndpointPage, view)
}

// movedWords say what a URL of another origin took away.
func movedWords(moved models.Moved) string {
	words := ""
	if len(moved.Headers) > 0 {
		words += " The URL leads to another origin, so these own headers were removed: " + strings.Join(moved.Headers, ", ") + "."
	}
	if !moved.Secret.IsZero() {
		words += " The URL leads to another origin, so the imported secret was replaced by a new one."
	}
	return words
}

func (s *Server) endpointEdit(c *fiber.Ctx) error {
	e, err := s.tenant(c).Endpoint(c.UserContext(), c.Params("endpoint"))
	if err != nil {
		return err
	}
	form, err := s.editForm(c, e, s.headerNames(c, e))
	if err != nil {
		return err
	}
	return show(s, c, fiber.StatusOK, views.EndpointFormPage, form)
}

// editForm returns the form with an endpoint's present settings.
func (s *Server) editForm(c *fiber.Ctx, e *models.Endpoint, headers []string) (views.EndpointForm, error) {
	form := views.EditEndpointForm(e, headers, s.categories())
	secrets, err := s.tenant(c).Secrets(c.UserContext(), e.ID)
	form.Imported = slices.ContainsFunc(secrets, func(secret models.EndpointSecret) bool { return secret.Imported })
	return form, err
}

// endpointSave shows a secret that took an imported one's place as
// endpointCreate does.
func (s *Server) endpointSave(c *fiber.Ctx) error {
	before, err := s.tenant(c).Endpoint(c.UserContext(), c.Params("endpoint"))
	if err != nil {
		return err
	}
	kept := s.headerNames(c, before)
	form, err := s.editForm(c, before, kept)
	if err != nil {
		return err
	}
	readEndpointForm(c, &form)
	headers := readHeaders(c, &form, kept)
	secret, faults := importedSecret(c)
	saved, err := s.tenant(c).If(drawn(c)).UpdateEndpoint(c.UserContext(), before.ID, func(in *models.EndpointInput) error {
		if len(headers.edit.Set)+len(headers.edit.Remove) > 0 {
			in.HeaderEdit = &headers.edit
		}
		in.Secret = secret
		fillEndpoint(form, in)
		in.Unread = append(in.Unread, faults...)
		return nil
	})
	if models.IsKind(err, models.Outdated) || models.IsCode(err, "edited_meanwhile") {
		return s.endpointMeanwhile(c, form, headers)
	}
	if models.IsKind(err, models.Invalid) {
		form.Faults = retype(c, headers.place(views.InFormOrder(faultsOf(err))))
		return show(s, c, fiber.StatusUnprocessableEntity, views.EndpointFormPage, form)
	}
	if err != nil {
		return err
	}
	if secret := saved.Moved.Secret; !secret.IsZero() {
		s.say(c, views.FlashDone, "Saved."+movedWords(saved.Moved))
		return s.showMade(c, fiber.StatusOK, saved, secret)
	}
	return s.backToEndpoint(c, saved, "Saved. The settings apply from the next attempt."+movedWords(saved.Moved))
}

// endpointMeanwhile answers a form that was drawn before somebody else saved:
// with what both have typed, to be saved from there.
func (s *Server) endpointMeanwhile(c *fiber.Ctx, form views.EndpointForm, headers typedHeaders) error {
	e, err := s.tenant(c).Endpoint(c.UserContext(), form.ID)
	if err != nil {
		return err
	}
	saved := views.EditEndpointForm(e, s.headerNames(c, e), s.categories())
	if form.Faults = endpointMeanwhile(saved, form, &headers, s.Store.Catalog()); len(form.Faults) == 0 {
		return s.backToEndpoint(c, e, "Saved. The settings apply from the next attempt.")
	}
	form.Version, form.Title = saved.Version, saved.Title
	form.MergeHeaders(saved.Headers, func(row int) bool { return headers.value(row) != "" })
	return show(s, c, fiber.StatusConflict, views.EndpointFormPage, form)
}

// readEndpointForm takes over what was typed, so that a form with faults
// comes back as it was sent. What it does not have stays as it was.
func readEndpointForm(c *fiber.Ctx, form *views.EndpointForm) {
	for name, into := range map[string]*string{"version": &form.Version, "schedule": &form.Schedule, "delays": &form.Delays} {
		if hasField(c, name) {
			*into = field(c, name)
		}
	}
	for name := range form.Typed {
		if hasField(c, name) {
			form.Typed[name] = field(c, name)
		}
	}
	form.EventTypes = fields(c, "eventTypes") // none is a fault
}

// fillEndpoint writes the form into the settings and leaves those that the form
// does not have, and those that can't be read: their faults are told with the
// others'.
func fillEndpoint(form views.EndpointForm, in *models.EndpointInput) {
	in.EventTypes, in.Unread = form.EventTypes, nil
	for _, field := range models.EndpointFields() {
		in.Unread = append(in.Unread, field.Read(in, form.Typed[field.Name])...)
	}
	if schedule, err := views.ChosenSchedule(form.Schedule, form.Delays); err == nil {
		in.Schedule = schedule
	} else if form.Schedule == webhook.CustomSchedule {
		in.Unread.Add("delays", err.Error())
	} else {
		in.Unread.Add("schedule", err.Error())
	}
}

func (s *Server) endpointEnable(c *fiber.Ctx) error {
	if field(c, "replay") != "on" {
		e, err := s.tenant(c).EnableEndpoint(c.UserContext(), c.Params("endpoint"))
		if err != nil {
			return err
		}
		return s.backToEndpoint(c, e, "Enabled. What waited goes on now.")
	}
	e, recovery, err := s.tenant(c).EnableAndReplay(c.UserContext(), c.Params("endpoint"))
	if err != nil {
		return err
	}
	text := "Enabled. What waited goes on now; there was nothing else to send."
	if recovery != nil {
		text = "Enabled. What waited goes on now, and what was missed follows."
	}
	return s.backToEndpoint(c, e, text)
}

func (s *Server) endpointDisable(c *fiber.Ctx) error {
	e, err := s.tenant(c).DisableEndpoint(c.UserContext(), c.Params("endpoint"))
	if err != nil {
		return err
	}
	return s.backToEndpoint(c, e, "Disabled. What waits stays until it is enabled.")
}

func (s *Server) backToEndpoint(c *fiber.Ctx, e *models.Endpoint, text string) error {
	s.say(c, views.FlashDone, text)
	return c.Redirect(views.EndpointPath(s.slug(c), e.ID), fiber.StatusSeeOther)
}

func (s *Server) endpointDelete(c *fiber.Ctx) error {
	if err := s.tenant(c).DeleteEndpoint(c.UserContext(), c.Params("endpoint")); err != nil {
		return err
	}
	s.say(c, views.FlashDone, "Deleted. Its past deliveries stay in the log.")
	return c.Redirect(views.EndpointsPath(s.slug(c)), fiber.StatusSeeOther)
}
