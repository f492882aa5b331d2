package webhook

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// schemaFaults says for people what a schema refused: one fault for each field,
// sorted, since the validator goes through objects in no order.
func schemaFaults(invalid *jsonschema.ValidationError) Faults {
	faults := appendSchemaFaults(nil, invalid)
	slices.SortStableFunc(faults, func(a, b Fault) int { return strings.Compare(a.Field, b.Field) })
	return slices.CompactFunc(faults, func(a, b Fault) bool { return a.Field == b.Field })
}

func appendSchemaFaults(faults Faults, invalid *jsonschema.ValidationError) Faults {
	at := dataField(invalid.InstanceLocation)
	switch k := invalid.ErrorKind.(type) {
	case *kind.AnyOf, *kind.OneOf, *kind.Not:
		// Which of the alternatives was meant nobody can tell, so their faults stay out.
		return append(faults, Fault{at, "has none of the forms that the schema allows"})
	case *kind.Required:
		return appendEach(faults, at, k.Missing, "is required")
	case *kind.DependentRequired:
		return appendEach(faults, at, k.Missing, "is required beside "+k.Prop)
	case *kind.Dependency:
		return appendEach(faults, at, k.Missing, "is required beside "+k.Prop)
	case *kind.AdditionalProperties:
		return appendEach(faults, at, k.Properties, "is not a field of this event type")
	case *kind.PropertyNames:
		return append(faults, Fault{at + "." + k.Property, "has a name that the schema does not allow"})
	}
	if len(invalid.Causes) == 0 {
		return append(faults, Fault{at, kindMessage(invalid.ErrorKind)})
	}
	for _, cause := range invalid.Causes {
		faults = appendSchemaFaults(faults, cause)
	}
	return faults
}

func appendEach(faults Faults, at string, names []string, message string) Faults {
	for _, name := range names {
		faults = append(faults, Fault{at + "." + name, message})
	}
	return faults
}

// dataField turns the steps of a JSON Pointer into data.items.0.price.
func dataField(steps []string) string {
	return strings.Join(append([]string{"data"}, steps...), ".")
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
