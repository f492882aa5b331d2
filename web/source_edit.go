package web

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/views"
)

func (s *Server) sourceEdit(c *fiber.Ctx) error {
	source, err := s.receiving(c).Source(c.UserContext(), c.Params("source"))
	if err != nil {
		return err
	}
	return s.showSourceForm(c, fiber.StatusOK, views.EditSourceForm(source), source)
}

// showSourceForm shows the settings of a source as they were typed.
func (s *Server) showSourceForm(c *fiber.Ctx, status int, form views.SourceForm, source *models.Source) error {
	form.Direct = len(s.TrustedProxies) == 0
	page, err := s.page(c)
	if err != nil {
		return err
	}
	return s.render(c, status, views.SourceEditPage(page, form, source))
}

func (s *Server) sourceSave(c *fiber.Ctx) error {
	r, id := s.receiving(c), c.Params("source")
	before, err := r.Source(c.UserContext(), id)
	if err != nil {
		return err
	}
	form := views.EditSourceForm(before)
	readSourceForm(c, &form)
	scheme := form.ReadScheme()
	saved, err := r.If(drawn(c)).UpdateSource(c.UserContext(), id, func(in *models.SourceInput) error {
		fillSource(form, in)
		in.Scheme = scheme
		return nil
	})
	switch {
	case models.IsKind(err, models.Outdated):
		return s.sourceMeanwhile(c, form)
	case models.IsKind(err, models.Invalid):
		form.Faults = views.SourceFaults(faultsOf(err))
		return s.showSourceForm(c, fiber.StatusUnprocessableEntity, form, before)
	case err != nil:
		return err
	}
	return s.backToSource(c, saved, "Saved. The settings apply to the next request.")
}

// readSourceForm takes over what was typed. What the form does not have stays as it
// was.
func readSourceForm(c *fiber.Ctx, form *views.SourceForm) {
	for name, into := range map[string]*string{"version": &form.Version, "name": &form.Name, "toleranceSeconds": &form.Tolerance, "allowNetworks": &form.Networks,
		"maxBodyBytes": &form.MaxBody, "rateLimitPerSecond": &form.Rate, "responseStatus": &form.Status, "responseMediaType": &form.MediaType, "responseBody": &form.Body, "bodyRetentionDays": &form.Kept} {
		if hasField(c, name) {
			*into = field(c, name)
		}
	}
	for _, f := range views.SchemeFields() {
		if form.Scheme != nil && hasField(c, f.Name) {
			form.Scheme[f.Name] = field(c, f.Name)
		}
	}
	if hasField(c, "dedupe") {
		form.Dedupe = inbound.Dedupe(field(c, "dedupe"))
	}
	if sent := fields(c, "relayUnverified"); len(sent) > 0 {
		form.Relay = sent[len(sent)-1] == "on"
	}
}

// fillSource writes the form into the settings. What can't be read becomes a value
// that the store refuses at its field, with all other faults.
func fillSource(form views.SourceForm, in *models.SourceInput) {
	in.Name, in.AllowNetworks, in.Dedupe, in.RelayUnverified = form.Name, views.ReadNetworks(form.Networks), form.Dedupe, form.Relay
	in.ToleranceSeconds = form.ReadTolerance()
	in.MaxBodyBytes = views.ReadKibibytes(form.MaxBody)
	in.RateLimitPerSecond, _ = models.WholeNumber(form.Rate)
	in.BodyRetentionDays = 0
	if kept := strings.TrimSpace(form.Kept); kept != "" {
		days, fault := models.WholeNumber(kept)
		if in.BodyRetentionDays = days; fault != "" {
			in.BodyRetentionDays = -1
		}
	}
	status, err := strconv.Atoi(form.Status)
	if err != nil {
		status = -1
	}
	in.Response = models.SourceResponse{Status: status, MediaType: form.MediaType, Body: strings.ReplaceAll(form.Body, "\r\n", "\n")}
}

// sourceMeanwhile answers a form that was drawn before somebody else saved: with what
// both have typed, to be saved from there.
func (s *Server) sourceMeanwhile(c *fiber.Ctx, form views.SourceForm) error {
	source, err := s.receiving(c).Source(c.UserContext(), form.ID)
	if err != nil {
		return err
	}
	saved := views.EditSourceForm(source)
	var m savedMeanwhile
	for _, compared := range []struct{ field, saved, typed string }{
		{"name", saved.Name, form.Name}, {"toleranceSeconds", saved.Tolerance, form.Tolerance}, {"dedupe", string(saved.Dedupe), string(form.Dedupe)},
		{"relayUnverified", onOrOff(saved.Relay), onOrOff(form.Relay)}, {"allowNetworks", saved.Networks, form.Networks}, {"maxBodyBytes", saved.MaxBody, form.MaxBody},
		{"rateLimitPerSecond", saved.Rate, form.Rate}, {"responseStatus", saved.Status, form.Status}, {"responseMediaType", saved.MediaType, form.MediaType}, {"responseBody", saved.Body, form.Body},
		{"bodyRetentionDays", saved.Kept, form.Kept},
	} {
		m.at(compared.field, compared.saved, compared.typed)
	}
	for _, f := range views.SchemeFields() {
		m.at(f.Name, saved.Scheme[f.Name], form.Scheme[f.Name])
	}
	if form.Faults = m.all(); len(form.Faults) == 0 {
		return s.backToSource(c, source, "Saved. The settings apply to the next request.")
	}
	form.Version, form.Title = saved.Version, saved.Title
	return s.showSourceForm(c, fiber.StatusConflict, form, source)
}

// compacted writes JSON without spaces, so that two layouts of one text are equal.
func compacted(text string) string {
	var value any
	if json.Unmarshal([]byte(text), &value) != nil {
		return text
	}
	compact, _ := json.Marshal(value) // of what was JSON
	return string(compact)
}
