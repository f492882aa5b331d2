package apitest

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

	"hookwell/internal/storetest"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Contract is the API's document, as the tests hold answers against it.
type Contract struct {
	root     map[string]any
	compiler *jsonschema.Compiler
	mu       sync.Mutex // of the compiler, and of seen
	seen     map[string]bool
}

// SchemaPointer is what references to schemas begin with.
const SchemaPointer = "#/components/schemas/"

const contractName = "https://hookwell.test/openapi.json"

// theContract is nil until a test asks for it.
var theContract struct {
	sync.Mutex
	*Contract
}

// ContractAt returns the contract that the server at an address gives. Of all
// servers of a process it is read once: they are of one build and one catalog.
func ContractAt(t testing.TB, base string) *Contract {
	t.Helper()
	theContract.Lock()
	defer theContract.Unlock()
	if theContract.Contract == nil {
		theContract.Contract = readContract(t, base)
	}
	return theContract.Contract
}

func readContract(t testing.TB, base string) *Contract {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/api/openapi.json", nil)
	storetest.Must(t, err)
	response, err := http.DefaultClient.Do(request)
	storetest.Must(t, err)
	defer response.Body.Close()
	parsed, err := jsonschema.UnmarshalJSON(response.Body)
	storetest.Must(t, err)
	c := &Contract{root: parsed.(map[string]any), compiler: jsonschema.NewCompiler(), seen: map[string]bool{}}
	c.compiler.DefaultDraft(jsonschema.Draft2020)
	c.compiler.AssertFormat()
	storetest.Must(t, c.compiler.AddResource(contractName, parsed))
	return c
}

// At returns a part of the document by its pointer's parts.
func (c *Contract) At(parts ...string) map[string]any {
	here := c.root
	for _, part := range parts {
		here, _ = here[part].(map[string]any)
	}
	return here
}

// pathOf returns the document's path of a request, or empty.
func (c *Contract) pathOf(method, path string) string {
	best := ""
	for template := range c.At("paths") {
		pattern := regexp.MustCompile(`^` + regexp.MustCompile(`\\\{[a-z]+\\\}`).ReplaceAllString(regexp.QuoteMeta(template), `[^/]+`) + `$`)
		if pattern.MatchString(path) && c.At("paths", template, strings.ToLower(method)) != nil && (best == "" || !strings.Contains(template, "{")) {
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

// Fits validates a value against the schema at a pointer.
func (c *Contract) Fits(t testing.TB, what string, raw []byte, parts ...string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	schema, err := c.compiler.Compile(contractName + "#" + pointer(parts...))
	storetest.Must(t, err)
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err == nil {
		err = schema.Validate(value)
	}
	if err != nil {
		t.Errorf("%s is not as the document has it: %v\n%.500s", what, err, raw)
	}
}

// Holds checks one real answer: its status, its kind and its shape are
// documented, and so is its code, if it is a refusal.
func (c *Contract) Holds(t testing.TB, method, target string, status int, header http.Header, body []byte) {
	t.Helper()
	path, _, _ := strings.Cut(target, "?")
	template := c.pathOf(method, path)
	if template == "" {
		return // no route of the API
	}
	what := method + " " + template + " " + strconv.Itoa(status)
	where := []string{"paths", template, strings.ToLower(method), "responses", strconv.Itoa(status)}
	response := c.At(where...)
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
	c.Fits(t, what, body, append(where, "schema")...)
	if examples := c.At(append(where, "examples")...); examples != nil {
		var problem Problem
		storetest.Must(t, json.Unmarshal(body, &problem))
		if examples[problem.Code] == nil {
			t.Errorf("%s: the code %s is not documented", what, problem.Code)
		}
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	storetest.Must(t, err)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.note(c.At(append(where, "schema")...), "", value)
}

// note marks the documented properties that a value has.
func (c *Contract) note(schema map[string]any, name string, value any) {
	if reference, ok := schema["$ref"].(string); ok {
		name = strings.TrimPrefix(reference, SchemaPointer)
		schema = c.At("components", "schemas", name)
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

// Unseen returns the documented properties, but for those of requests, that no
// answer had so far.
func (c *Contract) Unseen(requests []string) (names []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for shape := range c.At("components", "schemas") {
		for key := range c.At("components", "schemas", shape, "properties") {
			if name := shape + "." + key; !c.seen[name] && !slices.Contains(requests, shape) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// Unused returns the properties of these requests' schemas that are not among
// the used ones.
func (c *Contract) Unused(requests []string, used map[string]bool) (names []string) {
	for _, shape := range requests {
		for key := range c.At("components", "schemas", shape, "properties") {
			if !used[shape+"."+key] {
				names = append(names, shape+"."+key)
			}
		}
	}
	return names
}
