package webhook

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// manyWrong is an event's data with a list of as many wrong elements as fit.
func manyWrong() []byte {
	n := (MaxData - 200) / 2
	return []byte(`{"keyId":"key_1","name":"n","permissions":[` + strings.Repeat("1,", n) + `1]}`)
}

// TestFaultsAreBounded gives inputs that choose how many faults they have.
func TestFaultsAreBounded(t *testing.T) {
	c, err := NewCatalog(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("a_wrong_element_each", func(t *testing.T) {
		data := manyWrong()
		faults := c.Validate("api_key.created", data)
		if len(faults) != MaxFaults+1 || faults.Count() < 130_000 {
			t.Fatalf("Validate() returned %d faults that stand for %d", len(faults), faults.Count())
		}
		var items []string
		for _, f := range faults {
			if strings.HasPrefix(f.Field, "data.permissions.") {
				items = append(items, strings.TrimPrefix(f.Field, "data.permissions."))
			}
		}
		for i, item := range items {
			if item != fmt.Sprint(i) {
				t.Fatalf("item %d of the list is at place %d", i, i)
			}
		}
		if len(items) < 40 {
			t.Errorf("%d faults are of the list", len(items))
		}
		if text := faults.Error(); !strings.HasSuffix(text, fmt.Sprintf("; and %d more", faults[MaxFaults].More)) || len(text) > 8<<10 {
			t.Errorf("Error() has %d bytes and ends with %q", len(text), text[len(text)-30:])
		}
	})
	t.Run("collecting_allocates_only_what_is_listed", func(t *testing.T) {
		var faults Faults
		for range MaxFaults + 1 {
			faults.Add("data.a", "is wrong")
		}
		if n := testing.AllocsPerRun(100, func() { faults.Add("data.a", "is wrong") }); n > 0 {
			t.Errorf("Add() on a full list makes %v allocations", n)
		}
		l := &refusals{}
		for i := range MaxFaults {
			l.insert(refusal{steps: []string{"a", fmt.Sprint(i)}})
		}
		late := refusal{steps: []string{"a", "1000"}}
		if n := testing.AllocsPerRun(100, func() { l.insert(late) }); n > 0 {
			t.Errorf("insert() on a full list makes %v allocations", n)
		}
	})
	t.Run("long_names_are_cut", func(t *testing.T) {
		name := strings.Repeat("ü", 50_000)
		for what, data := range map[string]string{
			"member_twice":   `{"` + name + `":1,"` + name + `":2}`,
			"nested":         `{"permissions":[{"` + name + `":"\ud800"}]}`,
			"item_by_number": `{"` + name + `":1e99999}`,
		} {
			for _, f := range c.Validate("api_key.created", []byte(data)) {
				if len(f.Field) > maxField || len(f.Message) > maxMessage {
					t.Errorf("%s: a field of %d and a message of %d bytes", what, len(f.Field), len(f.Message))
				}
			}
		}
	})
	t.Run("names_that_are_not_allowed", func(t *testing.T) {
		strict, err := NewCatalog([]byte(`[{"type": "strict.made", "category": "c", "description": "d", "fires_when": "w",
			"schema": {"type": "object", "additionalProperties": false}, "example": {"type": "strict.made", "timestamp": "2026-01-01T00:00:00Z", "data": {}}}]`))
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for i := range 10_000 {
			fmt.Fprintf(&b, `"n%d":1,`, i)
		}
		faults := strict.Validate("strict.made", []byte(`{`+b.String()+`"`+strings.Repeat("x", 9000)+`":1}`))
		if len(faults) != MaxFaults+1 || faults.Count() != 10_001 || faults[0].Field != "data.n0" {
			t.Errorf("%d faults for %d, the first at %.20s", len(faults), faults.Count(), faults[0].Field)
		}
	})
	t.Run("subscriptions", func(t *testing.T) {
		_, faults := c.ParseSubscriptions(strings.Fields(strings.Repeat("no.such ", 100_000)))
		if len(faults) != MaxFaults+1 || faults.Count() != 100_000 {
			t.Errorf("%d faults for %d", len(faults), faults.Count())
		}
	})
	t.Run("cut_lists_add_up", func(t *testing.T) {
		both := append(Faults{{Field: "a", Message: "x"}, {More: 5}}, Faults{{Field: "b", Message: "y"}, {More: 7}}...)
		if diff := cmp.Diff(Faults{{Field: "a", Message: "x"}, {More: 13}}, both.Cut(1)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(Faults{{Field: "a", Message: "x"}, {Field: "b", Message: "y"}, {More: 12}}, both.Cut(2)); diff != "" {
			t.Error(diff)
		}
	})
}

// TestNumbersAreBounded has numbers that cost more to read than their bytes.
func TestNumbersAreBounded(t *testing.T) {
	digits := func(n int) string { return strings.Repeat("7", n) }
	for name, test := range map[string]struct {
		number string
		want   string
	}{
		"1000_digits":             {digits(1000), ""},
		"1001_digits":             {digits(1001), "has more than 1000 digits"},
		"255000_digits":           {digits(255_000), "has more than 1000 digits"},
		"negative_with_1000":      {"-" + digits(1000), ""},
		"1000_around_the_point":   {digits(500) + "." + digits(500), ""},
		"1001_around_the_point":   {"-" + digits(500) + "." + digits(501) + "e12", "has more than 1000 digits"},
		"an_exponent_of_1000":     {"1e" + digits(1000), "has an exponent of more than four digits"},
		"zeros_before_exponent":   {"0." + strings.Repeat("0", 2000) + "1", "has more than 1000 digits"},
		"exponent_of_four_digits": {"1e9999", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var want Faults
			if test.want != "" {
				want = Faults{{Field: "data.a.0", Message: test.want}}
			}
			if diff := cmp.Diff(want, CheckData([]byte(`{"a":[`+test.number+`]}`))); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("many_large_exponents", func(t *testing.T) {
		faults := CheckData([]byte(`{"a":[` + strings.Repeat("1e-9999,", 30_000) + `1]}`))
		if len(faults) != 1 || faults[0].Field != "data.a.100" {
			t.Errorf("CheckData() returned %v", faults)
		}
		if faults := CheckData([]byte(`{"a":[` + strings.Repeat("1e400,", 2500) + `1]}`)); len(faults) > 0 {
			t.Errorf("2500 numbers of 1e400 are refused: %v", faults)
		}
	})
}
