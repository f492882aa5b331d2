package api

import (
	"encoding/json"

	"github.com/google/jsonschema-go/jsonschema"
)

// The types below are the parts of OpenAPI 3.1 that the document uses. Their
// fields stand in alphabetical order, which is the order of the document's text.

// openAPI is a whole document.
type openAPI struct {
	Components        components          `json:"components"`
	Info              documentInfo        `json:"info"`
	JSONSchemaDialect string              `json:"jsonSchemaDialect"`
	OpenAPI           string              `json:"openapi"` // the version of OpenAPI
	Paths             map[string]pathItem `json:"paths"`
	Servers           []documentServer    `json:"servers"`
	Webhooks          map[string]pathItem `json:"webhooks"`
}

type components struct {
	Schemas         map[string]*jsonschema.Schema `json:"schemas"`
	SecuritySchemes map[string]securityScheme     `json:"securitySchemes"`
}

type securityScheme struct {
	BearerFormat string `json:"bearerFormat"`
	Description  string `json:"description"`
	Scheme       string `json:"scheme"`
	Type         string `json:"type"`
}

type documentInfo struct {
	Description string          `json:"description"`
	License     documentLicense `json:"license"`
	Title       string          `json:"title"`
	Version     string          `json:"version"`
}

type documentLicense struct {
	Identifier string `json:"identifier"`
	Name       string `json:"name"`
}

type documentServer struct {
	URL string `json:"url"`
}

// pathItem has the operations of one path by their method in lower case.
type pathItem map[string]pathOperation

// pathOperation is one operation. Those of webhooks have neither id nor security.
type pathOperation struct {
	Description string                `json:"description,omitzero"`
	OperationID string                `json:"operationId,omitzero"`
	Parameters  []documentParameter   `json:"parameters"`
	RequestBody *pathBody             `json:"requestBody,omitzero"`
	Responses   map[string]response   `json:"responses"` // by status
	Security    []map[string][]string `json:"security,omitzero"`
	Summary     string                `json:"summary"`
	Tags        []string              `json:"tags"`
}

type documentParameter struct {
	Description string      `json:"description"`
	In          string      `json:"in"`
	Name        string      `json:"name"`
	Required    bool        `json:"required,omitzero"`
	Schema      valueSchema `json:"schema"`
}

type pathBody struct {
	Content  map[string]content `json:"content"` // by media type
	Required bool               `json:"required"`
}

type response struct {
	Content     map[string]content        `json:"content,omitzero"` // by media type
	Description string                    `json:"description"`
	Headers     map[string]responseHeader `json:"headers,omitzero"`
}

type responseHeader struct {
	Description string      `json:"description"`
	Schema      valueSchema `json:"schema"`
}

// content is what a body of one media type holds.
type content struct {
	Example  json.RawMessage           `json:"example,omitzero"`
	Examples map[string]contentExample `json:"examples,omitzero"`
	Schema   schema                    `json:"schema"`
}

type contentExample struct {
	Summary string      `json:"summary"`
	Value   problemBody `json:"value"`
}

// schema is the JSON schema of a body: a derivedSchema or an envelopeSchema.
type schema interface{ ofBody() }

// derivedSchema is one that jsonschema made of a Go type, or a reference to one.
type derivedSchema struct{ *jsonschema.Schema }

func (derivedSchema) ofBody() {}

// reference returns a reference to the schema of that name.
func reference(name string) derivedSchema {
	return derivedSchema{&jsonschema.Schema{Ref: SchemaPath + name}}
}

// envelopeSchema is the schema of what endpoints get.
type envelopeSchema struct {
	Properties envelopeProperties `json:"properties"`
	Required   []string           `json:"required"`
	Type       string             `json:"type"`
}

func (envelopeSchema) ofBody() {}

type envelopeProperties struct {
	Data           json.RawMessage `json:"data"` // the event type's own schema
	ID             valueSchema     `json:"id"`
	OrganizationID valueSchema     `json:"organizationId"`
	Test           valueSchema     `json:"test"`
	Timestamp      valueSchema     `json:"timestamp"`
	Type           valueSchema     `json:"type"`
}

// valueSchema is the schema of one plain value: a parameter, a header, a field.
type valueSchema struct {
	Const       any    `json:"const,omitzero"`
	Default     any    `json:"default,omitzero"`
	Description string `json:"description,omitzero"`
	Format      string `json:"format,omitzero"`
	MaxLength   int    `json:"maxLength,omitzero"`
	Maximum     int    `json:"maximum,omitzero"`
	Minimum     int    `json:"minimum,omitzero"`
	Type        string `json:"type,omitzero"`
}

func text() valueSchema { return valueSchema{Type: "string"} }

func timeText() valueSchema { return valueSchema{Type: "string", Format: "date-time"} }
