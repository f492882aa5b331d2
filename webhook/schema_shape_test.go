package webhook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// shapedSchemas use every keyword that a shape knows, and some that it leaves
// to the schema. Each has data that fits.
var shapedSchemas = map[string][2]string{
	"numbers": {`{"properties":{"a":{"minimum":1.5,"maximum":10},"b":{"exclusiveMinimum":-2,"exclusiveMaximum":2.5},"c":{"type":"integer","minimum":-1e30,"maximum":1e30},
		"d":{"type":"integer","minimum":9007199254740993},"e":{"multipleOf":0.1},"f":{"type":["integer","string"]},"g":{"exclusiveMinimum":2,"maximum":3}}}`,
		`{"a":2,"b":-1.5,"c":999999999999999999,"d":9007199254740993,"e":0.3,"f":1,"g":2.5}`},
	"texts": {`{"properties":{"a":{"minLength":1,"maxLength":3},"b":{"pattern":"^[a-zé]+$"},"c":{"format":"email"},"d":{"format":"date-time"},"e":{"format":"uri"},
		"f":{"format":"uuid"},"g":{"format":"regex"},"h":{"format":"date","minLength":2},"i":{"format":"unknown"},"j":{"type":"string","format":"ipv4"}}}`,
		`{"a":"äöü","b":"é","c":"a.b+c@example.com","d":"2026-03-03T15:22:41.12Z","e":"https://example.com/","f":"123e4567-e89b-12d3-a456-426614174000","g":"a+","h":"2026-02-28","i":"x","j":"1.2.3.4"}`},
	"values": {`{"properties":{"a":{"enum":["x","ü\"",null,true,1,1.5]},"b":{"const":"one"},"c":{"const":2},"d":{"enum":[{"a":1},[1],"s"]},"e":{"const":null},"f":{"enum":["a","b"],"const":"a"}}}`,
		`{"a":"ü\"","b":"one","c":2,"d":{"a":1},"e":null,"f":"a"}`},
	"objects": {`{"required":["a","z"],"minProperties":2,"maxProperties":4,"properties":{"a":{"additionalProperties":false,"properties":{"x":{}}},"b":{"additionalProperties":{"type":"integer"},"required":["n"]},"q":false},"additionalProperties":{"type":["string","null"]}}`,
		`{"a":{"x":[1,{"y":2}]},"z":"1","b":{"n":1,"m":2}}`},
	"arrays": {`{"properties":{"a":{"items":{"type":"integer"},"minItems":1,"maxItems":2},"b":{"prefixItems":[{"type":"string"},{"type":"integer"}],"items":false},"c":{"items":{"items":{"type":"null"}}},"d":{"uniqueItems":true},"e":{"contains":{"const":1},"minContains":2}}}`,
		`{"a":[1,2],"b":["x",1],"c":[[null],[]],"d":[1,2],"e":[1,1]}`},
	"alternatives": {`{"properties":{"a":{"oneOf":[{"type":"string"},{"type":"integer"}]},"b":{"allOf":[{"minimum":1},{"maximum":3}]},"c":{"not":{"type":"null"}},"d":{"if":{"required":["k"]},"then":{"required":["l"]}},
		"e":{"anyOf":[{"type":"string","minLength":2},{"type":"null"}]},"f":{"dependentRequired":{"x":["y"]}},"g":{"patternProperties":{"^n":{"type":"integer"}}},"i":{"properties":{"p":{}},"unevaluatedProperties":false}}}`,
		`{"a":1,"b":2,"c":1,"d":{"k":1,"l":2},"e":"ab","f":{"x":1,"y":2},"g":{"n1":1},"i":{"p":1}}`},
	"names": {`{"properties":{"a":{"propertyNames":{"maxLength":2}}}}`, `{"a":{"ab":1}}`},
	"references": {`{"$defs":{"node":{"type":"object","properties":{"value":{"type":"integer"},"next":{"$ref":"#/$defs/node"},"with":{"$ref":"#/$defs/text","minLength":2}}},"text":{"type":"string"},"alias":{"$ref":"#/$defs/text"}},
		"properties":{"a":{"$ref":"#/$defs/node"},"b":{"$ref":"#/$defs/alias"},"c":{"$ref":"#"}}}`,
		`{"a":{"value":1,"next":{"value":2,"with":"xy"}},"b":"x","c":{"b":"y"}}`},
	"scoped": {`{"$id":"https://example.com/tree","$dynamicAnchor":"n","properties":{"a":{"type":"integer"},"b":{"$dynamicRef":"#n"}}}`, `{"a":1,"b":{"a":2}}`},
	"draft-07": {`{"$schema":"http://json-schema.org/draft-07/schema#","definitions":{"t":{"type":"string"}},"properties":{"a":{"items":{"type":"integer"}},"b":{"items":[{"type":"string"}],"additionalItems":false},"c":{"$ref":"#/definitions/t","maxLength":1},"d":{"prefixItems":[{"type":"string"}]}}}`,
		`{"a":[1],"b":["x"],"c":"long","d":[1]}`},
	"draft-04": {`{"$schema":"http://json-schema.org/draft-04/schema#","properties":{"a":{"minimum":1,"exclusiveMinimum":true},"b":{"type":"integer","maximum":3}}}`, `{"a":2,"b":3}`},
	"all":      {`{"allOf":[{"required":["a"]},{"properties":{"a":{"type":"integer"}}}]}`, `{"a":1}`},
	"true":     {`true`, `{"a":[{"b":null}]}`},
}

func shapedTypes(t testing.TB) *Catalog {
	var entries []map[string]any
	for _, name := range slices.Sorted(maps.Keys(shapedSchemas)) {
		of := shapedSchemas[name]
		event := "shaped." + strings.ReplaceAll(name, "-", "_")
		entries = append(entries, map[string]any{"type": event, "category": "c", "description": "d", "fires_when": "w", "schema": json.RawMessage(of[0]),
			"example": map[string]any{"type": event, "timestamp": "2026-01-01T00:00:00Z", "data": json.RawMessage(of[1])}})
	}
	file, err := json.Marshal(entries)
	if err != nil {
		t.Fatal(err)
	}
	c, err := NewCatalog(file)
	if err != nil {
		t.Fatalf("NewCatalog() failed: %v", err)
	}
	return c
}

// oddValues are what mutations put into data in place of a value.
var oddValues = strings.Fields(`null true false 0 1 -1 1.0 1.5 2 2.5 3 10 10.5 -0 -0.5 0.1 1e2 1E-2 1e99999 9007199254740992 9007199254740993 999999999999999999 1000000000000000000
	"" "a" "ab" "abc" "äöü" "äöüß" "\u0061" "\ud83d\ude00" "\ud800" "x" "one" "s" "USD" "eur" "EUR" "a@example.com" "a..b@example.com" "a@-x.com" "a_b@x_y.com" "+a@x.com" "a@b" "\"q\"@x.com" "a@[1.2.3.4]"
	"2026-03-03T15:22:41Z" "2026-02-29T15:22:41Z" "2024-02-29T15:22:41Z" "2026-03-03t15:22:41z" "2026-03-03T15:22:41.Z" "2026-03-03T15:22:41+01:00" "2026-13-03T15:22:41Z" "2026-03-03T23:59:60Z" "2026-03-03T15:22:41,5Z" "2026-03-03" "https://example.com/"
	[] [1] [1,1] [1,2,3] ["x",1] ["x",1,2] [[null],[1]] [{"price":1}] {} {"a":1} {"k":1} {"x":1} {"n":1,"n":2} {"\u006e":"x"} {"abc":1} {"n1":"x"} [[[ 01 nope "open`)

// mutated returns an event's data with some of its values, names and bytes changed.
func mutated(random *rand.Rand, data []byte) []byte {
	pick := func() string { return oddValues[random.IntN(len(oddValues))] }
	text := string(data)
	for range 1 + random.IntN(3) {
		values := jsonValues(text)
		if len(values) == 0 {
			return []byte(text)
		}
		at := values[random.IntN(len(values))]
		value := text[at[0]:at[1]]
		switch random.IntN(8) {
		case 0: // a member more
			if i := strings.IndexByte(text, '{'); i >= 0 {
				text = text[:i+1] + fmt.Sprintf("%q:%s,", pick(), pick()) + text[i+1:]
			}
		case 1: // another name
			if value[0] == '"' {
				text = text[:at[0]] + `"` + string(rune('a'+random.IntN(26))) + `"` + text[at[1]:]
			}
		case 2: // no value
			text = text[:at[0]] + strings.TrimLeft(text[at[1]:], ":,")
		case 3:
			text = text[:at[0]] + " \n" + value + "\t" + text[at[1]:]
		case 4:
			text = text[:at[0]] + "[" + value + "," + value + "]" + text[at[1]:]
		case 5: // a byte
			i := random.IntN(len(text))
			text = text[:i] + string([]byte{byte(random.IntN(256))}) + text[i+1:]
		default:
			text = text[:at[0]] + pick() + text[at[1]:]
		}
	}
	return []byte(text)
}

// jsonValues finds the strings, numbers and literals of a text, names among them.
func jsonValues(text string) (found [][2]int) {
	for i := 0; i < len(text); i++ {
		if strings.IndexByte("{}[]:, \n\t", text[i]) >= 0 {
			continue
		}
		from := i
		if text[i] == '"' {
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
			i = min(i+1, len(text))
		} else {
			for i < len(text) && strings.IndexByte("{}[]:, \n\t\"", text[i]) < 0 {
				i++
			}
		}
		found = append(found, [2]int{from, i})
		i--
	}
	return found
}

// checkShape fails if a shape lets something through that has faults.
func checkShape(t *testing.T, eventType *EventType, data []byte) (let, fits bool) {
	t.Helper()
	let = eventType.shape.fits(data)
	faults := eventType.refuse(data)
	if let && len(faults) > 0 {
		t.Fatalf("the shape of %s lets %s through; its schema says %v", eventType.Type, data, faults)
	}
	if diff := cmp.Diff(faults, eventType.validate(data)); diff != "" {
		t.Fatalf("validate(%s) of %s differs from refuse: %s", data, eventType.Type, diff)
	}
	return let, len(faults) == 0
}

// mutations is how many are tried of each type.
const mutations = 1500

// TestShape holds shapes against the schemas that they were made of.
func TestShape(t *testing.T) {
	for _, eventType := range shapedTypes(t).Types() {
		t.Run(eventType.Type, func(t *testing.T) {
			if eventType.shape == nil && eventType.Type != "shaped.scoped" && eventType.Type != "shaped.all" {
				t.Error("it has no shape")
			}
			if let, _ := checkShape(t, eventType, eventType.Example); !let && eventType.shape != nil {
				t.Errorf("its own example %s is not let through", eventType.Example)
			}
			var compact bytes.Buffer
			if err := json.Compact(&compact, eventType.Example); err != nil {
				t.Fatal(err)
			}
			random := rand.New(rand.NewPCG(1, 2))
			let, fitting := 0, 0
			for range mutations {
				through, fits := checkShape(t, eventType, mutated(random, compact.Bytes()))
				if fits {
					fitting++
				}
				if through {
					let++
				}
			}
			// What fits and is not let through has 1.0 for an integer, an exponent or the like.
			if eventType.shape != nil && let < fitting*9/10 {
				t.Errorf("of %d mutations %d fit, and of these only %d were let through", mutations, fitting, let)
			}
		})
	}
	t.Run("schemas_of_the_built-in_catalog_have_one", func(t *testing.T) {
		c, err := NewCatalog(nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, eventType := range c.Types() {
			if eventType.shape == nil || !eventType.shape.fits(eventType.Example) {
				t.Errorf("the example of %s is decoded to be checked", eventType.Type)
			}
			if n := testing.AllocsPerRun(20, func() { eventType.shape.fits(eventType.Example) }); n > 4 {
				t.Errorf("fits() of %s makes %v allocations", eventType.Type, n)
			}
		}
	})
	t.Run("bounds_of_CheckData", func(t *testing.T) {
		c := shapedTypes(t)
		anything, _ := c.Lookup("shaped.true")
		for name, data := range map[string]string{
			"depth 128":        `{"a":` + strings.Repeat("[", 127) + strings.Repeat("]", 127) + `}`,
			"depth 129":        `{"a":` + strings.Repeat("[", 128) + strings.Repeat("]", 128) + `}`,
			"digits 1000":      `{"a":` + strings.Repeat("1", 1000) + `}`,
			"digits 1001":      `{"a":` + strings.Repeat("1", 1001) + `}`,
			"exponent":         `{"a":1e9999}`,
			"exponent of five": `{"a":1e10000}`,
			"exponents":        `{"a":[` + strings.Repeat("1e9999,", 101) + `1]}`,
			"too long":         `{"a":"` + strings.Repeat("x", MaxData) + `"}`,
			"longest":          `{"a":"` + strings.Repeat("x", MaxData-8) + `"}`,
			"behind it":        `{"a":1} {`,
			"blank around it":  " \n{\"a\":1}\t ",
			"empty":            "", "blank": " ", "a list": "[1]",
			"twice":         `{"a":1,"\u0061":1}`,
			"no text":       "{\"a\":\"\xff\"}",
			"half a letter": `{"a":"\ud83d"}`,
		} {
			let, fits := checkShape(t, anything, []byte(data))
			if want := fits && !strings.HasPrefix(name, "exponent"); let != want {
				t.Errorf("%s: fits() returned %v, want %v", name, let, want)
			}
		}
	})
}

// TestPlainFormats holds the quick looks at texts against the schema's formats.
func TestPlainFormats(t *testing.T) {
	schemas := map[string]func([]byte) bool{"date-time": isPlainTime, "email": isPlainEmail}
	seeds := map[string][]string{
		"date-time": {"2026-03-03T15:22:41Z", "2026-02-28T23:59:59.123Z", "0000-12-01T00:00:00.1Z"},
		"email":     {"a@b", "first.last+tag@mail.example.com", "a_b-c@x-y.z", strings.Repeat("a", 50) + "@b.c"},
	}
	for format, isPlain := range schemas {
		t.Run(format, func(t *testing.T) {
			schema, _, err := compileSchema("format", []byte(`{"format":"`+format+`"}`))
			if err != nil {
				t.Fatal(err)
			}
			random := rand.New(rand.NewPCG(3, 4))
			letters := []byte("0123456789aZz_.-+@:T\"ü ,")
			for range 50_000 {
				text := []byte(seeds[format][random.IntN(len(seeds[format]))])
				if !isPlain(text) {
					t.Fatalf("%s is not plain", text)
				}
				for range random.IntN(3) {
					at, letter := random.IntN(len(text)), letters[random.IntN(len(letters))]
					switch random.IntN(3) {
					case 0:
						text[at] = letter
					case 1:
						text = slices.Insert(text, at, letter)
					case 2:
						text = slices.Delete(text, at, at+1)
					}
				}
				if isPlain(text) {
					if err := schema.Validate(string(text)); err != nil {
						t.Fatalf("%q is taken for plain; its format says %v", text, err)
					}
				}
			}
			for _, text := range []string{strings.Repeat("a", 65) + "@b.c", "a@" + strings.Repeat("b", 64) + ".c", "a@" + strings.Repeat("b.", 127) + "cd", ""} {
				if isPlain([]byte(text)) && schema.Validate(text) != nil {
					t.Errorf("%q is taken for plain", text)
				}
			}
		})
	}
}

func FuzzShape(f *testing.F) {
	c := shapedTypes(f)
	for i, eventType := range c.Types() {
		f.Add(uint8(i), []byte(eventType.Example))
	}
	f.Fuzz(func(t *testing.T, of uint8, data []byte) {
		checkShape(t, c.Types()[int(of)%len(c.Types())], data)
	})
}

func BenchmarkValidate(b *testing.B) {
	c, err := NewCatalog(nil)
	if err != nil {
		b.Fatal(err)
	}
	for _, of := range []string{"org.created", "invoice.sent", "payment.succeeded"} {
		eventType, ok := c.Lookup(of)
		if !ok {
			continue
		}
		var data bytes.Buffer
		if err := json.Compact(&data, eventType.Example); err != nil {
			b.Fatal(err)
		}
		b.Run(of, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if faults := c.Validate(of, data.Bytes()); len(faults) > 0 {
					b.Fatal(faults)
				}
			}
		})
		b.Run(of+"/by_its_schema", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if faults := eventType.refuse(data.Bytes()); len(faults) > 0 {
					b.Fatal(faults)
				}
			}
		})
	}
}
