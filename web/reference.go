package web

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"hookwell/views"
	"hookwell/web/api"
)

// schemaNode is what the page of the reference reads of a schema.
type schemaNode struct {
	Ref         string                 `json:"$ref"`
	Type        any                    `json:"type"`
	Description string                 `json:"description"`
	Format      string                 `json:"format"`
	Enum        []any                  `json:"enum"`
	Items       *schemaNode            `json:"items"`
	Properties  map[string]*schemaNode `json:"properties"`
	Required    []string               `json:"required"`
	OneOf       []*schemaNode          `json:"oneOf"`
	AnyOf       []*schemaNode          `json:"anyOf"`
	Examples    []json.RawMessage      `json:"examples"`
}

type contentNode map[string]struct {
	Schema   *schemaNode     `json:"schema"`
	Example  json.RawMessage `json:"example"`
	Examples map[string]struct {
		Summary string `json:"summary"`
	} `json:"examples"`
}

type operationNode struct {
	ID          string `json:"operationId"`
	Summary     string `json:"summary"`
	Description string `json:"description"`
	Parameters  []struct {
		Name        string      `json:"name"`
		In          string      `json:"in"`
		Required    bool        `json:"required"`
		Description string      `json:"description"`
		Schema      *schemaNode `json:"schema"`
	} `json:"parameters"`
	Body *struct {
		Content contentNode `json:"content"`
	} `json:"requestBody"`
	Security  []map[string][]string `json:"security"`
	Responses map[string]struct {
		Content contentNode `json:"content"`
	} `json:"responses"`
}

// apiDocument is what the page of the reference reads of the document.
type apiDocument struct {
	Paths      map[string]map[string]operationNode `json:"paths"`
	Components struct {
		Schemas map[string]*schemaNode `json:"schemas"`
	} `json:"components"`
}

// referencePath is where people read the document.
const referencePath = views.ReferencePath

// readReference reads the document as the page shows it, in apiTable's order.
func readReference(document []byte, version string) (views.Reference, error) {
	var d apiDocument
	if err := json.Unmarshal(document, &d); err != nil {
		return views.Reference{}, fmt.Errorf("reading the API's document: %w", err)
	}
	view := views.Reference{Version: version, Document: api.DocumentPath}
	for _, route := range api.Routes() {
		noun, _, _ := strings.Cut(strings.TrimPrefix(route.Path, "/"), "/")
		title := strings.ToUpper(noun[:1]) + strings.ReplaceAll(noun[1:], "-", " ")
		if n := len(view.Groups); n == 0 || view.Groups[n-1].Title != title {
			view.Groups = append(view.Groups, views.ReferenceGroup{Title: title})
		}
		path := route.Template()
		group := &view.Groups[len(view.Groups)-1]
		group.Operations = append(group.Operations, d.operation(route.Method, path, d.Paths[path][strings.ToLower(route.Method)]))
	}
	return view, nil
}

func (d *apiDocument) operation(method, path string, o operationNode) views.ReferenceOperation {
	shown := views.ReferenceOperation{ID: o.ID, Method: method, Path: path, Summary: o.Summary, About: o.Description}
	for _, requirement := range o.Security {
		shown.Scope = strings.Join(requirement["key"], ", ")
	}
	for _, p := range o.Parameters {
		name := p.Name
		if p.In != "query" {
			name += " (" + p.In + ")"
		}
		shown.Parameters = append(shown.Parameters, views.ReferenceField{Name: name, Type: d.typeOf(p.Schema), Required: p.Required, About: p.Description})
	}
	if o.Body != nil {
		schema := d.follow(o.Body.Content[api.JSONType].Schema)
		shown.Body = &views.ReferenceBody{About: schema.Description, Fields: d.fields("", schema, nil), Example: string(schema.Examples[0])}
	}
	for _, status := range sortedKeys(o.Responses) {
		response := o.Responses[status]
		if code, _ := strconv.Atoi(status); code < http.StatusBadRequest {
			shown.Status = status
			if content, ok := response.Content[api.JSONType]; ok {
				shown.Answer = &views.ReferenceBody{Fields: d.fields("", d.follow(content.Schema), nil), Example: string(content.Example)}
			}
			continue
		}
		examples := response.Content[api.ProblemType].Examples
		for _, code := range sortedKeys(examples) {
			shown.Refusals = append(shown.Refusals, views.ReferenceRefusal{Status: status, Code: code, About: examples[code].Summary})
		}
	}
	return shown
}

// follow returns the schema that a reference names.
func (d *apiDocument) follow(schema *schemaNode) *schemaNode {
	if schema == nil {
		return &schemaNode{}
	}
	if name, ok := strings.CutPrefix(schema.Ref, api.SchemaPath); ok {
		return d.Components.Schemas[name]
	}
	return schema
}

// fields lists the members of an object and of what lies in it.
func (d *apiDocument) fields(prefix string, schema *schemaNode, list []views.ReferenceField) []views.ReferenceField {
	for _, choice := range append(schema.OneOf, schema.AnyOf...) {
		list = d.fields(prefix, d.follow(choice), list)
	}
	for _, name := range sortedKeys(schema.Properties) {
		property := schema.Properties[name]
		list = append(list, views.ReferenceField{Name: prefix + name, Type: d.typeOf(property), Required: slices.Contains(schema.Required, name), About: property.Description})
		inner := d.follow(property)
		if inner.Items != nil {
			list = d.fields(prefix+name+"[].", d.follow(inner.Items), list)
		} else {
			list = d.fields(prefix+name+".", inner, list)
		}
	}
	return list
}

// typeOf says in words what a value may be.
func (d *apiDocument) typeOf(schema *schemaNode) string {
	schema = d.follow(schema)
	switch {
	case len(schema.Enum) > 0:
		names := make([]string, len(schema.Enum))
		for i, value := range schema.Enum {
			names[i] = fmt.Sprint(value)
			if value == nil {
				names[i] = "null"
			}
		}
		return strings.Join(names, " | ")
	case len(schema.OneOf)+len(schema.AnyOf) > 0:
		var names []string
		for _, choice := range append(schema.OneOf, schema.AnyOf...) {
			names = append(names, d.typeOf(choice))
		}
		return strings.Join(names, " or ")
	case schema.Items != nil:
		return "list of " + d.typeOf(schema.Items)
	case schema.Format != "":
		return typeWords(schema.Type) + " (" + schema.Format + ")"
	}
	return typeWords(schema.Type)
}

func typeWords(kind any) string {
	list, ok := kind.([]any)
	if !ok {
		return fmt.Sprint(kind)
	}
	names := make([]string, len(list))
	for i, name := range list {
		names[i] = fmt.Sprint(name)
	}
	return strings.Join(names, " or ")
}

func sortedKeys[V any](of map[string]V) []string {
	return slices.Sorted(maps.Keys(of))
}

// openAPI answers the document. It is the same for everybody.
func (s *Server) openAPI(c *fiber.Ctx) error {
	c.Set(fiber.HeaderCacheControl, "public, max-age=300")
	c.Set(fiber.HeaderContentType, api.JSONType)
	return s.sendShared(c, s.api.Document())
}

// apiReference shows the document to people.
func (s *Server) apiReference(c *fiber.Ctx) error {
	return s.render(c, fiber.StatusOK, views.ReferencePage(s.pagePart(c), s.reference))
}
