package api_test

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestOpenAPI_examples_fit(t *testing.T) {
	c := newFixture(t).Contract(t)
	for name := range c.At("components", "schemas") {
		schema := c.At("components", "schemas", name)
		examples, _ := schema["examples"].([]any)
		for _, example := range examples {
			raw, err := json.Marshal(example)
			must(t, err)
			c.Fits(t, name, raw, "components", "schemas", name)
		}
	}
	for path, of := range c.At("paths") {
		for method := range of.(map[string]any) {
			for status := range c.At("paths", path, method, "responses") {
				for kind, content := range c.At("paths", path, method, "responses", status, "content") {
					content := content.(map[string]any)
					where := []string{"paths", path, method, "responses", status, "content", kind, "schema"}
					values := []any{}
					if example, ok := content["example"]; ok {
						values = append(values, example)
					}
					named, _ := content["examples"].(map[string]any)
					for _, example := range named {
						values = append(values, example.(map[string]any)["value"])
					}
					if len(values) == 0 {
						t.Errorf("%s %s %s has no example", method, path, status)
					}
					for _, value := range values {
						raw, err := json.Marshal(value)
						must(t, err)
						c.Fits(t, strings.Join(where, " "), raw, where...)
					}
				}
			}
		}
	}
}
