package web

import (
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/views"
	"hookwell/webhook"
)

// drawn returns the condition that a form sets: what it shows is still as it was when
// its page was drawn. Of a form that names no version nobody knows what it shows.
func drawn(c *fiber.Ctx) func(models.Version) bool {
	version := field(c, "version")
	return func(v models.Version) bool { return v.Form == version }
}

// savedMeanwhile are the faults of a form that was drawn from an earlier
// version: what is saved now, at each field where something else was typed. None
// means that what was typed is what is saved.
type savedMeanwhile struct{ faults webhook.Faults }

// at compares one field.
func (m *savedMeanwhile) at(field, saved, typed string) {
	plain := func(text string) string { return strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n")) }
	if plain(saved) == plain(typed) {
		return
	}
	now := "empty"
	if saved != "" {
		now = "“" + saved + "”"
	}
	m.faults = append(m.faults, webhook.Fault{Field: field, Message: "Saved meanwhile: " + now + ". Yours stands here; save again to replace it."})
}

// all returns the faults, the reason first; none if no field differs.
func (m *savedMeanwhile) all() webhook.Faults {
	if len(m.faults) == 0 {
		return nil
	}
	return append(webhook.Faults{{Message: "This was changed after you opened the page, so nothing was saved."}}, m.faults...)
}

func onOrOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// settingsMeanwhile compares an organization's form with what is saved.
func settingsMeanwhile(saved, typed views.SettingsForm) webhook.Faults {
	var m savedMeanwhile
	m.at("name", saved.Name, typed.Name)
	m.at("slug", saved.Slug, typed.Slug)
	m.at("requireTwoFactor", onOrOff(saved.RequireTwoFactor), onOrOff(typed.RequireTwoFactor))
	return m.all()
}

// endpointMeanwhile compares an endpoint's form with what is saved. Own headers
// that the form leaves alone are left alone; their values are shown by neither,
// so that one that was typed always differs.
func endpointMeanwhile(saved, typed views.EndpointForm, headers *typedHeaders, catalog *webhook.Catalog) webhook.Faults {
	var m savedMeanwhile
	for _, field := range models.EndpointFields() {
		m.at(field.Name, saved.Typed[field.Name], normalText(field, typed.Typed[field.Name]))
	}
	m.at("eventTypes", subscriptionWords(catalog, saved.EventTypes), subscriptionWords(catalog, typed.EventTypes))
	m.at("schedule", scheduleWords(saved), scheduleWords(typed))
	m.faults = views.InFormOrder(m.faults)
	if len(headers.edit.Set)+len(headers.edit.Remove) > 0 {
		m.faults = append(m.faults, webhook.Fault{Field: "headers", Message: "Set by now: " + headerWords(saved.Headers) + ". Save again to change them as it stands here."})
	}
	if len(m.faults) == 0 {
		return nil
	}
	return headers.place(m.all())
}

// normalText is what was typed as it would be saved, where it can be.
func normalText(field models.EndpointField, typed string) string {
	var in models.EndpointInput
	if faults := field.Read(&in, typed); len(faults) > 0 {
		return typed
	}
	return field.Text(&in)
}

// subscriptionWords writes subscriptions as they are saved.
func subscriptionWords(catalog *webhook.Catalog, chosen []string) string {
	if types, faults := catalog.ParseSubscriptions(chosen); len(faults) == 0 {
		chosen = types
	}
	return strings.Join(slices.Sorted(slices.Values(chosen)), ", ")
}

func scheduleWords(form views.EndpointForm) string {
	schedule, err := views.ChosenSchedule(form.Schedule, form.Delays)
	if err != nil || form.Schedule != webhook.CustomSchedule {
		return form.Schedule
	}
	return schedule.List()
}

func headerWords(rows []views.HeaderRow) string {
	var names []string
	for _, row := range rows {
		if row.Kept && row.Name != "" {
			names = append(names, row.Name)
		}
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(slices.Sorted(slices.Values(names)), ", ")
}
