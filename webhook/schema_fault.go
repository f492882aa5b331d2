package webhook

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// schemaFaults says for people what a schema refused: one fault for each field,
// in the order of their names and numbers, since the validator goes through
// objects in no order. The validator has an error for each element of a long
// list; of these the first MaxFaults become faults, and the others are counted,
// with as many more as were kept from the validator.
func schemaFaults(invalid *jsonschema.ValidationError, more int) Faults {
	l := refusals{more: more}
	l.add(invalid)
	return l.faults()
}

// refusal is one place that a schema refused, not written out yet.
type refusal struct {
	steps   []string // to the value, as in a JSON Pointer
	name    string   // of its member that is at fault; "" is the value itself
	kind    jsonschema.ErrorKind
	message string // in place of the kind's
}

// refusals are the first MaxFaults places, in order.
type refusals struct {
	first []refusal
	more  int
}

func (l *refusals) add(invalid *jsonschema.ValidationError) {
	at := refusal{steps: invalid.InstanceLocation, kind: invalid.ErrorKind}
	switch k := invalid.ErrorKind.(type) {
	case *kind.AnyOf, *kind.OneOf, *kind.Not:
		// Which of the alternatives was meant nobody can tell, so their faults stay out.
		at.message = "has none of the forms that the schema allows"
		l.insert(at)
	case *kind.Required:
		l.addEach(at, k.Missing, "is required")
	case *kind.DependentRequired:
		l.addEach(at, k.Missing, "is required beside "+k.Prop)
	case *kind.Dependency:
		l.addEach(at, k.Missing, "is required beside "+k.Prop)
	case *kind.AdditionalProperties:
		l.addEach(at, k.Properties, "is not a field of this event type")
	case *kind.PropertyNames:
		at.name, at.message = k.Property, "has a name that the schema does not allow"
		l.insert(at)
	default:
		if len(invalid.Causes) == 0 {
			l.insert(at)
		}
		for _, cause := range invalid.Causes {
			l.add(cause)
		}
	}
}

func (l *refusals) addEach(at refusal, names []string, message string) {
	at.message = message
	for _, at.name = range names {
		l.insert(at)
	}
}

// insert keeps a place if it is one of the first, once for each field.
func (l *refusals) insert(r refusal) {
	at, found := slices.BinarySearchFunc(l.first, r, refusal.compare)
	switch {
	case found:
		return
	case len(l.first) < MaxFaults:
		l.first = slices.Insert(l.first, at, r)
		return
	}
	if l.more++; at < MaxFaults {
		copy(l.first[at+1:], l.first[at:])
		l.first[at] = r
	}
}

func (l *refusals) faults() Faults {
	faults := make(Faults, 0, len(l.first)+1)
	for _, r := range l.first {
		if r.message == "" {
			r.message = kindMessage(r.kind)
		}
		faults.Add(r.field(), r.message)
	}
	if l.more > 0 {
		faults = append(faults, Fault{More: l.more})
	}
	return faults
}

func (r refusal) field() string {
	if r.name == "" {
		return dataField(r.steps)
	}
	return dataField(append(slices.Clone(r.steps), r.name))
}

// compare orders places by their fields, numbers first and by their size.
func (r refusal) compare(other refusal) int {
	for i := 0; ; i++ {
		a, ok := r.step(i)
		b, otherOK := other.step(i)
		switch {
		case !ok && !otherOK:
			return 0
		case !ok:
			return -1
		case !otherOK:
			return 1
		}
		if order := compareSteps(a, b); order != 0 {
			return order
		}
	}
}

func (r refusal) step(i int) (string, bool) {
	switch {
	case i < len(r.steps):
		return r.steps[i], true
	case i == len(r.steps) && r.name != "":
		return r.name, true
	}
	return "", false
}

func compareSteps(a, b string) int {
	switch number := isNumber(a); {
	case number != isNumber(b) && number:
		return -1
	case number != isNumber(b):
		return 1
	case number && len(a) != len(b):
		return cmp.Compare(len(a), len(b))
	}
	return strings.Compare(a, b)
}

func isNumber(step string) bool { return step != "" && strings.Trim(step, "0123456789") == "" }

// dataField turns the steps of a JSON Pointer into data.items.0.price, cut to
// what a fault can show.
func dataField(steps []string) string {
	var b strings.Builder
	b.WriteString("data")
	for _, step := range steps {
		if b.Len() > maxField {
			break
		}
		b.WriteByte('.')
		b.WriteString(shortened(step, maxStep))
	}
	return shortened(b.String(), maxField)
}

func kindMessage(of jsonschema.ErrorKind) string {
	switch k := of.(type) {
	case *kind.Type:
		return "must be " + typeNames(k.Want)
	case *kind.Enum:
		return "must be one of " + valueNames(k.Want)
	case *kind.Const:
		return "must be " + valueNames([]any{k.Want})
	case *kind.Format:
		return "must be " + formatName(k.Want)
	case *kind.Pattern:
		return "must match the pattern " + k.Want
	case *kind.Minimum:
		return "must be at least " + number(k.Want)
	case *kind.Maximum:
		return "must be at most " + number(k.Want)
	case *kind.ExclusiveMinimum:
		return "must be more than " + number(k.Want)
	case *kind.ExclusiveMaximum:
		return "must be less than " + number(k.Want)
	case *kind.MultipleOf:
		return "must be a multiple of " + number(k.Want)
	case *kind.MinLength:
		return "must have " + amount("at least", k.Want, "character")
	case *kind.MaxLength:
		return "must have " + amount("at most", k.Want, "character")
	case *kind.MinItems:
		return "must have " + amount("at least", k.Want, "item")
	case *kind.MaxItems:
		return "must have " + amount("at most", k.Want, "item")
	case *kind.MinProperties:
		return "must have " + amount("at least", k.Want, "field")
	case *kind.MaxProperties:
		return "must have " + amount("at most", k.Want, "field")
	case *kind.UniqueItems:
		return fmt.Sprintf("must not repeat an item: %d and %d are equal", k.Duplicates[0], k.Duplicates[1])
	case *kind.FalseSchema:
		return "is not allowed"
	}
	return "does not fit the schema of this event type"
}

func amount(bound string, n int, of string) string {
	if n != 1 {
		of += "s"
	}
	return fmt.Sprintf("%s %d %s", bound, n, of)
}

// number writes a bound as its author would have: 0.5, not 1/2.
func number(n *big.Rat) string {
	if n.IsInt() {
		return n.Num().String()
	}
	text, exact := n.FloatPrec()
	if !exact {
		return n.RatString()
	}
	return n.FloatString(text)
}

// typeNames says "a string or null", with null last.
func typeNames(names []string) string {
	var said []string
	for _, name := range names {
		switch name {
		case "null":
		case "integer", "array", "object":
			said = append(said, "an "+name)
		default:
			said = append(said, "a "+name)
		}
	}
	if len(said) < len(names) {
		said = append(said, "null")
	}
	return strings.Join(said, " or ")
}

func valueNames(values []any) string {
	said := make([]string, len(values))
	for i, value := range values {
		if text, ok := value.(string); ok {
			said[i] = text
			continue
		}
		text, err := json.Marshal(value)
		if err != nil {
			text = fmt.Append(nil, value)
		}
		said[i] = string(text)
	}
	return strings.Join(said, ", ")
}

func formatName(format string) string {
	switch format {
	case "email", "idn-email":
		return "an email address"
	case "date-time":
		return "a date and time such as 2026-03-03T15:22:41Z"
	case "date":
		return "a date such as 2026-03-03"
	case "time":
		return "a time such as 15:22:41Z"
	case "uri", "iri":
		return "an absolute URI such as https://example.com/"
	case "uuid":
		return "a UUID"
	case "hostname", "idn-hostname":
		return "a host name"
	case "ipv4":
		return "an IPv4 address"
	case "ipv6":
		return "an IPv6 address"
	}
	return "in the format " + format
}
