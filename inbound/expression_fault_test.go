package inbound

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// withCondition returns a mapping with a condition.
func withCondition(text string) []json.RawMessage {
	quoted, _ := json.Marshal(text)
	return []json.RawMessage{json.RawMessage(fmt.Sprintf(`{"name":"a","events":["x"],"type":"a.b","when":%s,"data":{"x":{"const":1}}}`, quoted))}
}

// TestCompileMappings_words has conditions that CEL doesn't compile: each has one fault
// that names what is wrong in words of the expression, not of the parser.
func TestCompileMappings_words(t *testing.T) {
	for text, want := range map[string]string{
		"body.x > ":            "line 1, column 10: ends too early, something is missing",
		"body.x ? 1":           "line 1, column 11: ends before its ':'",
		"body.a >< 3":          "line 1, column 9: has < where it can’t be",
		"body.a = 3":           "line 1, column 8: has a single =, which means nothing; == compares",
		"type == 'x' and true": "line 1, column 13: has and where it can’t be; write &&",
		"'unterminated":        "line 1, column 1: has a text that isn’t closed: 'unterminated",
		`"a" > 1`:              "line 1, column 5: > can’t be used on string and int",
		"size(type, 1) == 1":   "line 1, column 5: size can’t be used on string and int",
		"body.a == 1 &&\n foo": "line 2, column 2: there is no foo here: an expression sees body, type and headers, and CEL’s own functions",
	} {
		_, faults := CompileMappings(Named("stripe"), withCondition(text))
		if len(faults) != 1 || faults[0].Field != "mappings[0].when" || faults[0].Message != want {
			t.Errorf("CompileMappings() of %q has the faults %v; want %q", text, faults, want)
		}
	}
}

// TestApply_words has conditions that fail as they run: the fault says where, and why.
func TestApply_words(t *testing.T) {
	body := []byte(`{"amount":5,"list":[1],"text":"ab","obj":{"x":1}}`)
	for text, want := range map[string]string{
		`body.amount > "x"`:     `line 1, column 13: > can’t be used on these values`,
		"true &&\n body.text>5": `line 2, column 11: > can’t be used on these values`,
		"!body.amount":          "! can’t be used on these values",
		"body.nope == 1":        "there is no nope in it. Ask first with has(…), or write .?nope.orValue(…)",
		"body.obj.y == 1":       "there is no y in it",
		"body.list[7] == 1":     "the list has no element 7",
		"body.text":             "is neither true nor false",
	} {
		m, faults := CompileMappings(Named("stripe"), withCondition(text))
		if len(faults) > 0 {
			t.Fatalf("CompileMappings() of %q has the faults %v", text, faults)
		}
		if got := m.Apply(t.Context(), nil, []Item{{Type: "x", Body: body}})[0]; got.Outcome != OutcomeFailed || !strings.Contains(got.Err.Error(), want) || strings.Contains(got.Err.Error(), "_") {
			t.Errorf("Apply() of %q is %s, %v; want %q", text, got.Outcome, got.Err, want)
		}
	}
}

// TestReadMappings says in which line a text isn't JSON.
func TestReadMappings(t *testing.T) {
	for text, want := range map[string]string{
		"[\n  {\"name\": \"a\",\n   oops}\n]":   "Line 3, column 4: invalid character 'o'",
		"[\r\n  {\"name\": \"a\"}\r\n  {}\r\n]": "Line 3, column 3: invalid character '{' after array element",
		"[\n{\"name\": \"ä\" x}\n]":             "Line 2, column 14: invalid character 'x'",
		"[\n  {\"name\": \"a\"":                 "It ends too early, in line 2",
		"":                                      "It ends too early, in line 1",
		`{"name":"a"}`:                          "This must be a list of mappings",
		`"a"`:                                   "This must be a list of mappings",
	} {
		list, faults := ReadMappings([]byte(text))
		if list != nil || len(faults) != 1 || faults[0].Field != "mappings" || !strings.Contains(faults[0].Message, want) {
			t.Errorf("ReadMappings(%q) = %d mappings, %v; want %q", text, len(list), faults, want)
		}
	}
	if list, faults := ReadMappings([]byte(`[{"name":"a"}, {}]`)); len(list) != 2 || len(faults) != 0 {
		t.Errorf("ReadMappings() of two = %d mappings, %v", len(list), faults)
	}
	_, faults := CompileMappings(Named("stripe"), []json.RawMessage{json.RawMessage(`{"name":"a","name":"b"}`)})
	if len(faults) != 1 || faults[0].Field != "mappings[0].name" || faults[0].Message != "is there twice" {
		t.Errorf("CompileMappings() of a name that is there twice has the faults %v", faults)
	}
}
