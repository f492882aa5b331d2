package web

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// contract is the API's document, as the tests hold answers against it.
type contract struct {
	root     map[string]any
	compiler *jsonschema.Compiler
	mu       sync.Mutex // of the compiler, and of seen
	seen     map[string]bool
}

const contractName = "https://hookwell.test/openapi.json"

// apiContract is the document of the built-in catalog, read once.
var apiContract = sync.OnceValues(func() (*contract, error) {
	catalog, err := apiCatalog()
	if err != nil {
		return nil, err
	}
	raw, err := document("test", "http://127.0.0.1", catalog)
	if err != nil {
		return nil, err
	}
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	c := &contract{root: parsed.(map[string]any), compiler: jsonschema.NewCompiler(), seen: map[string]bool{}}
	c.compiler.DefaultDraft(jsonschema.Draft2020)
	c.compiler.AssertFormat()
	return c, c.compiler.AddResource(contractName, parsed)
})

func theContract(t testing.TB) *contract {
	t.Helper()
	c, err := apiContract()
	must(t, err)
	return c
}

// at is a part of the document by its pointer's parts.
func (c *contract) at(parts ...string) map[string]any {
	here := c.root
	for _, part := range parts {
		here, _ = here[part].(map[string]any)
	}
	return here
}

// pathOf is the document's path of a request, or empty.
func (c *contract) pathOf(method, path string) string {
	best := ""
	for template := range c.at("paths") {
		pattern := regexp.MustCompile(`^` + regexp.MustCompile(`\\\{[a-z]+\\\}`).ReplaceAllString(regexp.QuoteMeta(template), `[^/]+`) + `$`)
		if pattern.MatchString(path) && c.at("paths", template, strings.ToLower(method)) != nil && (best == "" || !strings.Contains(template, "{")) {
			best = template
		}
	}
	return best
}

func pointer(parts ...string) string {
	escape := strings.NewReplacer("~", "~0", "/", "~1")
	var b strings.Builder
	for _, part := range parts {
		b.WriteString("/" + url.PathEscape(escape.Replace(part)))
	}
	return b.String()
}

// fits validates a value against the schema at a pointer.
func (c *contract) fits(t testing.TB, what string, raw []byte, parts ...string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	schema, err := c.compiler.Compile(contractName + "#" + pointer(parts...))
	must(t, err)
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err == nil {
		err = schema.Validate(value)
	}
	if err != nil {
		t.Errorf("%s is not as the document has it: %v\n%.500s", what, err, raw)
	}
}

// holds checks one real answer: its status, its kind and its shape are
// documented, and so is its code, if it is a refusal.
func (c *contract) holds(t testing.TB, method, target string, status int, header http.Header, body []byte) {
	t.Helper()
	path, _, _ := strings.Cut(target, "?")
	template := c.pathOf(method, path)
	if template == "" {
		return // no route of the API
	}
	what := method + " " + template + " " + strconv.Itoa(status)
	where := []string{"paths", template, strings.ToLower(method), "responses", strconv.Itoa(status)}
	response := c.at(where...)
	if response == nil {
		t.Errorf("%s is not documented: %s", what, body)
		return
	}
	content, _ := response["content"].(map[string]any)
	if len(content) == 0 {
		if len(body) > 0 {
			t.Errorf("%s answers %s", what, body)
		}
		return
	}
	kind := header.Get("Content-Type")
	if content[kind] == nil {
		t.Errorf("%s answers %s", what, kind)
		return
	}
	where = append(where, "content", kind)
	c.fits(t, what, body, append(where, "schema")...)
	if examples := c.at(append(where, "examples")...); examples != nil {
		var problem problemBody
		must(t, json.Unmarshal(body, &problem))
		if examples[problem.Code] == nil {
			t.Errorf("%s: the code %s is not documented", what, problem.Code)
		}
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	must(t, err)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.note(c.at(append(where, "schema")...), "", value)
}

// note marks the documented properties that a value has.
func (c *contract) note(schema map[string]any, name string, value any) {
	if reference, ok := schema["$ref"].(string); ok {
		name = strings.TrimPrefix(reference, schemaPath)
		schema = c.at("components", "schemas", name)
	}
	for _, choice := range []string{"anyOf", "oneOf"} {
		list, _ := schema[choice].([]any)
		for _, one := range list {
			if of, ok := one.(map[string]any); ok && (of["type"] != "null" || value == nil) {
				c.note(of, name, value)
			}
		}
	}
	switch value := value.(type) {
	case []any:
		items, _ := schema["items"].(map[string]any)
		for _, item := range value {
			c.note(items, name, item)
		}
	case map[string]any:
		properties, _ := schema["properties"].(map[string]any)
		for key, of := range properties {
			if inner, ok := value[key]; ok && inner != nil {
				c.seen[name+"."+key] = true
				c.note(of.(map[string]any), name+"."+key, inner)
			}
		}
	}
}

// unseen are documented properties of answers that no answer had so far.
func (c *contract) unseen() (names []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, shape := range answerShapes {
		for key := range c.at("components", "schemas", shape.name, "properties") {
			if name := shape.name + "." + key; !c.seen[name] {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}
