package api

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/jsonschema-go/jsonschema"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/models/store"
	"hookwell/webhook"
)

// requestShapes are what requests send, and examples of each.
//
//go:embed openapi_requests.json
var requestShapes []byte

// SchemaPath is the beginning of references to the document's schemas.
const SchemaPath = "#/components/schemas/"

// answerShapes are what the API answers, by the names that its document gives
// them. Their properties come from the types that are answered.
var answerShapes = []struct {
	name, about string
	kind        reflect.Type
}{
	{"AcceptedEvent", "An event that was accepted.", reflect.TypeFor[acceptedAnswer]()},
	{"Event", "An event.", reflect.TypeFor[eventAnswer]()},
	{"Verdict", "What became of an event at one endpoint.", reflect.TypeFor[verdictAnswer]()},
	{"EventAlone", "An event with its data and every endpoint's verdict.", reflect.TypeFor[eventAlone]()},
	{"EventType", "An event type of the catalog.", reflect.TypeFor[eventTypeAnswer]()},
	{"Endpoint", "An endpoint.", reflect.TypeFor[endpointAnswer]()},
	{"Timings", "How long the parts of an exchange took, in milliseconds.", reflect.TypeFor[timingsAnswer]()},
	{"Request", "What an attempt sent.", reflect.TypeFor[requestAnswer]()},
	{"Response", "What came back.", reflect.TypeFor[responseAnswer]()},
	{"Attempt", "One request of a delivery.", reflect.TypeFor[attemptAnswer]()},
	{"Delivery", "An event on its way to an endpoint.", reflect.TypeFor[deliveryAnswer]()},
	{"DeliveryAlone", "A delivery with its attempts.", reflect.TypeFor[deliveryAlone]()},
	{"Recovery", "A request to send again what an endpoint has not got.", reflect.TypeFor[recoveryAnswer]()},
	{"Missed", "What an endpoint did not get.", reflect.TypeFor[missedAnswer]()},
	{"Organization", "An organization.", reflect.TypeFor[organizationAnswer]()},
	{"OrganizationCreated", "A new organization and its endpoints.", reflect.TypeFor[organizationCreated]()},
	{"Source", "A provider whose webhooks are taken in.", reflect.TypeFor[sourceAnswer]()},
	{"MappingsPreview", "What the latest requests would become.", reflect.TypeFor[previewAnswer]()},
	{"PreviewedRequest", "What one request would become.", reflect.TypeFor[previewedRequest]()},
	{"PreviewedEvent", "An event that a request would become, or that doesn't fit its type.", reflect.TypeFor[previewedEvent]()},
	{"PreviewFault", "Where a mapping fails.", reflect.TypeFor[previewFault]()},
	{"ReceivedRequest", "A request that came to a source.", reflect.TypeFor[receivedAnswer]()},
	{"ReceivedRequestAlone", "A request with its headers and body.", reflect.TypeFor[receivedAlone]()},
	{"Replay", "Requests that are processed again.", reflect.TypeFor[replayAnswer]()},
	{"PortalLink", "A portal link. Its url is told this once.", reflect.TypeFor[portalLinkAnswer]()},
	{"Suppression", "An address that gets no invitations and alerts.", reflect.TypeFor[suppressionAnswer]()},
	{"ProblemField", "A field that needs a change.", reflect.TypeFor[problemField]()},
	{"Problem", "Why a request was refused (RFC 9457).", reflect.TypeFor[problemBody]()},
}

// plainShapes are types that are written as something simpler.
func plainShapes() map[reflect.Type]*jsonschema.Schema {
	shapes := map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[stamp]():                 {Type: "string", Format: "date-time"},
		reflect.TypeFor[headerObject]():          {Type: "object", AdditionalProperties: &jsonschema.Schema{Type: "string"}},
		reflect.TypeFor[jsontext.Value]():        {Type: "object"},
		reflect.TypeFor[webhook.Subscriptions](): {Type: "array", Items: &jsonschema.Schema{Type: "string"}},
	}
	choice(shapes, webhook.SignatureFormats())
	choice(shapes, webhook.SourceSignatures())
	choice(shapes, append(models.States(), notSent))
	choice(shapes, []models.Origin{models.OriginAPI, models.OriginApp, models.OriginTest, models.OriginMapped, models.OriginRelayed})
	choice(shapes, []models.Trigger{models.TriggerSchedule, models.TriggerPerson, models.TriggerTest})
	choice(shapes, []models.RecoveryKind{models.RecoverFailed, models.RecoverMissing})
	choice(shapes, []models.RecoveryState{models.RecoveryRunning, models.RecoveryDone, models.RecoveryCancelled})
	choice(shapes, models.RequestStates())
	choice(shapes, inbound.Causes())
	choice(shapes, inbound.Dedupes())
	choice(shapes, models.Processings())
	choice(shapes, []models.MailFeedback{models.MailBounced, models.MailComplained})
	return shapes
}

// choice has a type written as one of its values.
func choice[T ~string](shapes map[reflect.Type]*jsonschema.Schema, values []T) {
	names := make([]any, len(values))
	for i, value := range values {
		names[i] = string(value)
	}
	shapes[reflect.TypeFor[T]()] = &jsonschema.Schema{Type: "string", Enum: names}
}

// documentSchemas returns all schemas of the document, by name.
func documentSchemas() (map[string]*jsonschema.Schema, error) {
	schemas := map[string]*jsonschema.Schema{}
	if err := json.Unmarshal(requestShapes, &schemas); err != nil {
		return nil, fmt.Errorf("reading the shapes of requests: %w", err)
	}
	describeEndpoints(schemas)
	plain := plainShapes()
	for _, shape := range answerShapes {
		known := maps.Clone(plain)
		for _, other := range answerShapes {
			if other.kind != shape.kind && !embeds(shape.kind, other.kind) {
				known[other.kind] = &jsonschema.Schema{Ref: SchemaPath + other.name}
			}
		}
		schema, err := jsonschema.ForType(shape.kind, &jsonschema.ForOptions{TypeSchemas: known})
		if err != nil {
			return nil, err
		}
		schema.Description = shape.about
		mend(schema)
		schemas[shape.name] = schema
	}
	// Neither is one type in Go.
	schemas["Endpoint"].Properties["schedule"] = &jsonschema.Schema{Description: "A schedule by name, or delays in seconds.",
		OneOf: []*jsonschema.Schema{{Enum: []any{"standard", "patient", "brisk"}}, {Type: "array", Items: &jsonschema.Schema{Type: "integer"}}}}
	schemas["Source"].Properties["mappings"] = &jsonschema.Schema{Description: "What turns its requests into events of the catalog.", Type: "array", Items: &jsonschema.Schema{Type: "object"}}
	schemas["PreviewedEvent"].Properties["data"].Type, schemas["PreviewedEvent"].Properties["data"].Types = "", []string{"object", "null"}
	schemas["BatchResult"] = &jsonschema.Schema{Description: "What became of one event of a batch: accepted, or a problem.", OneOf: []*jsonschema.Schema{
		{Ref: SchemaPath + "AcceptedEvent"},
		{Type: "object", Required: []string{"problem"}, AdditionalProperties: &jsonschema.Schema{Not: &jsonschema.Schema{}},
			Properties: map[string]*jsonschema.Schema{"problem": {Ref: SchemaPath + "Problem"}}}}}
	for _, state := range []string{"Delivery", "DeliveryAlone"} { // not_sent is a verdict's alone
		property := schemas[state].Properties["state"]
		property.Enum = slices.DeleteFunc(slices.Clone(property.Enum), func(name any) bool { return name == string(notSent) })
	}
	delete(schemas["Event"].Properties, "data") // a list does without
	schemas["EventAlone"].Required = append(schemas["EventAlone"].Required, "data")
	limitRequests(schemas)
	return schemas, nil
}

// limitRequests adds the limits and defaults that the code has. Those of endpoints
// stand in the file.
func limitRequests(schemas map[string]*jsonschema.Schema) {
	numbers := func(name, property string, least, most, otherwise int) {
		schema := schemas[name].Properties[property]
		schema.Minimum, schema.Maximum, schema.Default = new(float64(least)), new(float64(most)), json.RawMessage(strconv.Itoa(otherwise))
	}
	numbers("SecretRotation", "overlapHours", 0, models.MaxOverlapHours, store.DefaultOverlapHours)
	numbers("NewRecovery", "perSecond", 1, models.MaxRecoveryRate, store.DefaultRecoveryRate)
	numbers("NewPortalLink", "minutes", 1, models.MaxPortalMinutes, store.DefaultPortalMinutes)
	for _, name := range []string{"NewOrganization", "OrganizationChange", "NewPortalLink"} {
		schemas[name].Properties["name"].MaxLength = new(models.MaxName)
	}
	events := schemas["EventBatch"].Properties["events"]
	events.MinItems, events.MaxItems = new(1), new(maxBatch)
	schemas["NewOrganization"].Properties["endpoints"].MaxItems = new(maxFirstEndpoints)
}

// embeds reports whether a type has another's fields as its own.
func embeds(kind, other reflect.Type) bool {
	field, ok := kind.FieldByName(other.Name())
	return ok && field.Anonymous && field.Type == other
}

// mend says of lists that they are never null, which Go's types leave open,
// and writes what is a name or null as such.
func mend(schema *jsonschema.Schema) {
	if slices.Contains(schema.Types, "array") {
		schema.Type, schema.Types = "array", nil
	}
	if schema.Ref != "" && slices.Contains(schema.Types, "null") {
		schema.AnyOf = []*jsonschema.Schema{{Ref: schema.Ref}, {Type: "null"}}
		schema.Ref, schema.Types = "", nil
	}
	for _, property := range schema.Properties {
		mend(property)
	}
	if schema.Items != nil {
		mend(schema.Items)
	}
}

// listOf returns one page of rows.
func listOf(name string) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "object", Required: []string{"data", "nextCursor"}, AdditionalProperties: &jsonschema.Schema{Not: &jsonschema.Schema{}},
		PropertyOrder: []string{"data", "nextCursor"},
		Properties: map[string]*jsonschema.Schema{
			"data":       {Type: "array", Items: &jsonschema.Schema{Ref: SchemaPath + name}, Description: "One page of rows, the newest first."},
			"nextCursor": {Types: []string{"string", "null"}, Description: "Send it back as cursor for the next page; null on the last."}}}
}
