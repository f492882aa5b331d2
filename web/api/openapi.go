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

// DocumentPath is where the server has the document.
const DocumentPath = "/api/openapi.json"

// The media types of answers.
const (
	JSONType    = "application/json"
	ProblemType = "application/problem+json"
)

// object is a part of the document. Its keys are written in their order.
type object = map[string]any

// pathParameter is a parameter as Fiber writes it.
var pathParameter = regexp.MustCompile(`:([a-z]+)`)

// Template returns the route's path as the document has it.
func (r Route) Template() string { return pathParameter.ReplaceAllString(Path+r.Path, "{$1}") }

// document makes the OpenAPI 3.1 document of the API from its routes.
func document(version, server string, catalog *webhook.Catalog) ([]byte, error) {
	schemas, err := documentSchemas()
	if err != nil {
		return nil, err
	}
	paths, known := map[string]object{}, operations()
	for _, route := range Routes() {
		operation, ok := known[route.Method+" "+route.Path]
		if !ok {
			return nil, fmt.Errorf("the document knows nothing of %s %s", route.Method, route.Path)
		}
		path := route.Template()
		if paths[path] == nil {
			paths[path] = object{}
		}
		paths[path][strings.ToLower(route.Method)] = operation.document(route)
	}
	return json.Marshal(object{
		"openapi": "3.1.0", "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
		"info": object{"title": "Hookwell", "version": version, "license": object{"name": "Apache-2.0", "identifier": "Apache-2.0"},
			"description": "Report events, manage endpoints, and find out what became of every delivery."},
		"servers": []object{{"url": server}}, "paths": paths, "webhooks": documentWebhooks(catalog),
		"components": object{"schemas": schemas, "securitySchemes": object{"key": object{"type": "http", "scheme": "bearer", "bearerFormat": "hwk_…",
			"description": "A key of an organization, with the scopes that a route names, or a platform key, which has all and names its organization."}}},
	})
}

// document is the operation as OpenAPI has it.
func (o operation) document(route Route) object {
	parameters := []object{}
	for _, name := range pathParameter.FindAllStringSubmatch(route.Path, -1) {
		parameters = append(parameters, object{"name": name[1], "in": "path", "required": true, "schema": text(), "description": "Which one: its " + name[1] + "."})
	}
	for _, p := range o.parameters(route) {
		parameters = append(parameters, object{"name": p.name, "in": "query", "schema": p.schema, "description": p.about})
	}
	if o.idempotent {
		parameters = append(parameters, object{"name": idempotencyKey, "in": "header", "schema": object{"type": "string", "maxLength": 255},
			"description": "Makes a repeat safe: for 24 hours the same key with the same body answers the first answer again, with Idempotent-Replayed: true."})
	}
	header := func(name, about string) {
		parameters = append(parameters, object{"name": name, "in": "header", "schema": text(), "description": about})
	}
	if o.conditional {
		header(fiber.HeaderIfMatch, "Entity tags, or *: it is done only while the ETag is one of them. Otherwise the answer is 412.")
	}
	if o.tagged && route.Method == fiber.MethodGet {
		header(fiber.HeaderIfNoneMatch, "Entity tags, or *: while the ETag is one of them the answer is 304, without a body.")
	}
	scopes := []string{string(route.Access)}
	if route.Access == PlatformOnly {
		scopes = []string{}
	}
	tag, _, _ := strings.Cut(strings.TrimPrefix(route.Path, "/"), "/")
	described := object{"operationId": o.id, "summary": o.summary, "tags": []string{tag}, "parameters": parameters,
		"security": []object{{"key": scopes}}, "responses": o.responses(route)}
	if o.about != "" {
		described["description"] = o.about
	}
	if o.body != "" {
		described["requestBody"] = object{"required": !o.bodyOptional, "content": object{JSONType: object{"schema": object{"$ref": SchemaPath + o.body}}}}
	}
	return described
}

// codes are all problems that the route may answer.
func (o operation) codes(route Route) []string {
	codes := []string{"malformed", "unauthorized", "key_expired", "not_found", "misdirected", "invalid", "too_many_requests", "internal", "stopping", "database_away", "database_busy", "timeout", "storage_full", "storage_read_only"}
	if route.Access == PlatformOnly {
		codes = append(codes, "platform_key_required")
	} else {
		codes = append(codes, "missing_scope")
	}
	if o.body != "" {
		codes = append(codes, "invalid_json", "not_an_object", "too_large", "unsupported_media_type", "request_timeout", "server_busy")
	}
	if o.conditional {
		codes = append(codes, "precondition_failed")
	}
	return append(codes, o.refusals...)
}

func (o operation) responses(route Route) object {
	headers := object{"X-Request-Id": object{"schema": text(), "description": "The request's id, which the server's log knows."}}
	if o.tagged {
		headers[fiber.HeaderETag] = object{"schema": text(), "description": "Names this state of the resource, for If-Match and If-None-Match."}
	}
	answered := object{"description": http.StatusText(o.status), "headers": headers}
	if o.answer != "" {
		schema := any(object{"$ref": SchemaPath + o.answer})
		if o.list {
			schema = listOf(o.answer)
		}
		answered["content"] = object{JSONType: object{"schema": schema, "example": exampleOf(o)}}
	}
	responses, examples := object{strconv.Itoa(o.status): answered}, map[int]object{}
	if o.tagged && route.Method == fiber.MethodGet {
		responses[strconv.Itoa(fiber.StatusNotModified)] = object{"description": http.StatusText(fiber.StatusNotModified), "headers": headers}
	}
	for _, code := range o.codes(route) {
		kind := refusals[code]
		if examples[kind.status] == nil {
			examples[kind.status] = object{}
		}
		examples[kind.status][code] = object{"summary": kind.about, "value": exampleProblem(code, kind)}
	}
	for status, of := range examples {
		response := object{"description": http.StatusText(status),
			"content": object{ProblemType: object{"schema": object{"$ref": SchemaPath + "Problem"}, "examples": of}}}
		if status == fiber.StatusTooManyRequests || status == fiber.StatusServiceUnavailable {
			response["headers"] = object{"Retry-After": object{"schema": object{"type": "integer"}, "description": "In how many seconds to come again."}}
		}
		responses[strconv.Itoa(status)] = response
	}
	return responses
}

func exampleProblem(code string, kind refusalKind) problemBody {
	problem := problemBody{Type: "about:blank", Title: http.StatusText(kind.status), Status: kind.status, Code: code, Detail: kind.about,
		Errors: []problemField{}, RequestID: "3ADTFX2A5YEZH54YULW6B5DRQC"}
	if code == "invalid" {
		problem.Errors = append(problem.Errors, problemField{Field: "data.amount", Message: "is required"})
	}
	return problem
}

// documentWebhooks are the requests that endpoints get, one for each type.
func documentWebhooks(catalog *webhook.Catalog) object {
	hooks := object{}
	for _, t := range catalog.Types() {
		header := func(name, about string) object {
			return object{"name": name, "in": "header", "required": true, "schema": text(), "description": about}
		}
		hooks[t.Type] = object{"post": object{"summary": t.Description, "description": "Fires when: " + t.FiresWhen, "tags": []string{t.Category},
			"parameters": []object{header("webhook-id", "The event's id, the same in every attempt."), header("webhook-timestamp", "When the request was written, in Unix seconds."),
				header("webhook-signature", "v1, and the HMAC-SHA256 of id, timestamp and body: see Standard Webhooks 1.0.0.")},
			"requestBody": object{"required": true, "content": object{JSONType: object{"schema": object{"type": "object",
				"required": []string{"id", "type", "timestamp", "organizationId", "data"}, "properties": object{
					"id": text(), "type": object{"const": t.Type}, "timestamp": timeText(), "organizationId": text(),
					"test": object{"const": true, "description": "There on test events alone."}, "data": json.RawMessage(t.Schema)}}}}},
			"responses": object{"2XX": object{"description": "Received. Anything else is tried again."}}}}
	}
	return hooks
}
