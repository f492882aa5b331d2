package models

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hookwell/webhook"
)

// EndpointField is a field of an endpoint's input that is one text or one number:
// what it is called, its bounds, the words about it, and how it is read, compared
// and shown. EndpointFields lists them.
type EndpointField struct {
	Name     string // in the API and the form
	Label    string // over its input
	Brief    string // on the endpoint's page and in the audit log; "" is Label
	Part     EndpointPart
	Hint     string // below its input; a number's bounds come before it
	Unit     string // behind the input of a number
	About    string // in the API's document
	Optional bool   // may be left empty: a number is 0 then
	Shown    string // how a page words the value, as "at most %s"; "" is the value alone

	// Of numbers. The least is 1, or 0 for an optional one.
	Most   int
	Choose string // what follows the bounds in the fault of a number outside of them

	// Of texts.
	MaxLength int // characters; 0 says nothing
	Lines     bool
	Pattern   string   // a regular expression of what it takes, for the API's document
	Choices   []string // all that it takes; nil is any text

	number func(*EndpointInput) *int
	text   func(*EndpointInput) *string
	words  func(*EndpointInput) string                              // nil words the value by Shown
	title  func(choice string) string                               // of one of Choices; nil is the choice itself
	parse  func(text string) (normal string, faults webhook.Faults) // nil takes any text as it is
}

// EndpointPart is a part of an endpoint's form.
type EndpointPart int

// The parts, in their order.
const (
	AddressPart EndpointPart = iota
	RetriesPart
	SignaturePart
)

// EndpointFields returns the fields in the order of the form. They are not to be
// changed.
func EndpointFields() []EndpointField { return endpointFields }

// EndpointFieldsOf returns those that stand in one part of the form.
func EndpointFieldsOf(part EndpointPart) []EndpointField {
	return slices.DeleteFunc(slices.Clone(endpointFields), func(f EndpointField) bool { return f.Part != part })
}

// EndpointFieldNamed finds a field by its name in the API and the form. It is
// false for those that are not among EndpointFields.
func EndpointFieldNamed(name string) (EndpointField, bool) {
	at := slices.IndexFunc(endpointFields, func(f EndpointField) bool { return f.Name == name })
	if at < 0 {
		return EndpointField{}, false
	}
	return endpointFields[at], true
}

// IsNumber reports whether the field is a whole number, and not a text.
func (f EndpointField) IsNumber() bool { return f.number != nil }

// Title is what the endpoint's page and the audit log call the field.
func (f EndpointField) Title() string { return cmp.Or(f.Brief, f.Label) }

// Least returns the smallest number that the field takes.
func (f EndpointField) Least() int {
	if f.Optional {
		return 0
	}
	return 1
}

// Advice is what stands below the field's input: "1 to 30 seconds for the whole
// exchange."
func (f EndpointField) Advice() string {
	if f.IsNumber() {
		return "1 to " + Grouped(f.Most) + " " + f.Hint
	}
	return f.Hint
}

// Text returns the field's value as Read takes it and the form shows it.
func (f EndpointField) Text(in *EndpointInput) string {
	switch {
	case !f.IsNumber():
		return *f.text(in)
	case f.Optional && *f.number(in) == 0:
		return ""
	}
	return strconv.Itoa(*f.number(in))
}

// ChoiceTitle returns what the form calls one of Choices.
func (f EndpointField) ChoiceTitle(choice string) string {
	if f.title == nil {
		return choice
	}
	return f.title(choice)
}

// Default returns the value of an endpoint of which nothing was set.
func (f EndpointField) Default() string {
	in := NewEndpointInput()
	return f.Text(&in)
}

// Words returns the value as pages and the audit log show it.
func (f EndpointField) Words(in *EndpointInput) string {
	text := f.Text(in)
	switch {
	case f.words != nil:
		return f.words(in)
	case text == "":
		return "none"
	case f.IsNumber():
		text = Grouped(*f.number(in))
	}
	if f.Shown == "" {
		return text
	}
	return fmt.Sprintf(f.Shown, text)
}

// Read sets the field to what was typed, in its normal form. If that can't be
// read, the faults say why and the field stays as it was. Whether a number is
// within its bounds is found by CheckPolicy.
func (f EndpointField) Read(in *EndpointInput, typed string) webhook.Faults {
	if !f.IsNumber() {
		return f.readText(in, typed)
	}
	if f.Optional && strings.TrimSpace(typed) == "" {
		typed = "0"
	}
	n, fault := WholeNumber(typed)
	if fault != "" {
		return webhook.Faults{{Field: f.Name, Message: fault}}
	}
	*f.number(in) = n
	return nil
}

func (f EndpointField) readText(in *EndpointInput, typed string) webhook.Faults {
	if f.parse == nil {
		*f.text(in) = typed
		return nil
	}
	normal, faults := f.parse(typed)
	for i := range faults {
		faults[i].Field = f.Name
	}
	if len(faults) == 0 {
		*f.text(in) = normal
	}
	return faults
}

// Value returns the value of a field that is a number.
func (f EndpointField) Value(in *EndpointInput) int { return *f.number(in) }

// Set sets a field that is a number.
func (f EndpointField) Set(in *EndpointInput, n int) { *f.number(in) = n }

// check puts the value in its normal form, or says what is wrong with it.
func (f EndpointField) check(in *EndpointInput) webhook.Faults {
	if !f.IsNumber() {
		return f.readText(in, *f.text(in))
	}
	if n := *f.number(in); n >= f.Least() && n <= f.Most {
		return nil
	}
	return webhook.Faults{{Field: f.Name, Message: fmt.Sprintf("Choose 1 to %d%s", f.Most, f.Choose)}}
}
