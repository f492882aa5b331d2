package webhook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// crowded repeats a value of an event's data, as an item or as a member, more often
// than there are faults to show.
func crowded(random *rand.Rand, data []byte) []byte {
	text := mutated(random, data)
	values := jsonValues(string(text))
	if len(values) == 0 {
		return text
	}
	at := values[random.IntN(len(values))]
	value, other := string(text[at[0]:at[1]]), oddValues[random.IntN(len(oddValues))]
	var b strings.Builder
	n := 1 + random.IntN(3*MaxFaults)
	if random.IntN(2) == 0 {
		b.WriteString("[" + value)
		for i := range n {
			b.WriteString("," + []string{value, other, `{"a":` + other + `}`, "[" + other + "]"}[(i*7+n)%4])
		}
		b.WriteString("]")
	} else {
		b.WriteString(`{"a":` + value)
		for i := range n {
			fmt.Fprintf(&b, `,"n%d":%s`, (i*37)%n, []string{value, other}[i%2])
		}
		b.WriteString("}")
	}
	return append(append(text[:at[0]:at[0]], b.String()...), text[at[1]:]...)
}

// TestThin compares what people are told of data with what they would be told if the
// validator had seen all of it.
func TestThin(t *testing.T) {
	builtIn, err := NewCatalog(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, eventType := range append(shapedTypes(t).Types(), builtIn.Types()...) {
		t.Run(eventType.Type, func(t *testing.T) {
			var compact bytes.Buffer
			if err := json.Compact(&compact, eventType.Example); err != nil {
				t.Fatal(err)
			}
			random := rand.New(rand.NewPCG(5, 6))
			thinned := 0
			for range mutations / 5 {
				data := crowded(random, compact.Bytes())
				if len(CheckData(data)) > 0 {
					continue
				}
				left, more := eventType.shape.thin(data)
				if more > 0 {
					thinned++
				}
				var want Faults
				if invalid, err := eventType.check(data); invalid != nil {
					want = schemaFaults(invalid, 0)
				} else if err != nil {
					t.Fatal(err)
				}
				got := eventType.refuse(data)
				if diff := cmp.Diff(want.Cut(MaxFaults)[:min(len(want), MaxFaults)], got.Cut(MaxFaults)[:min(len(got), MaxFaults)]); diff != "" || len(want) != len(got) {
					t.Fatalf("refuse(%s) returned %d faults, want %d (%s left, %d more): %s", data, len(got), len(want), left, more, diff)
				}
			}
			t.Logf("%d of %d were thinned", thinned, mutations/5)
		})
	}
}

// TestFaultsBeyondThoseShownCostLittle counts what a list of wrong values allocates:
// some per fault that is shown, nothing for each of the others.
func TestFaultsBeyondThoseShownCostLittle(t *testing.T) {
	c, err := NewCatalog(nil)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := NewCatalog([]byte(`[{"type": "lines.made", "category": "c", "description": "d", "fires_when": "w",
		"schema": {"type": "object", "properties": {"lines": {"type": "array", "items": {"type": "object", "required": ["sku"], "properties": {"sku": {"type": "string", "maxLength": 3}, "n": {"type": "integer", "minimum": 1}}}}},
			"additionalProperties": {"type": "string"}},
		"example": {"type": "lines.made", "timestamp": "2026-01-01T00:00:00Z", "data": {}}}]`))
	if err != nil {
		t.Fatal(err)
	}
	many := func(of string, n int) string { return strings.TrimSuffix(strings.Repeat(of+",", n), ",") }
	var members strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&members, `,"m%d":1`, i)
	}
	for name, of := range map[string]struct {
		catalog *Catalog
		event   string
		data    string
		count   int
		most    int // allocations
	}{
		"numbers_in_place_of_texts": {c, "api_key.created", `{"apiKeyId":"k","name":"n","permissions":[` + many("1", 15_000) + `]}`, 15_000, 2_000},
		"items_without_a_field":     {lines, "lines.made", `{"lines":[` + many("{}", 15_000) + `]}`, 15_000, 2_000},
		"texts_that_are_too_long":   {lines, "lines.made", `{"lines":[` + many(`{"sku":"long"}`, 10_000) + `]}`, 10_000, 3_000},
		"numbers_that_are_too_low":  {lines, "lines.made", `{"lines":[` + many(`{"sku":"s","n":0}`, 10_000) + `]}`, 10_000, 3_000},
		"two_faults_each":           {lines, "lines.made", `{"lines":[` + many(`{"n":0.5}`, 10_000) + `]}`, 20_000, 3_000},
		"members":                   {lines, "lines.made", `{"lines":[]` + members.String() + `}`, 10_000, 50_000}, // each is put in the order of names
	} {
		t.Run(name, func(t *testing.T) {
			var faults Faults
			allocations := testing.AllocsPerRun(1, func() { faults = of.catalog.Validate(of.event, []byte(of.data)) })
			if len(faults) != MaxFaults+1 || faults.Count() != of.count {
				t.Errorf("Validate() returned %d faults that stand for %d, want %d and %d", len(faults), faults.Count(), MaxFaults+1, of.count)
			}
			if allocations > float64(of.most) {
				t.Errorf("Validate() makes %v allocations for %d faults, want %d at most", allocations, of.count, of.most)
			}
		})
	}
}

// BenchmarkFaults compares a list of wrong values with one of right ones.
func BenchmarkFaults(b *testing.B) {
	c, err := NewCatalog(nil)
	if err != nil {
		b.Fatal(err)
	}
	for name, item := range map[string]string{"wrong": `1`, "right": `"r"`} {
		data := []byte(`{"apiKeyId":"k","name":"n","permissions":[` + strings.Repeat(item+",", 15_000-1) + item + `]}`)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.Validate("api_key.created", data)
			}
		})
	}
}
