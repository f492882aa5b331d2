package api

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/google/jsonschema-go/jsonschema"

	"hookwell/models"
	"hookwell/webhook"
)

// describeEndpoints adds to the shapes of requests what is the same in a new
// endpoint and in a change of one, with the bounds that the server checks.
func describeEndpoints(schemas map[string]*jsonschema.Schema) {
	created, changed := schemas["NewEndpoint"].Properties, schemas["EndpointChange"].Properties
	for _, field := range models.EndpointFields() {
		if created[field.Name] != nil {
			continue // required of a new one, and described in the file
		}
		created[field.Name], changed[field.Name] = fieldSchema(field), fieldSchema(field)
		if field.IsNumber() {
			in := models.NewEndpointInput()
			created[field.Name].Default = json.RawMessage(strconv.Itoa(field.Value(&in)))
		}
	}
	const bounds = "or 1 to %d delays in seconds, %d days in all."
	created["schedule"] = scheduleSchema(fmt.Sprintf("A schedule by name (%s by default), "+bounds, webhook.Schedules()[0].Name, webhook.MaxDelays, webhook.MaxScheduleDays))
	changed["schedule"] = scheduleSchema(fmt.Sprintf("A schedule by name, "+bounds, webhook.MaxDelays, webhook.MaxScheduleDays))
	created["headers"].MaxProperties, changed["headers"].MaxProperties = pointer(models.MaxOwnHeaders), pointer(models.MaxOwnHeaders)
	created["secret"] = &jsonschema.Schema{Types: orNull("string"), Description: fmt.Sprintf(
		"A secret that the receiver has already: whsec_ and base64, or any text of %d to %d characters. Else one is made.", webhook.MinSecretText, webhook.MaxSecretText)}
}

// fieldSchema is what a request may have for a field; null is its default.
func fieldSchema(field models.EndpointField) *jsonschema.Schema {
	schema := &jsonschema.Schema{Description: field.About, Pattern: field.Pattern}
	switch {
	case field.IsNumber():
		schema.Types = orNull("integer")
		schema.Minimum, schema.Maximum = pointer(float64(field.Least())), pointer(float64(field.Most))
	case field.Choices != nil:
		for _, choice := range field.Choices {
			schema.Enum = append(schema.Enum, choice)
		}
		schema.Enum = append(schema.Enum, nil)
	default:
		schema.Types = orNull("string")
		if field.MaxLength > 0 {
			schema.MaxLength = pointer(field.MaxLength)
		}
	}
	return schema
}

func scheduleSchema(about string) *jsonschema.Schema {
	names := []any{}
	for _, schedule := range webhook.Schedules() {
		names = append(names, schedule.Name)
	}
	return &jsonschema.Schema{Description: about, OneOf: []*jsonschema.Schema{{Enum: append(names, nil)},
		{Type: "array", Items: &jsonschema.Schema{Type: "integer", Minimum: pointer(0.0)}, MinItems: pointer(1), MaxItems: pointer(webhook.MaxDelays)}}}
}

func orNull(kind string) []string { return []string{kind, "null"} }

func pointer[T any](value T) *T { return &value }
