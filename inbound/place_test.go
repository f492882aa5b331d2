package inbound

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestMappingError_Place(t *testing.T) {
	list := []json.RawMessage{json.RawMessage(`{"name": "one", "when": "body.a > 1", "data": {"a.b": {"first": [{"path": "$.x"}, {"cel": "body.y"}]}, "a": {"path": "$.a"}, "o": {"fields": {"in": {"path": "$.in"}}}}}`),
		json.RawMessage(`{"name": "two", "when": "` + strings.Repeat("é", 400) + `"}`), json.RawMessage(`not JSON`)}
	for _, test := range []struct{ mapping, field, want string }{
		{"one", "mappings[0].data.a", `{"path":"$.a"}`},
		{"one", "mappings[0].data.a.b", `{"first":[{"path":"$.x"},{"cel":"body.y"}]}`},
		{"one", "mappings[0].data.a.b.first[1]", `{"cel":"body.y"}`},
		{"one", "mappings[0].data.o.fields.in", `{"path":"$.in"}`},
		{"one", "when", `"body.a > 1"`},
		{"one", "mappings[0].data.a.b.first[2]", ""},
		{"one", "mappings[0].data.missing", ""},
		{"one", "mappings[9].data", ""}, {"one", "mappings[-1].data", ""}, {"one", "mappings[x].data", ""}, {"one", "mappings[0]data", ""},
		{"", "", ""}, {"three", "when", ""}, {"two", "body", ""}, {"one", "mappings[2].data", ""},
	} {
		if got := (&MappingError{Mapping: test.mapping, Field: test.field}).Place(list); got != test.want {
			t.Errorf("Place() at %q of %s = %q; want %q", test.field, test.mapping, got, test.want)
		}
	}
	if got := (&MappingError{Mapping: "two", Field: "when"}).Place(list); len(got) > maxPlaceText || len(got) < maxPlaceText-4 {
		t.Errorf("Place() of a long condition has %d bytes; want up to %d", len(got), maxPlaceText)
	}
}
