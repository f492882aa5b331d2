package ui

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/a-h/templ"

	"hookwell/webhook"
)

// Input is one labelled input with its hint and its errors.
type Input struct {
	Name     string
	Label    string
	Note     string // "optional"
	Hint     string
	Required bool
	Faults   webhook.Faults // of the whole form
}

func (f Input) own() webhook.Faults { return FaultsAt(f.Faults, f.Name) }

// Named returns the attributes of an input that is sent under another name, as
// one of a list.
func (f Input) Named(name string) templ.Attributes {
	attributes := f.Attributes()
	attributes["name"] = name
	return attributes
}

// Attributes returns the attributes that tie the input to its label, hint and
// errors.
func (f Input) Attributes() templ.Attributes {
	attributes := templ.Attributes{"id": FieldID(f.Name), "name": f.Name}
	var described []string
	if len(f.own()) > 0 {
		attributes["aria-invalid"] = "true"
		described = append(described, ErrorID(f.Name))
	}
	if f.Hint != "" {
		described = append(described, HintID(f.Name))
	}
	if len(described) > 0 {
		attributes["aria-describedby"] = strings.Join(described, " ")
	}
	if f.Required {
		attributes["required"] = true
	}
	return attributes
}

// FaultsAt returns the faults of a field and of its parts: those of "data"
// include "data.amount". The number of further faults appears at the field of the
// last listed one.
func FaultsAt(faults webhook.Faults, name string) webhook.Faults {
	var own webhook.Faults
	isOwn := false
	for _, fault := range faults {
		if fault.More == 0 {
			isOwn = fault.Field == name || strings.HasPrefix(fault.Field, name+".") || strings.HasPrefix(fault.Field, name+"[")
		}
		if isOwn {
			own = append(own, fault)
		}
	}
	return own
}

// FaultSentence returns a fault as a sentence: of JSON, messages such as "is required"
// follow the path.
func FaultSentence(fault webhook.Fault) string {
	if first, _ := utf8.DecodeRuneInString(fault.Message); fault.More == 0 && unicode.IsLower(first) {
		return fault.Field + " " + strings.TrimSuffix(fault.Message, ".") + "."
	}
	return fault.Text()
}

func faultTitle(n int) string {
	words := []string{"One thing needs a change", "Two things need a change", "Three things need a change",
		"Four things need a change", "Five things need a change", "Six things need a change"}
	if n <= len(words) {
		return words[max(n, 1)-1]
	}
	return fmt.Sprintf("%d things need a change", n)
}

// faultTarget returns the input that a fault is about: that of its first word.
func faultTarget(fault webhook.Fault) string {
	name, _, _ := strings.Cut(fault.Field, ".")
	name, _, _ = strings.Cut(name, "[")
	return "#" + FieldID(name)
}

// FieldID returns the id of a form field's input, which the error summary links
// to. See also ErrorID and HintID.
func FieldID(field string) string { return "f-" + field }

// ErrorID returns the id of a form field's errors.
func ErrorID(field string) string { return FieldID(field) + "-error" }

// HintID returns the id of a form field's hint.
func HintID(field string) string { return FieldID(field) + "-hint" }
