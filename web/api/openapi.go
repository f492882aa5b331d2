package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"hookwell/webhook"
)

// DocumentPath is the path of the document on the server.
const DocumentPath = "/api/openapi.json"

// The media types of answers.
const (
	JSONType    = "application/json"
	ProblemType = "application/problem+json"
)

// pathParameter is a parameter as Fiber writes it.
var pathParameter = regexp.MustCompile(`:([a-z]+)`)

// Template returns the route's path in the document's form.
func (r Route) Template() string { return pathParameter.ReplaceAllString(Path+r.Path, "{$1}") }

// document makes the OpenAPI 3.1 document of the API from its routes.
func document(version, server string, catalog *webhook.Catalog) ([]byte, error) {
	schemas, err := documentSchemas()
	if err != nil {
		return nil, err
	}
	paths, known := map[string]pathItem{}, operations()
	for _, route := range Routes() {
		operation, ok := known[route.Method+" "+route.Path]
		if !ok {
			return nil, fmt.Errorf("the document knows nothing of %s %s", route.Method, route.Path)
		}
		described, err := operation.document(route)
		if err != nil {
			return nil, err
		}
		path := route.Template()
		if paths[path] == nil {
			paths[path] = pathItem{}
		}
		paths[path][strings.ToLower(route.Method)] = described
	}
	return json.Marshal(openAPI{
		OpenAPI: "3.1.0", JSONSchemaDialect: "https://json-schema.org/draft/2020-12/schema",
		Info: documentInfo{Title: "Hookwell", Version: version, License: documentLicense{Name: "Apache-2.0", Identifier: "Apache-2.0"},
			Description: "Report events, manage endpoints, and find out what became of every delivery."},
		Servers: []documentServer{{server}}, Paths: paths, Webhooks: documentWebhooks(catalog),
		Components: components{Schemas: schemas, SecuritySchemes: map[string]securityScheme{"key": {Type: "http", Scheme: "bearer", BearerFormat: "hwk_…",
			Description: "A key of an organization, with the scopes that a route names, or a platform key, which has all and names its organization."}}},
	})
}

// document returns the operation as OpenAPI has it.
func (o operation) document(route Route) (pathOperation, error) {
	scopes := []string{string(route.Access)}
	if route.Access == PlatformOnly {
		scopes = []string{}
	}
	responses, err := o.responses(route)
	if err != nil {
		return pathOperation{}, err
	}
	tag, _, _ := strings.Cut(strings.TrimPrefix(route.Path, "/"), "/")
	described := pathOperation{OperationID: o.id, Summary: o.summary, Description: o.about, Tags: []string{tag}, Parameters: o.documentParameters(route),
		Security: []map[string][]string{{"key": scopes}}, Responses: responses}
	if o.body != "" {
		described.RequestBody = &pathBody{Required: !o.bodyOptional, Content: map[string]content{JSONType: {Schema: reference(o.body)}}}
	}
	return described, nil
}

// documentParameters returns the parameters of the operation's path, query and headers.
func (o operation) documentParameters(route Route) []documentParameter {
	parameters := []documentParameter{}
	for _, name := range pathParameter.FindAllStringSubmatch(route.Path, -1) {
		parameters = append(parameters, documentParameter{Name: name[1], In: "path", Required: true, Schema: text(), Description: "Which one: its " + name[1] + "."})
	}
	for _, p := range o.parameters(route) {
		parameters = append(parameters, documentParameter{Name: p.name, In: "query", Schema: p.schema, Description: p.about})
	}
	header := func(name string, schema valueSchema, about string) {
		parameters = append(parameters, documentParameter{Name: name, In: "header", Schema: schema, Description: about})
	}
	if o.idempotent {
		header(idempotencyKey, valueSchema{Type: "string", MaxLength: 255},
			"Makes a repeat safe: for 24 hours the same key with the same body answers the first answer again, with Idempotent-Replayed: true.")
	}
	if o.conditional {
		header(fiber.HeaderIfMatch, text(), "Entity tags, or *: it is done only while the ETag is one of them. Otherwise the answer is 412; an empty one is 400.")
	}
	if o.tagged && route.Method == fiber.MethodGet {
		header(fiber.HeaderIfNoneMatch, text(), "Entity tags, or *: while the ETag is one of them the answer is 304, without a body.")
	}
	return parameters
}

// codes returns all problems that the route may answer.
func (o operation) codes(route Route) []string {
	codes := []string{"malformed", "unauthorized", "key_expired", "not_found", "misdirected", "invalid", "too_many_requests", "internal", "stopping", "database_away", "database_busy", "timeout", "storage_full", "storage_read_only", "server_busy"}
	if route.Access == PlatformOnly {
		codes = append(codes, "platform_key_required")
	} else {
		codes = append(codes, "missing_scope")
	}
	if o.body != "" {
		codes = append(codes, "invalid_json", "not_an_object", "too_large", "unsupported_media_type", "request_timeout")
	}
	if o.conditional {
		codes = append(codes, "precondition_failed")
	}
	return append(codes, o.refusals...)
}

func (o operation) responses(route Route) (map[string]response, error) {
	headers := map[string]responseHeader{"X-Request-Id": {Schema: text(), Description: "The request's id, which the server's log knows."}}
	if o.tagged {
		headers[fiber.HeaderETag] = responseHeader{Schema: text(), Description: "Names this state of the resource, for If-Match and If-None-Match."}
	}
	answered := response{Description: http.StatusText(o.status), Headers: headers}
	if o.answer != "" {
		example, err := exampleOf(o)
		if err != nil {
			return nil, err
		}
		body := content{Schema: reference(o.answer), Example: example}
		if o.list {
			body.Schema = derivedSchema{listOf(o.answer)}
		}
		answered.Content = map[string]content{JSONType: body}
	}
	responses, examples := map[string]response{strconv.Itoa(o.status): answered}, map[int]map[string]contentExample{}
	if o.tagged && route.Method == fiber.MethodGet {
		responses[strconv.Itoa(fiber.StatusNotModified)] = response{Description: http.StatusText(fiber.StatusNotModified), Headers: headers}
	}
	for _, code := range o.codes(route) {
		kind := refusals[code]
		if examples[kind.status] == nil {
			examples[kind.status] = map[string]contentExample{}
		}
		examples[kind.status][code] = contentExample{Summary: kind.about, Value: exampleProblem(code, kind)}
	}
	for status, of := range examples {
		refused := response{Description: http.StatusText(status), Content: map[string]content{ProblemType: {Schema: reference("Problem"), Examples: of}}}
		if status == fiber.StatusTooManyRequests || status == fiber.StatusServiceUnavailable {
			refused.Headers = map[string]responseHeader{fiber.HeaderRetryAfter: {Schema: valueSchema{Type: "integer"}, Description: "In how many seconds to come again."}}
		}
		responses[strconv.Itoa(status)] = refused
	}
	return responses, nil
}

func exampleProblem(code string, kind refusalKind) problemBody {
	problem := problemBody{Type: "about:blank", Title: http.StatusText(kind.status), Status: kind.status, Code: code, Detail: kind.about,
		Errors: []problemField{}, RequestID: "3ADTFX2A5YEZH54YULW6B5DRQC"}
	if code == "invalid" {
		problem.Errors = append(problem.Errors, problemField{Field: "data.amount", Message: "is required"})
	}
	return problem
}

// documentWebhooks returns the requests that endpoints get, one for each type.
func documentWebhooks(catalog *webhook.Catalog) map[string]pathItem {
	header := func(name, about string) documentParameter {
		return documentParameter{Name: name, In: "header", Required: true, Schema: text(), Description: about}
	}
	hooks := map[string]pathItem{}
	for _, t := range catalog.Types() {
		envelope := envelopeSchema{Type: "object", Required: []string{"id", "type", "timestamp", "organizationId", "data"}, Properties: envelopeProperties{
			ID: text(), Type: valueSchema{Const: t.Type}, Timestamp: timeText(), OrganizationID: text(),
			Test: valueSchema{Const: true, Description: "There on test events alone."}, Data: json.RawMessage(t.Schema)}}
		hooks[t.Type] = pathItem{"post": {Summary: t.Description, Description: "Fires when: " + t.FiresWhen, Tags: []string{t.Category},
			Parameters: []documentParameter{header("webhook-id", "The event's id, the same in every attempt."), header("webhook-timestamp", "When the request was written, in Unix seconds."),
				header("webhook-signature", "v1, and the HMAC-SHA256 of id, timestamp and body: see Standard Webhooks 1.0.0.")},
			RequestBody: &pathBody{Required: true, Content: map[string]content{JSONType: {Schema: envelope}}},
			Responses:   map[string]response{"2XX": {Description: "Received. Anything else is tried again, unless the endpoint's retryStatuses say otherwise."}}}}
	}
	return hooks
}
