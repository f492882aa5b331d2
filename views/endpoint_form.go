package views

import (
	"cmp"
	"slices"
	"strings"

	"hookwell/models"
	"hookwell/views/ui"
	"hookwell/webhook"
)

// EndpointForm is an endpoint's settings as typed. ID is empty for a new one.
// Inputs are named as in the API: those of Typed, eventTypes, schedule, secret;
// enabled is "on". The secret to import is not among them: a page doesn't repeat it.
// Schedule "custom" stands for the endpoint's own list, which is in Delays.
type EndpointForm struct {
	ID         string
	Version    string            // that it was drawn from
	Title      string            // what the endpoint is called now
	Typed      map[string]string // models.EndpointFields, by their names
	EventTypes []string          // "*", prefixes such as "org.*", and types
	Schedule   string
	Delays     string // the endpoint's own list, such as "0s, 5m"
	Headers    []HeaderRow
	Enabled    bool
	Imported   bool // a secret of the endpoint was imported
	Categories []webhook.Category
	Faults     webhook.Faults
}

// NewEndpointForm returns the form with the defaults of models.NewEndpointInput.
func NewEndpointForm(categories []webhook.Category) EndpointForm {
	form := endpointForm(models.NewEndpointInput(), nil, categories)
	form.Enabled = true
	return form
}

// EditEndpointForm returns the form filled with an endpoint's present settings.
// headers are the names of its own.
func EditEndpointForm(e *models.Endpoint, headers []string, categories []webhook.Category) EndpointForm {
	form := endpointForm(e.Input(), headers, categories)
	form.ID, form.Version, form.Title, form.Enabled = e.ID, e.Version().Form, e.Title(), e.Enabled()
	return form
}

func endpointForm(in models.EndpointInput, headers []string, categories []webhook.Category) EndpointForm {
	form := EndpointForm{Typed: map[string]string{}, EventTypes: in.EventTypes, Schedule: in.Schedule.Name, Headers: HeaderRows(headers), Categories: categories}
	for _, field := range models.EndpointFields() {
		form.Typed[field.Name] = field.Text(&in)
	}
	if in.Schedule.Name == webhook.CustomSchedule {
		form.Delays = in.Schedule.List()
	}
	return form
}

// field returns the input of one of models.EndpointFields.
func (f EndpointForm) field(named models.EndpointField) ui.Input {
	shown := ui.Input{Name: named.Name, Label: named.Label, Hint: named.Advice(), Faults: f.Faults}
	if named.Optional {
		shown.Note = "optional"
	}
	return shown
}

// inFormOrder names every input in the order of the form.
func inFormOrder() []string {
	var names []string
	add := func(part models.EndpointPart) {
		for _, field := range models.EndpointFieldsOf(part) {
			names = append(names, field.Name)
		}
	}
	add(models.AddressPart)
	names = append(names, "eventTypes", "schedule", "delays")
	add(models.RetriesPart)
	add(models.SignaturePart)
	return append(names, "secret", "headers")
}

// InFormOrder sorts an endpoint's faults as their fields stand in its form, those
// of no field first.
func InFormOrder(faults webhook.Faults) webhook.Faults {
	order := inFormOrder()
	place := func(f webhook.Fault) int {
		name, _, _ := strings.Cut(f.Field, ".")
		return slices.Index(order, name)
	}
	named := slices.Clone(faults[:faults.Listed()])
	slices.SortStableFunc(named, func(a, b webhook.Fault) int { return cmp.Compare(place(a), place(b)) })
	return append(named, faults[faults.Listed():]...)
}

// moveHint says what a URL of another origin takes away; "" if nothing.
func (f EndpointForm) moveHint() string {
	var lost []string
	if slices.ContainsFunc(f.Headers, func(row HeaderRow) bool { return row.Kept }) {
		lost = append(lost, "its own headers are removed")
	}
	if f.Imported {
		lost = append(lost, "the imported secret is replaced")
	}
	if len(lost) == 0 {
		return ""
	}
	return "With another scheme, host or port, " + strings.Join(lost, " and ") + ", unless you enter them again below."
}

func (f EndpointForm) editing() bool { return f.ID != "" }

func (f EndpointForm) all() bool { return slices.Contains(f.EventTypes, "*") }

// wants reports whether a type is chosen, by itself or by a wider choice.
func (f EndpointForm) wants(eventType string) bool {
	return webhook.Subscriptions(f.EventTypes).Matches(eventType)
}

func (f EndpointForm) wantsAllOf(prefix string) bool {
	return f.all() || slices.Contains(f.EventTypes, prefix)
}

// chosen returns how many of the types are chosen.
func (f EndpointForm) chosen(types []*webhook.EventType) int {
	n := 0
	for _, t := range types {
		if f.wants(t.Type) {
			n++
		}
	}
	return n
}

// lost are chosen patterns whose types left the catalog.
func (f EndpointForm) lost() []string {
	return slices.DeleteFunc(slices.Clone(f.EventTypes), func(pattern string) bool {
		return slices.ContainsFunc(f.types(), func(t *webhook.EventType) bool { return webhook.Subscriptions{pattern}.Matches(t.Type) })
	})
}

func (f EndpointForm) types() []*webhook.EventType {
	var types []*webhook.EventType
	for _, category := range f.Categories {
		types = append(types, category.Types...)
	}
	return types
}

// categoryPrefix returns the subscription that takes in a whole category, such as
// "payment.*". It is empty when the category's types do not share their first
// word, or share it with another category.
func categoryPrefix(categories []webhook.Category, name string) string {
	owner := map[string]string{}
	words := map[string]bool{}
	for _, category := range categories {
		for _, t := range category.Types {
			word, _, _ := strings.Cut(t.Type, ".")
			if owner[word] != "" && owner[word] != category.Name {
				owner[word] = "shared"
			} else {
				owner[word] = category.Name
			}
			if category.Name == name {
				words[word] = true
			}
		}
	}
	if len(words) != 1 {
		return ""
	}
	for word := range words {
		if owner[word] == name {
			return word + ".*"
		}
	}
	return ""
}

func (f EndpointForm) heading() string {
	if f.editing() {
		return "Settings of " + bareURL(f.Title)
	}
	return "New endpoint"
}

func (f EndpointForm) action(slug string) string {
	if f.editing() {
		return EndpointEditPath(slug, f.ID)
	}
	return EndpointsPath(slug)
}

func (f EndpointForm) crumbs(slug string) []crumb {
	list := crumb{text: "Endpoints", href: EndpointsPath(slug)}
	if f.editing() {
		return []crumb{list, {text: bareURL(f.Title), href: EndpointPath(slug, f.ID)}, {text: "Settings"}}
	}
	return []crumb{list, {text: "New endpoint"}}
}

// chosenWords returns "5 of 22 types."
func (f EndpointForm) chosenWords() string {
	types := f.types()
	return ui.FormatCount(f.chosen(types)) + " of " + ui.Plural(len(types), "type") + "."
}
