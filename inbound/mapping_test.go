package inbound

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// mappings compiles mappings of the generic provider.
func mappings(t testing.TB, provider string, texts ...string) *Mappings {
	t.Helper()
	var list []json.RawMessage
	for _, text := range texts {
		list = append(list, json.RawMessage(text))
	}
	compiled, faults := CompileMappings(Named(provider), list)
	if len(faults) > 0 {
		t.Fatalf("CompileMappings() = %v", faults)
	}
	return compiled
}

// mapOne applies mappings to one item and returns the data of its events.
func mapOne(t testing.TB, m *Mappings, kind, body string, total PaymentTotal) (Result, []string) {
	t.Helper()
	result := m.Apply(context.Background(), nil, []Item{{ID: "id_1", Type: kind, Body: []byte(body), Time: testTime}})[0]
	var list []string
	for _, event := range result.Events {
		data, err := event.Data(total)
		if err != nil {
			t.Fatalf("Data() = %v", err)
		}
		list = append(list, string(data))
	}
	return result, list
}

// valued returns a mapping whose one field is a value.
func valued(value string) string {
	return `{"name":"m","events":["a"],"type":"payment.succeeded","data":{"x":` + value + `}}`
}

func TestValues(t *testing.T) {
	const body = `{"id":"x","n":12345678901234567890,"m":9007199254740993,"s":"AbC","price":"4.99","yen":500,"neg":-9.995,"at":1755163800,"ms":1755163800123,"day":"2026-08-14T09:30:00+02:00","no":null,"yes":true,"list":[{"id":7},{"id":8}],"o":{"a-b":1},"lots":"99999999999999999999"}`
	for value, want := range map[string]string{
		`{"path":"$.id"}`:          `"x"`,
		`{"path":"$.n"}`:           `12345678901234567890`,
		`{"path":"$.m"}`:           `9007199254740993`,
		`{"path":"$.list[1].id"}`:  `8`,
		`{"path":"$.list[2].id"}`:  ``,
		`{"path":"$.o.a-b"}`:       `1`,
		`{"path":"$.no"}`:          ``,
		`{"path":"$.absent.deep"}`: ``,
		`{"path":"$.list"}`:        `[{"id":7},{"id":8}]`,
		`{"const":null}`:           `null`,
		`{"const":{"a":[1]}}`:      `{"a":[1]}`,
		`{"first":[{"path":"$.no"},{"path":"$.absent"},{"const":"c"}]}`:    `"c"`,
		`{"first":[{"path":"$.no"}]}`:                                      ``,
		`{"path":"$.s","fn":"lower"}`:                                      `"abc"`,
		`{"path":"$.yen","fn":"text"}`:                                     `"500"`,
		`{"path":"$.at","fn":"unix"}`:                                      `"2025-08-14T09:30:00Z"`,
		`{"path":"$.ms","fn":"unix_ms"}`:                                   `"2025-08-14T09:30:00.123Z"`,
		`{"path":"$.day","fn":"time"}`:                                     `"2026-08-14T07:30:00Z"`,
		`{"path":"$.no","fn":"unix"}`:                                      ``,
		`{"path":"$.no","fn":"present"}`:                                   `false`,
		`{"path":"$.id","fn":"present"}`:                                   `true`,
		`{"path":"$.price","fn":"minor","currency":{"const":"usd"}}`:       `499`,
		`{"path":"$.yen","fn":"minor","currency":{"const":"JPY"}}`:         `500`,
		`{"path":"$.price","fn":"minor","currency":{"const":"kwd"}}`:       `4990`,
		`{"path":"$.neg","fn":["minor","abs"],"currency":{"const":"eur"}}`: `1000`,
		`{"path":"$.s","map":{"AbC":"abc"}}`:                               `"abc"`,
		`{"path":"$.s","map":{"x":"y"}}`:                                   ``,
		`{"path":"$.s","map":{"x":"y"},"else":"z"}`:                        `"z"`,
		`{"path":"$.s","map":{"AbC":null}}`:                                ``,
		`{"path":"$.yes","map":{"true":"on"}}`:                             `"on"`,
		`{"fields":{"a":{"path":"$.id"},"b":{"path":"$.no"}}}`:             `{"a":"x"}`,
		`{"cel":"body.yen + 1"}`:                                           `501`,
		`{"cel":"body.m"}`:                                                 `9007199254740993`,
		`{"cel":"body.no"}`:                                                ``,
		`{"cel":"body.?absent.orValue('d')"}`:                              `"d"`,
		`{"cel":"body.?absent"}`:                                           ``,
		`{"cel":"body.list.map(i, i.id)"}`:                                 `[7,8]`,
		`{"cel":"{'a': body.id, 'b': null}"}`:                              `{"a":"x","b":null}`,
		`{"cel":"body.yen > 499.5 && type == 'a'"}`:                        `true`,
		`{"cel":"timestamp('2026-08-14T09:30:00Z')"}`:                      `"2026-08-14T09:30:00Z"`,
		`{"cel":"1.5"}`:                                                    `1.5`,
		`{"cel":"2.0"}`:                                                    `2`,
	} {
		t.Run(value, func(t *testing.T) {
			want := want
			if want != "" {
				want = `"x":` + want
			}
			result, got := mapOne(t, mappings(t, "generic_hmac", valued(value)), "a", body, PaymentTotal{})
			if result.Outcome != OutcomeMapped || got[0] != "{"+want+"}" {
				t.Errorf("%s, %v, %s; want {%s}", result.Outcome, result.Err, got, want)
			}
		})
	}
	for value, want := range map[string]string{
		`{"path":"$.s","fn":"unix"}`:                             "mappings[0].data.x: isn't a time",
		`{"path":"$.s","fn":"int"}`:                              "isn't a whole number",
		`{"path":"$.lots","fn":"int"}`:                           "isn't a whole number",
		`{"path":"$.s","fn":"minor","currency":{"const":"usd"}}`: "isn't an amount",
		`{"path":"$.n","fn":"minor","currency":{"const":"usd"}}`: "isn't an amount",
		`{"cel":"body.absent.deep"}`:                             "there is no absent in it",
		`{"cel":"1/0"}`:                                          "division by zero",
		`{"cel":"b'abc'"}`:                                       "which JSON hasn't",
		`{"cel":"0.0/0.0"}`:                                      "isn't a number",
		`{"cel":"{1: 2}"}`:                                       "has a key that isn't text",
	} {
		t.Run(value, func(t *testing.T) {
			result, _ := mapOne(t, mappings(t, "generic_hmac", valued(value)), "a", body, PaymentTotal{})
			if result.Outcome != OutcomeFailed || result.Err == nil || !strings.Contains(result.Err.Error(), want) || !strings.HasPrefix(result.Err.Error(), "m: mappings[0].data.x") {
				t.Errorf("%s, %v; want %q", result.Outcome, result.Err, want)
			}
		})
	}
}

// TestCompileMappings_faults finds every fault at its place, at once.
func TestCompileMappings_faults(t *testing.T) {
	many := make([]json.RawMessage, MaxMappings+1)
	for i := range many {
		many[i] = json.RawMessage(strings.Replace(valued(`{"const":1}`), `"m"`, fmt.Sprintf(`"m%d"`, i), 1))
	}
	if _, faults := CompileMappings(Named("stripe"), many); len(faults) != 1 || faults[0].Field != "mappings" {
		t.Errorf("CompileMappings() of %d = %v; want a fault", len(many), faults)
	}
	if _, faults := CompileMappings(Named("stripe"), many[:MaxMappings]); len(faults) > 0 {
		t.Errorf("CompileMappings() of %d = %v", MaxMappings, faults)
	}
	for text, want := range map[string][]string{
		`{`:  {"mappings[0]"},
		`[]`: {"mappings[0]"},
		`{"name":"m","event":["a"],"type":"a.b","data":{"x":{"const":1}}}`:                                                  {"mappings[0].event"},
		`{"name":"M!","events":[],"type":"A","data":{}}`:                                                                    {"mappings[0].name", "mappings[0].type", "mappings[0].events", "mappings[0].data"},
		`{"name":"m","events":["a",""],"unless":["later"],"type":"a.b","when":"body.","same":"!","data":{"x":{"const":1}}}`: {"mappings[0].same", "mappings[0].events[1]", "mappings[0].unless[0]", "mappings[0].when"},
		`{"name":"m","events":["a"],"type":"a.b","when":"1 + 1","data":{"x":{"const":1}}}`:                                  {"mappings[0].when"},
		`{"name":"m","events":["a"],"type":"a.b","when":"unknown(1)","data":{"x":{"const":1}}}`:                             {"mappings[0].when"},
		valued(`"$.id"`):                                  {"mappings[0].data.x"},
		valued(`{}`):                                      {"mappings[0].data.x"},
		valued(`{"path":"id"}`):                           {"mappings[0].data.x.path"},
		valued(`{"path":"$.a","const":1}`):                {"mappings[0].data.x"},
		valued(`{"path":"$.a","fun":"unix"}`):             {"mappings[0].data.x.fun"},
		valued(`{"path":"$.a","fn":"eval"}`):              {"mappings[0].data.x.fn"},
		valued(`{"path":"$.a","fn":"minor"}`):             {"mappings[0].data.x.currency"},
		valued(`{"path":"$.a","else":1}`):                 {"mappings[0].data.x.else"},
		valued(`{"first":[{"path":"x"},{"cel":"("}]}`):    {"mappings[0].data.x.first[0].path", "mappings[0].data.x.first[1].cel"},
		valued(`{"fields":{"a":{"path":"x"}}}`):           {"mappings[0].data.x.fields.a.path"},
		valued(`{"cel":"body.s.matches(body.p)"}`):        {"mappings[0].data.x.cel"},
		valued(`{"cel":"matches(body.s, body.p + 'a')"}`): {"mappings[0].data.x.cel"},
		valued(`{"first":[` + strings.TrimSuffix(strings.Repeat(`{"first":[`+strings.TrimSuffix(strings.Repeat(`{"cel":"1"},`, 20), ",")+`]},`, 6), ",") + `]}`): {"mappings[0].data.x.first[5].first[0].cel"},
		`{"name":"m","events":["a"],"type":"a.b","payment":{"id":{"path":"$.x"},"refund":{"path":"$.y"}},"data":{"x":{"payment":"amount","fn":"text"}}}`:         {"mappings[0].data.x.payment"},
		valued(`{"payment":"amount"}`):             {"mappings[0].data.x.payment"},
		valued(`{"first":[{"payment":"amount"}]}`): {"mappings[0].data.x.first[0].payment"},
		valued(`{"path":7}`):                       {"mappings[0].data.x.path"},
		valued(strings.Repeat(`{"first":[`, 12) + `{"const":1}` + strings.Repeat(`]}`, 12)):               {"mappings[0].data.x" + strings.Repeat(".first[0]", 11)},
		valued(`{"const":"` + strings.Repeat("x", MaxMappingBytes) + `"}`):                                {"mappings[0]"},
		valued(`{"cel":"` + strings.Repeat("1+", 3000) + `1"}`):                                           {"mappings[0].data.x.cel"},
		valued(`{"cel":"` + strings.Repeat("(", 200) + "1" + strings.Repeat(")", 200) + `"}`):             {"mappings[0].data.x.cel"},
		`{"name":"m","events":["a"],"type":"a.b","payment":{"id":{"path":"x"}},"data":{"x":{"const":1}}}`: {"mappings[0].payment", "mappings[0].payment.id.path"},
	} {
		_, faults := CompileMappings(Named("stripe"), []json.RawMessage{json.RawMessage(text)})
		var fields []string
		for _, fault := range faults {
			if fault.Message == "" || len(fault.Message) > 500 {
				t.Errorf("%.80s: the message is %q", text, fault.Message)
			}
			if !slices.Contains(fields, fault.Field) {
				fields = append(fields, fault.Field)
			}
		}
		slices.Sort(fields)
		slices.Sort(want)
		if !slices.Equal(fields, want) {
			t.Errorf("%.120s: faults at %q; want %q (%v)", text, fields, want, faults)
		}
	}
}

// TestExpressions_are_bounded runs expressions that would take long or much. They
// end by cost or size, not by luck.
func TestExpressions_are_bounded(t *testing.T) {
	list := "[" + strings.TrimSuffix(strings.Repeat("1,", 2000), ",") + "]"
	body := `{"l":` + list + `,"s":"` + strings.Repeat("a", 100_000) + `"}`
	for name, text := range map[string]string{
		"nested_loops":  "body.l.map(a, body.l.map(b, body.l.map(c, a + b + c)))",
		"deep_exists":   "body.l.all(a, body.l.all(b, body.l.all(c, true)))",
		"growing_text":  "body.l.map(a, body.s + body.s + body.s)",
		"growing_lists": "body.l.map(a, body.l + body.l + body.l)",
		"regex_on_text": "body.l.all(a, body.s.matches('(a+)+(a+)+b') == false)",
		"text_of_text":  "body.l.map(a, body.s.contains('b' + string(a)))",
	} {
		t.Run(name, func(t *testing.T) {
			encoded, _ := json.Marshal(text)
			result, _ := mapOne(t, mappings(t, "generic_hmac", valued(`{"cel":`+string(encoded)+`}`)), "a", body, PaymentTotal{})
			if result.Outcome != OutcomeFailed {
				t.Errorf("Apply() = %s; want it to fail by its limits", result.Outcome)
			}
		})
	}
}

// TestApply_shares_its_time shows that items after the end of the request's time
// fail, and that the error tells why.
func TestApply_shares_its_time(t *testing.T) {
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	late, stop := context.WithDeadline(context.Background(), time.Unix(0, 0))
	defer stop()
	for want, ctx := range map[error]context.Context{context.Canceled: canceled, context.DeadlineExceeded: late} {
		m := mappings(t, "generic_hmac", valued(`{"cel":"body.id"}`))
		got := m.Apply(ctx, nil, []Item{{Type: "a", Body: []byte(`{"id":1}`)}, {Type: "b", Body: []byte(`{}`)}})
		if got[0].Outcome != OutcomeFailed || !errors.Is(got[0].Err, want) || !strings.Contains(got[0].Err.Error(), "100 ms") || got[1].Outcome != OutcomeUnmapped {
			t.Errorf("Apply() = %+v; want the first to fail with %v", got, want)
		}
		expression := m.list[0].data["x"]
		if _, err := expression.eval(&evaluation{ctx: ctx, item: &Item{}}); !errors.Is(err, want) {
			t.Errorf("eval() = %v; want %v", err, want)
		}
	}
}

// TestApply_maps_each_item_by_itself has an item that fails between two that
// don't, and more events than a request may become.
func TestApply_maps_each_item_by_itself(t *testing.T) {
	m := mappings(t, "generic_hmac", valued(`{"path":"$.n","fn":"int"}`))
	items := []Item{{Type: "a", Body: []byte(`{"n":1}`)}, {Type: "a", Body: []byte(`{"n":"x"}`)}, {Type: "b", Body: []byte(`{}`)}, {Type: "a", Body: []byte(`{"n":2}`)}, {Type: "a", Body: nil}}
	var outcomes []Outcome
	for _, result := range m.Apply(context.Background(), nil, items) {
		outcomes = append(outcomes, result.Outcome)
	}
	if want := []Outcome{OutcomeMapped, OutcomeFailed, OutcomeUnmapped, OutcomeMapped, OutcomeFailed}; !slices.Equal(outcomes, want) {
		t.Errorf("Apply() = %q; want %q", outcomes, want)
	}
	many := make([]Item, MaxMappedEvents+1)
	for i := range many {
		many[i] = Item{Type: "a", Body: []byte(`{"n":1}`)}
	}
	results := mappings(t, "generic_hmac", valued(`{"const":1}`)).Apply(context.Background(), nil, many)
	if results[MaxMappedEvents].Outcome != OutcomeFailed || results[MaxMappedEvents-1].Outcome == OutcomeUnmapped {
		t.Errorf("Apply() of %d items: the last is %s", len(many), results[MaxMappedEvents].Outcome)
	}
}

// TestApply_filters_and_yields tells a false condition from no mapping, and leaves
// an item to an earlier mapping.
func TestApply_filters_and_yields(t *testing.T) {
	m := mappings(t, "generic_hmac",
		`{"name":"one","events":["a"],"when":"body.n > 1","type":"a.one","data":{"x":{"const":1}}}`,
		`{"name":"two","events":["*"],"when":"body.n < 10","unless":["one"],"type":"a.two","data":{"x":{"const":2}}}`)
	for body, want := range map[string][]string{`{"n":1}`: {"two"}, `{"n":5}`: {"one"}, `{"n":50}`: {"one"}} {
		result, _ := mapOne(t, m, "a", body, PaymentTotal{})
		var names []string
		for _, event := range result.Events {
			names = append(names, event.Mapping)
		}
		if !slices.Equal(names, want) {
			t.Errorf("%s becomes %q; want %q", body, names, want)
		}
	}
	if result, _ := mapOne(t, m, "b", `{"n":50}`, PaymentTotal{}); result.Outcome != OutcomeFiltered {
		t.Errorf("Outcome = %s; want filtered", result.Outcome)
	}
	if result, _ := mapOne(t, m, "b", `{"n":"text"}`, PaymentTotal{}); result.Outcome != OutcomeFailed {
		t.Errorf("Outcome = %s; want failed", result.Outcome)
	}
}

// TestIdentity_of_events says what makes two items the same event.
func TestIdentity_of_events(t *testing.T) {
	identity := func(mapping, id, body string) string {
		result := mappings(t, "generic_hmac", mapping).Apply(context.Background(), nil, []Item{{ID: id, Type: "a", Body: []byte(body)}})[0]
		if result.Err != nil {
			return "failed"
		}
		return result.Events[0].Identity
	}
	plain, named := valued(`{"const":1}`), `{"name":"m","same":"s","events":["a"],"type":"a.b","identity":[{"path":"$.a"},{"path":"$.b"}],"data":{"x":{"const":1}}}`
	if got := identity(plain, "evt_1", `{}`); got != "m:evt_1" {
		t.Errorf("identity = %q; want the provider's id", got)
	}
	if a, b := identity(plain, "", `{"a":1}`), identity(plain, "", `{"a":2}`); a == b || len(a) != 2+64 {
		t.Errorf("identities = %q, %q; want the bodies' hashes", a, b)
	}
	if got := identity(named, "evt_1", `{"a":"x","b":2}`); got != "s:x:2" {
		t.Errorf("identity = %q; want s:x:2", got)
	}
	if got := identity(named, "evt_1", `{"a":"x"}`); got != "failed" {
		t.Errorf("identity = %q; want a failure, since a part is missing", got)
	}
	if a, b := identity(named, "", `{"a":"`+strings.Repeat("x", 5000)+`","b":1}`), identity(named, "", `{"a":"`+strings.Repeat("x", 5000)+`","b":2}`); a == b || len(a) > MaxExternalID {
		t.Errorf("identities of %d bytes, equal: %t", len(a), a == b)
	}
}

// TestConditions_see_no_credentials shows which headers a condition can read.
func TestConditions_see_no_credentials(t *testing.T) {
	m := mappings(t, "generic_hmac", `{"name":"m","events":["*"],"type":"a.b","data":{"x":{"cel":"headers"}}}`)
	headers := []Header{{"X-Kind", "one"}, {"X-Kind", "two"}, {"Authorization", "Bearer s3cret"}, {"X-Api-Token", "s3cret"}, {"Cookie", "s3cret"}, {"X-Signature", "s3cret"}}
	result := m.Apply(context.Background(), headers, []Item{{ID: "1", Type: "a", Body: []byte(`{}`)}})[0]
	data, err := result.Events[0].Data(PaymentTotal{})
	if err != nil || string(data) != `{"x":{"x-kind":"one"}}` {
		t.Errorf("Data() = %s, %v; want the kind alone", data, err)
	}
}

func TestOccurredAt(t *testing.T) {
	m := mappings(t, "generic_hmac", `{"name":"m","events":["*"],"type":"a.b","occurredAt":{"path":"$.at","fn":"unix"},"data":{"x":{"const":1}}}`)
	result, _ := mapOne(t, m, "a", `{"at":1755163800}`, PaymentTotal{})
	if got := result.Events[0].OccurredAt; !got.Equal(time.Unix(1755163800, 0)) {
		t.Errorf("OccurredAt = %s", got)
	}
	result, _ = mapOne(t, m, "a", `{}`, PaymentTotal{})
	if got := result.Events[0].OccurredAt; !got.Equal(testTime) {
		t.Errorf("OccurredAt = %s; want the item's", got)
	}
}

// TestData_is_bounded shows that fields that each hold the whole body don't
// multiply it.
func TestData_is_bounded(t *testing.T) {
	fields := make([]string, maxDataFields)
	for i := range fields {
		fields[i] = fmt.Sprintf(`"f%d":{"path":"$"}`, i)
	}
	m := mappings(t, "generic_hmac", `{"name":"m","events":["a"],"type":"a.b","data":{`+strings.Join(fields, ",")+`}}`)
	result := m.Apply(context.Background(), nil, []Item{{ID: "1", Type: "a", Body: []byte(`{"s":"` + strings.Repeat("a", 100_000) + `"}`)}})[0]
	if data, err := result.Events[0].Data(PaymentTotal{}); err == nil {
		t.Errorf("Data() of %d bytes isn't refused", len(data))
	}
}
