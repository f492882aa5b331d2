package webhook

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"

	jsonx "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Field is one top-level property of an event type's data.
type Field struct {
	Name        string
	Type        string // "string", "string or null", "any"
	Required    bool
	Description string
}

// Fields lists the top-level properties of the data in the order of the schema.
// The list is shared; don't change it.
func (t *EventType) Fields() []Field { return t.fields }

// Validate returns the faults of an event, or nil: at the field "type" if the
// catalog does not have the type, and for data that CheckData or the type's
// schema refuses, at "data.customer.email" and the like, one fault for each
// field, ordered by name.
func (c *Catalog) Validate(eventType string, data []byte) Faults {
	t, ok := c.byName[eventType]
	if !ok {
		return Faults{{Field: "type", Message: fmt.Sprintf("There is no event type %s in the catalog.", printable(eventType))}}
	}
	return t.validate(data)
}

// validating bounds how many long events are checked against a schema at once.
// The validator makes an error of some 300 bytes for each wrong element, and
// more events at once than there are processors are no sooner checked.
var validating = make(chan struct{}, runtime.GOMAXPROCS(0))

// longData is from how many bytes on an event's check counts as one of those.
const longData = 16 << 10

func (t *EventType) validate(data []byte) Faults {
	if t.shape.fits(data) {
		return nil
	}
	return t.refuse(data)
}

// refuse returns what is wrong with data that the type's shape did not let
// through, which is nothing if the shape was too narrow.
func (t *EventType) refuse(data []byte) Faults {
	if faults := CheckData(data); len(faults) > 0 {
		return faults
	}
	if len(data) >= longData {
		validating <- struct{}{}
		defer func() { <-validating }()
	}
	left, more := t.shape.thin(data)
	invalid, err := t.check(left)
	if invalid == nil && more > 0 {
		invalid, err = t.check(data)
		more = 0
	}
	switch {
	case invalid != nil:
		return schemaFaults(invalid, more)
	case err != nil:
		return Faults{{Field: "data", Message: "cannot be checked against the schema of this type"}}
	}
	return nil
}

// check returns what the schema refuses; both are nil if that is nothing.
func (t *EventType) check(data []byte) (*jsonschema.ValidationError, error) {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	err = t.compiled.Validate(value)
	var invalid *jsonschema.ValidationError
	errors.As(err, &invalid)
	return invalid, err
}

// localSchemas refuses every document that a $ref names: a schema stands on its
// own, so that a catalog can make the server read neither files nor the network.
type localSchemas struct{}

func (localSchemas) Load(url string) (any, error) {
	return nil, fmt.Errorf("a schema cannot refer to %s, only to its own parts", url)
}

// compileSchema compiles a type's schema, and a shape of it that lets through
// what has no faults without decoding it.
func compileSchema(eventType string, schema []byte) (*jsonschema.Schema, *shape, error) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		return nil, nil, fmt.Errorf("reading the schema: %w", err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	compiler.UseLoader(localSchemas{})
	location := "urn:event-type:" + eventType
	if err := compiler.AddResource(location, document); err != nil {
		return nil, nil, fmt.Errorf("adding the schema: %w", err)
	}
	compiled, err := compiler.Compile(location)
	if err != nil {
		return nil, nil, fmt.Errorf("compiling the schema: %w", err)
	}
	if refersByScope(document) {
		return compiled, nil, nil
	}
	return compiled, newShape(compiled), nil
}

// refersByScope reports whether a schema has a reference whose target depends on
// which schemas were gone through to it, so that no part means something alone.
func refersByScope(document any) bool {
	switch document := document.(type) {
	case map[string]any:
		for name, value := range document {
			if name == "$dynamicRef" || name == "$recursiveRef" || refersByScope(value) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(document, refersByScope)
	}
	return false
}

// schemaFields reads the properties token by token, because a map would lose
// their order.
func schemaFields(schema jsontext.Value) ([]Field, error) {
	var top struct {
		Properties jsontext.Value `json:"properties"`
		Required   []string       `json:"required"`
	}
	if schema.Kind() != '{' {
		return nil, nil
	}
	if err := jsonx.Unmarshal(schema, &top); err != nil {
		return nil, err
	}
	if len(top.Properties) == 0 {
		return nil, nil
	}
	required := make(map[string]bool, len(top.Required))
	for _, name := range top.Required {
		required[name] = true
	}
	decoder := jsontext.NewDecoder(bytes.NewReader(top.Properties))
	if _, err := decoder.ReadToken(); err != nil {
		return nil, err
	}
	var fields []Field
	for decoder.PeekKind() != '}' {
		field, err := schemaField(decoder)
		if err != nil {
			return nil, err
		}
		field.Required = required[field.Name]
		fields = append(fields, field)
	}
	return fields, nil
}

func schemaField(decoder *jsontext.Decoder) (Field, error) {
	name, err := decoder.ReadToken()
	if err != nil {
		return Field{}, err
	}
	field := Field{Name: name.String(), Type: "any"}
	value, err := decoder.ReadValue()
	if err != nil {
		return Field{}, err
	}
	if value.Kind() != '{' { // true and false are schemas too
		return field, nil
	}
	var property struct {
		Type        any    `json:"type"`
		Description string `json:"description"`
	}
	if err := jsonx.Unmarshal(value, &property); err != nil {
		return Field{}, err
	}
	field.Description = property.Description
	switch of := property.Type.(type) {
	case string:
		field.Type = of
	case []any:
		names := make([]string, len(of))
		for i, name := range of {
			names[i] = fmt.Sprint(name)
		}
		field.Type = strings.Join(names, " or ")
	}
	return field, nil
}
